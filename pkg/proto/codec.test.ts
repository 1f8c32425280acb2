import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, test } from 'vitest';
import { goldenDir } from '../../dev/golden.ts';
import { kindOf } from '../errors/fault.ts';
import { MAX_TIME, MIN_TIME } from '../model/time.ts';
import { codecOf } from './codec.ts';
import { readGoldenCalls } from './golden-calls.ts';
import { packBlockMatchers, packQueriedBlocks, unpackBlockMatchers, unpackQueriedBlocks } from './hints.ts';
import { type InfoResponse, infoMethod } from './info-service.ts';
import { bitsOf, int64Of, numberOf, unsignedOf } from './int64.ts';
import { chunkedReadResponseCodec } from './remote-read.ts';
import { labelNamesMethod, labelValuesMethod, seriesMethod, seriesResponseCodec } from './store-service.ts';

const vectors = [
  [
    'SeriesRequest',
    seriesMethod.request,
    '08ffffffffffffffffff0110ffffffffffffffff7f1a0e12085f5f6e616d655f5f1a0275701a0c080312036a6f621a03617c6220e0a7122a0201023001380140014a450a2e747970652e676f6f676c65617069732e636f6d2f68696e747370622e5365726965735265717565737448696e747312130a0f120a5f5f626c6f636b5f69641a0158100150987558e0d403623508987512060a0472617465220708011a036a6f622a0408e0d40332036a6f62380142125f5f63665f7365726965735f686173685f5f6a0b08011002180122036a6f6272077265706c696361780a800140',
  ],
  [
    'SeriesResponse with chunks',
    seriesResponseCodec,
    '0a89010a0e0a085f5f6e616d655f5f120275700a0d0a07636c757374657212026575122808e80710b8171a2012130003d00f3ff0000000000000e807c25fff400418c7a0ffc0d18692ccb801123e08e0a71210e0a712220f120d0001c0cf2440340000000000002a0f120d0001c0cf244049000000000000421212100002c0cf24401c00000000000000d80c',
  ],
  ['SeriesResponse with a warning', seriesResponseCodec, '120177'],
  ['SeriesResponse with a batch', seriesResponseCodec, '22140a080a060a01611201310a080a060a0161120132'],
  [
    'SeriesResponse with hints',
    seriesResponseCodec,
    '1a4a0a2f747970652e676f6f676c65617069732e636f6d2f68696e747370622e536572696573526573706f6e736548696e747312170a030a015812100801aa010808011080cab5ee01b20100',
  ],
  ['LabelNamesRequest', labelNamesMethod.request, '100118012002320a08021201611a03622e2a3a077265706c6963614003'],
  ['LabelNamesResponse', labelNamesMethod.response, '0a01610a0162120177'],
  ['LabelValuesRequest', labelValuesMethod.request, '0a036a6f621801200128023a05080112016142077265706c6963614803'],
  [
    'InfoResponse of a sidecar',
    infoMethod.response,
    '0a0f0a0d0a07636c7573746572120265751207736964656361721a410880c0ee87d9eef1ffff0110ffffffffffffffff7f1801280132260a0f0a0d0a07636c7573746572120265751080c0ee87d9eef1ffff0118ffffffffffffffff7f22002a0032003a004a00',
  ],
  [
    'InfoResponse of a querier',
    infoMethod.response,
    '120571756572791a19088080808080808080800110ffffffffffffffff7f1801280122002a0032003a0042004a00',
  ],
  [
    'ChunkedReadResponse',
    chunkedReadResponseCodec,
    '0a280a0d0a085f5f6e616d655f5f12016d121710e80718012210' + '0002003ff0000000000000e807c25fff',
  ],
] as const;

for (const [what, codec, hex] of vectors) {
  test(`a recorded ${what} decodes and encodes to the same bytes`, () => {
    const message = codec.decode(Buffer.from(hex, 'hex'));
    assert.equal(codec.encode(message as never).toString('hex'), hex);
  });
}

test('a request encodes as the reference does', () => {
  const matcher = { type: 2, name: 'a', value: 'b.*' };
  const bytes = labelNamesMethod.request.encode({
    partial_response_strategy: 1,
    start: int64Of(1),
    end: int64Of(2),
    matchers: [matcher],
    without_replica_labels: ['replica'],
    limit: int64Of(3),
  });
  assert.equal(bytes.toString('hex'), '100118012002320a08021201611a03622e2a3a077265706c6963614003');
});

test('a service without fields is present on the wire', () => {
  assert.equal(infoMethod.response.encode({ rules: {}, status: {} }).toString('hex'), '22004a00');
  const message: InfoResponse = infoMethod.response.decode(Buffer.from('22004a00', 'hex'));
  assert.notEqual(message.rules, null);
  assert.equal(message.store, null);
});

for (const file of ['store', 'sidecar']) {
  test.skipIf(goldenDir() === undefined)(
    `every recorded call of a ${file} decodes and encodes to the same bytes`,
    () => {
      const codecs = {
        '/thanos.info.Info/Info': infoMethod,
        '/thanos.Store/Series': { request: seriesMethod.request, response: seriesResponseCodec },
        '/thanos.Store/LabelNames': labelNamesMethod,
        '/thanos.Store/LabelValues': labelValuesMethod,
      };
      let messages = 0;
      for (const call of readGoldenCalls(join(goldenDir()!, 'grpc', `${file}.jsonl.gz`))) {
        const { request, response } = codecs[call.method as keyof typeof codecs];
        assert.deepEqual(request.encode(request.decode(call.requestBytes) as never), call.requestBytes, call.name);
        for (const frame of call.frames) {
          assert.deepEqual(response.encode(response.decode(frame) as never), frame, call.name);
          messages++;
        }
      }
      assert.ok(messages > 100);
    },
  );
}

describe('64-bit numbers', () => {
  for (const [text, number] of [
    ['-9223372036854775808', MIN_TIME],
    ['9223372036854775807', MAX_TIME],
    ['-62167219200000', -62167219200000],
    ['-1', -1],
    ['0', 0],
    ['4294967295', 4294967295],
    ['-4294967296', -4294967296],
    ['9007199254740991', Number.MAX_SAFE_INTEGER],
    ['-9007199254740991', Number.MIN_SAFE_INTEGER],
  ] as const) {
    test(`${text} becomes a number and comes back`, () => {
      const value = int64Of(number);
      assert.equal(BigInt.asIntN(64, bitsOf(value)), BigInt(text));
      assert.equal(numberOf(value), number);
    });
  }

  test('a bound that HTTP defaults send stays a bound', () => {
    const exact = -9223309901257974000n;
    const number = Number(exact);
    const back = BigInt.asIntN(64, bitsOf(int64Of(number)));
    assert.ok(back - exact < 1024n && exact - back < 1024n);
    assert.ok(number > MIN_TIME);
  });

  test('what lies beyond int64 becomes its limits', () => {
    assert.deepEqual(int64Of(Number.POSITIVE_INFINITY), int64Of(MAX_TIME));
    assert.deepEqual(int64Of(-1e300), int64Of(MIN_TIME));
  });

  test('a hash keeps all its bits', () => {
    const hex = '1a0f' + '1202aabb' + '18' + 'c7a0ffc0d18692ccb801';
    const chunk = codecOf<{ raw: { hash: Parameters<typeof bitsOf>[0] } }>('thanos.AggrChunk').decode(
      Buffer.from(hex, 'hex'),
    );
    assert.equal(bitsOf(chunk.raw.hash), 13301460892313964615n);
    assert.equal(unsignedOf(chunk.raw.hash), Number(13301460892313964615n));
  });
});

test('bytes that are no message are corrupt', () => {
  for (const hex of ['0aff', '0affffffffff', '0b', '1a021aff']) {
    assert.throws(
      () => seriesMethod.request.decode(Buffer.from(hex, 'hex')),
      (thrown) => kindOf(thrown) === 'corrupt',
    );
  }
});

describe('hints', () => {
  test('name blocks and come back', () => {
    const matcher = { type: 0, name: '__block_id', value: 'X' };
    const [back] = unpackBlockMatchers('LabelNames', packBlockMatchers('LabelNames', [matcher]));
    assert.deepEqual([back.type, back.name, back.value], [0, '__block_id', 'X']);
    assert.deepEqual(unpackQueriedBlocks('Series', packQueriedBlocks('Series', ['A', 'B'])), ['A', 'B']);
  });

  test('of another type are invalid', () => {
    const hints = packQueriedBlocks('Series', ['A']);
    assert.throws(
      () => unpackBlockMatchers('Series', hints),
      (thrown) => kindOf(thrown) === 'invalid',
    );
  });
});
