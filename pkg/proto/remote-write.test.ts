// Recorded remote write and remote read messages decode to what the reference says they hold, and encode to their bytes.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, test } from 'vitest';
import { goldenDir } from '../../dev/golden.ts';
import { crc32c } from '../bytes/crc32c.ts';
import { decodeSnappy, encodeSnappy } from '../bytes/snappy.ts';
import { kindOf } from '../errors/fault.ts';
import { Labels } from '../model/labels.ts';
import { frameMessage } from './chunked-read-frame.ts';
import { readGoldenStreams } from './golden-calls.ts';
import { readGoldenLines, recordedBits, spellRequest, spellRequestV2, spellSeries } from './golden-remote.ts';
import { histogramMessage, histogramSampleOf } from './remote-histogram.ts';
import { chunkedReadResponseCodec, readRequestCodec, readResponseCodec } from './remote-read.ts';
import {
  checkSymbols,
  labelsOfRefs,
  WriteSymbols,
  writeHeaders,
  writeRequestCodec,
  writeRequestV2Codec,
  writeVersionOf,
} from './remote-write.ts';

const testdata = join(import.meta.dirname, 'testdata');
const golden = goldenDir();
const MAX_BYTES = 1 << 24;
/** Of the records: floats in these places are text there. */
const FLOAT_KEYS = new Set(['v', 'zeroThreshold', 'zeroCount', 'count', 'sum']);
const FLOAT_LISTS = new Set(['positiveBuckets', 'negativeBuckets', 'customValues']);

/** A record's floats by their bits. */
function byBits(value: unknown, key = ''): unknown {
  if (typeof value === 'string') return FLOAT_KEYS.has(key) || FLOAT_LISTS.has(key) ? recordedBits(value) : value;
  if (Array.isArray(value)) {
    if (key === 'samples' || key === 'histograms') {
      return value.map((one) =>
        Array.isArray(one) ? [one[0], typeof one[1] === 'string' ? recordedBits(one[1]) : byBits(one[1])] : byBits(one),
      );
    }
    return value.map((one) => byBits(one, FLOAT_LISTS.has(key) ? key : ''));
  }
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, byBits(one, name)]));
}

describe('requests that Prometheus sent', () => {
  for (const file of ['write-capture.jsonl.gz', 'write-capture-start-timestamps.jsonl.gz']) {
    for (const version of [1, 2]) {
      test(`of version ${version}.0 in ${file} decode as recorded and encode to the same bytes`, () => {
        const lines = readGoldenLines(join(testdata, file)).filter((line) => line['version'] === version);
        assert.ok(lines.length >= 20);
        for (const line of lines) {
          const body = decodeSnappy(Buffer.from(line['body'], 'base64'), MAX_BYTES);
          const contentType = new Map<string, string>(line['headers']).get('Content-Type')!;
          assert.equal(writeVersionOf(contentType), `v${version}`);
          if (version === 1) {
            const message = writeRequestCodec.decode(body);
            assert.deepEqual(spellRequest(message), byBits(line['decoded']));
            assert.deepEqual(writeRequestCodec.encode(message), Buffer.from(body));
          } else {
            const message = writeRequestV2Codec.decode(body);
            checkSymbols(message);
            assert.deepEqual(spellRequestV2(message), byBits(line['decoded']));
            assert.deepEqual(writeRequestV2Codec.encode(message), Buffer.from(body));
          }
        }
      });
    }
  }

  test('keep every bit of stale markers and infinities, and start timestamps', () => {
    const values = new Set<string>();
    let starts = 0;
    for (const line of readGoldenLines(join(testdata, 'write-capture-start-timestamps.jsonl.gz'))) {
      if (line['version'] !== 2) continue;
      const message = writeRequestV2Codec.decode(decodeSnappy(Buffer.from(line['body'], 'base64'), MAX_BYTES));
      for (const { samples, histograms } of (spellRequestV2(message) as { timeseries: never[] }).timeseries) {
        for (const { v, st } of samples as { v: string; st: number }[]) {
          values.add(v);
          if (st > 0) starts++;
        }
        for (const { st } of histograms as { st: number }[]) if (st > 0) starts++;
      }
    }
    for (const bits of ['7ff0000000000002', '7ff0000000000000']) assert.ok(values.has(bits), bits);
    assert.ok(starts > 10);
  });
});

describe('requests posted to Prometheus', () => {
  const lines = readGoldenLines(join(testdata, 'write-receiver.jsonl.gz'));
  for (const line of lines) {
    const name: string = line['name'];
    const status: number = line['status'];
    const contentType: string = line['contentType'];
    if (status === 415 && line['contentEncoding'] === 'snappy') {
      test(`${name}: the content type is refused`, () => {
        assert.throws(
          () => writeVersionOf(contentType),
          (thrown) => kindOf(thrown) === 'unsupported',
        );
      });
      continue;
    }
    if (status === 415 || /not snappy|empty body|not protobuf|no encoding named|invalid utf-8/.test(name)) continue;
    test(`${name}: encodes to the bytes it was decoded from`, () => {
      const body = decodeSnappy(Buffer.from(line['body'] ?? '', 'base64'), MAX_BYTES);
      const isV1 = writeVersionOf(contentType) === 'v1';
      const codec = isV1 ? writeRequestCodec : writeRequestV2Codec;
      const message = codec.decode(body);
      // Fields of the other version are not known.
      if (/v2 body with the v1|no content type/.test(name)) return;
      assert.deepEqual(codec.encode(message as never), Buffer.from(body));
    });
  }

  for (const [what, name] of [
    ['a body that is no snappy block', 'not snappy'],
    ['an empty body', 'empty body'],
  ] as const) {
    test(`${what} is corrupt`, () => {
      const line = lines.find((one) => one['name'] === name)!;
      const body = Buffer.from(line['body'] ?? '', 'base64');
      assert.throws(
        () => decodeSnappy(body, MAX_BYTES),
        (thrown) => kindOf(thrown) === 'corrupt',
      );
    });
  }

  // Prometheus leaves series with such text out without a word; a sender ought to hear of it.
  for (const [what, name, codec] of [
    ['no message', 'not protobuf', writeRequestV2Codec],
    ['a message with text that is no UTF-8', 'v1 invalid utf-8', writeRequestCodec],
  ] as const) {
    test(`a body that is ${what} is corrupt`, () => {
      const line = lines.find((one) => one['name'] === name)!;
      const body = decodeSnappy(Buffer.from(line['body'], 'base64'), MAX_BYTES);
      assert.throws(
        () => codec.decode(body),
        (thrown) => kindOf(thrown) === 'corrupt',
      );
    });
  }

  for (const name of ['v2 symbol out of range', 'v2 odd number of label references', 'v2 duplicate label']) {
    test(`${name}: the labels are refused, as Prometheus does`, () => {
      const line = lines.find((one) => one['name'] === name)!;
      assert.equal(line['status'], 400);
      const message = writeRequestV2Codec.decode(decodeSnappy(Buffer.from(line['body'], 'base64'), MAX_BYTES));
      assert.throws(
        () => message.timeseries.map(({ labels_refs }) => labelsOfRefs(labels_refs, message.symbols)),
        (thrown) => kindOf(thrown) === 'invalid',
      );
    });
  }
});

describe('histograms between messages and the model', () => {
  test('come back to the same bytes from every recorded request', () => {
    let compared = 0;
    for (const file of ['write-capture.jsonl.gz', 'write-receiver.jsonl.gz']) {
      for (const line of readGoldenLines(join(testdata, file))) {
        if (line['status'] !== undefined && line['status'] >= 300) continue;
        if (line['contentType'] !== undefined && writeVersionOf(line['contentType']) === 'v2') continue;
        if (line['version'] === 2 || line['name'] === 'v1 invalid utf-8') continue;
        const message = writeRequestCodec.decode(decodeSnappy(Buffer.from(line['body'], 'base64'), MAX_BYTES));
        for (const { histograms } of message.timeseries) {
          for (const one of histograms) {
            const wrap = (of: unknown) => writeRequestCodec.encode({ timeseries: [{ histograms: [of as never] }] });
            assert.deepEqual(wrap(histogramMessage(histogramSampleOf(one))), wrap(one));
            compared++;
          }
        }
      }
    }
    assert.ok(compared >= 8, `${compared} histograms`);
  });

  test('are refused when buckets and spans differ', () => {
    const message = writeRequestCodec.decode(
      writeRequestCodec.encode({
        timeseries: [{ histograms: [{ positive_spans: [{ offset: 0, length: 3 }], positive_deltas: [] }] }],
      }),
    );
    assert.throws(
      () => histogramSampleOf(message.timeseries[0].histograms[0]),
      (thrown) => kindOf(thrown) === 'invalid',
    );
  });
});

test('symbols are numbered in the order they are asked for, the empty one first', () => {
  const symbols = new WriteSymbols();
  const refs = symbols.refsOf(Labels.of({ __name__: 'up', job: 'up' }));
  assert.deepEqual(refs, [1, 2, 3, 2]);
  assert.deepEqual(symbols.symbols, ['', '__name__', 'up', 'job']);
  const message = writeRequestV2Codec.decode(
    writeRequestV2Codec.encode({ symbols: symbols.symbols, timeseries: [{ labels_refs: refs }] }),
  );
  assert.equal(
    labelsOfRefs(message.timeseries[0].labels_refs, message.symbols).toString(),
    '{__name__="up", job="up"}',
  );
  assert.throws(
    () => checkSymbols({ symbols: ['a'] }),
    (thrown) => kindOf(thrown) === 'invalid',
  );
  assert.equal(writeVersionOf(writeHeaders.v2['Content-Type']), 'v2');
  assert.equal(writeVersionOf('application/x-protobuf; proto=prometheus.WriteRequest'), 'v1');
});

describe.skipIf(golden === undefined)('the recorded remote reads', () => {
  const file = join(golden ?? '', 'remote', 'read.jsonl.gz');

  test('have requests and sampled answers that decode as recorded and encode to the same bytes', () => {
    let sampled = 0;
    for (const line of readGoldenLines(file)) {
      if (line['status'] !== 200) continue;
      const request = decodeSnappy(Buffer.from(line['requestBody'], 'base64'), MAX_BYTES);
      assert.deepEqual(readRequestCodec.encode(readRequestCodec.decode(request)), Buffer.from(request));
      if (line['contentType'] !== 'application/x-protobuf') continue;
      const body = decodeSnappy(Buffer.from(line['responseBody'], 'base64'), MAX_BYTES);
      const response = readResponseCodec.decode(body);
      const spelled = response.results.map(({ timeseries }) =>
        timeseries.map((series) => {
          const { exemplars: _none, ...rest } = spellSeries(series) as Record<string, unknown>;
          return rest;
        }),
      );
      const recorded = (line['results'] as unknown[][]).map((series) => (series ?? []).map((one) => byBits(one)));
      assert.deepEqual(spelled, recorded);
      assert.deepEqual(readResponseCodec.encode(response), Buffer.from(body));
      assert.deepEqual(decodeSnappy(encodeSnappy(body), MAX_BYTES), new Uint8Array(body));
      sampled++;
    }
    assert.ok(sampled > 10);
  });

  test('have streamed answers whose messages encode, and frame, to the same bytes', () => {
    const frames: Uint8Array[] = [];
    for (const frame of readGoldenStreams(file)) {
      const again = chunkedReadResponseCodec.encode(chunkedReadResponseCodec.decode(frame));
      assert.deepEqual(again, Buffer.from(frame));
      frames.push(frameMessage(again));
    }
    const bodies: Buffer[] = [];
    for (const line of readGoldenLines(file)) {
      const contentType = String(line['contentType']);
      if (contentType.startsWith('application/x-streamed'))
        bodies.push(Buffer.from(line['responseBody'] ?? '', 'base64'));
    }
    assert.ok(frames.length > 20, `${frames.length} frames`);
    assert.ok(Buffer.concat(frames).equals(Buffer.concat(bodies)));
  });
});

test("a frame is the message's length, its checksum and the message", () => {
  const message = Buffer.from(
    '0a280a0d0a085f5f6e616d655f5f12016d121710e807180122100002003ff0000000000000e807c25fff',
    'hex',
  );
  assert.equal(Buffer.from(frameMessage(message)).toString('hex'), `2a4696d68b${message.toString('hex')}`);
  assert.equal(crc32c(message), 0x4696d68b);
});
