import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, test } from 'vitest';
import { goldenDir } from '../../dev/golden.ts';
import { kindOf } from '../errors/fault.ts';
import { Labels } from '../model/labels.ts';
import { MAX_TIME, MIN_TIME } from '../model/time.ts';
import { readGoldenCalls } from './golden-calls.ts';
import { numberOf } from './int64.ts';
import { labelsOf } from './labels.ts';
import { type ChunkSink, SeriesFrameReader, type SeriesSink } from './series-frame.ts';
import { type ChunkRange, SeriesFrameWriter, warningFrame } from './series-frame-writer.ts';
import { type SeriesResponse, seriesResponseCodec } from './store-service.ts';
import { StringInterner } from './string-interner.ts';

/** Parts as [aggregate, encoding, data in hex]. */
interface PlainChunk {
  readonly minTime: number;
  readonly maxTime: number;
  readonly parts: readonly (readonly [number, number, string])[];
}

interface PlainSeries {
  readonly labels: string;
  readonly chunks: readonly PlainChunk[];
}

/** Collects what a reader gives as plain values. */
class Plain implements ChunkSink, SeriesSink {
  readonly out: PlainSeries[] = [];
  readonly warnings: string[] = [];
  hintsCount = 0;
  readonly #frame: Uint8Array;
  #chunks: { minTime: number; maxTime: number; parts: [number, number, string][] }[] = [];

  constructor(frame: Uint8Array) {
    this.#frame = frame;
  }

  chunk(minTime: number, maxTime: number): void {
    this.#chunks.push({ minTime, maxTime, parts: [] });
  }

  refer(aggregate: number, encoding: number, offset: number, length: number): void {
    const data = Buffer.from(this.#frame.subarray(offset, offset + length)).toString('hex');
    this.#chunks.at(-1)!.parts.push([aggregate, encoding, data]);
  }

  series(labels: Labels): void {
    this.out.push({ labels: String(labels), chunks: this.#chunks });
    this.#chunks = [];
  }

  warning(text: string): void {
    this.warnings.push(text);
  }

  hints(): void {
    this.hintsCount++;
  }
}

const parts = ['raw', 'count', 'sum', 'min', 'max', 'counter'] as const;

/** The same through protobufjs. */
function plainOf(message: SeriesResponse): PlainSeries[] {
  const all = message.series === null ? (message.batch?.series ?? []) : [message.series];
  return all.map(({ labels, chunks }) => ({
    labels: String(labelsOf(labels)),
    chunks: chunks.map((chunk) => ({
      minTime: numberOf(chunk.min_time),
      maxTime: numberOf(chunk.max_time),
      parts: parts.flatMap((name, aggregate) => {
        const part = chunk[name];
        if (part === null) return [];
        return [[aggregate, part.type + 1, Buffer.from(part.data).toString('hex')] as const];
      }),
    })),
  }));
}

/** Chunks as columns, for the writer. */
function columnsOf(chunks: readonly PlainChunk[]): ChunkRange[] {
  const all = chunks.flatMap((chunk) => chunk.parts);
  const data = all.map(([, , hex]) => Buffer.from(hex, 'hex'));
  let offset = 0;
  const offsets = data.map((bytes) => (offset += bytes.length) - bytes.length);
  let part = 0;
  const table = {
    minTimes: Float64Array.from(chunks, ({ minTime }) => minTime),
    maxTimes: Float64Array.from(chunks, ({ maxTime }) => maxTime),
    firstPart: Uint32Array.from([0, ...chunks.map((chunk) => (part += chunk.parts.length))]),
    partAggregate: Uint8Array.from(all, ([aggregate]) => aggregate),
    partEncoding: Uint8Array.from(all, ([, encoding]) => encoding),
    partOffset: Uint32Array.from(offsets),
    partLength: Uint32Array.from(data, ({ length }) => length),
    bytes: Buffer.concat(data),
  };
  // Two ranges, to see that they join.
  const middle = chunks.length >>> 1;
  return [
    { table, from: 0, to: middle },
    { table, from: middle, to: chunks.length },
  ];
}

const reader = new SeriesFrameReader(new StringInterner());

function read(frame: Uint8Array): Plain {
  const plain = new Plain(frame);
  reader.read(frame, plain, plain);
  return plain;
}

describe('a recorded frame', () => {
  const chunkBytes = '0003d00f3ff0000000000000e807c25fff4004';

  test('of one series with raw and aggregate chunks', () => {
    const frame = Buffer.from(
      `0a89010a0e0a085f5f6e616d655f5f120275700a0d0a07636c757374657212026575122808e80710b8171a2012130003d00f3ff0000000000000e807c25fff400418c7a0ffc0d18692ccb801123e08e0a71210e0a712220f120d0001c0cf2440340000000000002a0f120d0001c0cf244049000000000000421212100002c0cf24401c00000000000000d80c`,
      'hex',
    );
    assert.deepEqual(read(frame).out, [
      {
        labels: '{__name__="up", cluster="eu"}',
        chunks: [
          { minTime: 1000, maxTime: 3000, parts: [[0, 1, chunkBytes]] },
          {
            minTime: 300000,
            maxTime: 300000,
            parts: [
              [1, 1, '0001c0cf244034000000000000'],
              [2, 1, '0001c0cf244049000000000000'],
              [5, 1, '0002c0cf24401c00000000000000d80c'],
            ],
          },
        ],
      },
    ]);
  });

  test('of a batch, read and written', () => {
    const hex = '22140a080a060a01611201310a080a060a0161120132';
    assert.deepEqual(
      read(Buffer.from(hex, 'hex')).out.map(({ labels }) => labels),
      ['{a="1"}', '{a="2"}'],
    );
    const writer = new SeriesFrameWriter(64);
    writer.add(Labels.of({ a: '1' }), []);
    writer.add(Labels.of({ a: '2' }), []);
    assert.equal(writer.take().toString('hex'), hex);
  });

  test('of a warning, read and written', () => {
    assert.deepEqual(read(Buffer.from('120177', 'hex')).warnings, ['w']);
    assert.equal(warningFrame('w').toString('hex'), '120177');
  });

  test('of hints', () => {
    const hex =
      '1a4a0a2f747970652e676f6f676c65617069732e636f6d2f68696e747370622e536572696573526573706f6e736548696e747312170a030a015812100801aa010808011080cab5ee01b20100';
    const plain = read(Buffer.from(hex, 'hex'));
    assert.equal(plain.hintsCount, 1);
    assert.deepEqual(plain.warnings, []);
    assert.deepEqual(plain.out, []);
  });
});

for (const file of ['store', 'sidecar']) {
  test.skipIf(goldenDir() === undefined)(
    `every recorded Series frame of a ${file} is read and written like protobufjs does`,
    () => {
      let frames = 0;
      const single = new SeriesFrameWriter(1);
      const batched = new SeriesFrameWriter(1000, 1 << 30);
      for (const call of readGoldenCalls(join(goldenDir()!, 'grpc', `${file}.jsonl.gz`))) {
        if (call.method !== '/thanos.Store/Series') continue;
        const all: PlainSeries[] = [];
        for (const frame of call.frames) {
          const message = seriesResponseCodec.decode(frame);
          const expected = plainOf(message);
          assert.deepEqual(read(frame).out, expected);
          assert.ok(expected.length > 0);
          all.push(...expected);
          frames++;
          // Written anew, without hashes, the bytes are those of protobufjs.
          for (const series of message.series === null ? message.batch!.series : [message.series]) {
            for (const chunk of series.chunks)
              for (const name of parts) if (chunk[name]) delete (chunk[name] as { hash?: unknown }).hash;
            assert.ok(
              single.add(labelsOf(series.labels), columnsOf(plainOf({ ...message, series, batch: null })[0].chunks)),
            );
            assert.deepEqual(single.take(), seriesResponseCodec.encode({ series }));
            batched.add(labelsOf(series.labels), columnsOf(plainOf({ ...message, series, batch: null })[0].chunks));
          }
        }
        if (!batched.isEmpty) assert.deepEqual(read(batched.take()).out, all);
      }
      assert.ok(frames > 100, `${frames} frames`);
    },
  );
}

describe('the writer', () => {
  const awkward: PlainSeries[] = [
    { labels: '{}', chunks: [] },
    { labels: '', chunks: [{ minTime: 0, maxTime: 0, parts: [] }] },
    { labels: '', chunks: [{ minTime: MIN_TIME, maxTime: MAX_TIME, parts: [[0, 1, '']] }] },
    {
      labels: '',
      chunks: [
        {
          minTime: -1,
          maxTime: 1,
          parts: [
            [0, 3, '00'],
            [5, 2, 'ff'],
          ],
        },
      ],
    },
    { labels: '', chunks: [{ minTime: -62167219200000, maxTime: 2 ** 53, parts: [[3, 1, 'ab'.repeat(300)]] }] },
    { labels: '', chunks: [{ minTime: 2 ** 31, maxTime: 2 ** 35 - 1, parts: [[4, 1, 'cd'.repeat(20000)]] }] },
  ];
  const sets = [
    Labels.empty,
    Labels.of({ a: '1', b: '2' }),
    Labels.of({ a: '1', b: '2', c: 'Zürich 😀', long: 'x'.repeat(1000), löng: 'ß'.repeat(1000) }),
    Labels.of({ a: '1', b: '3', c: 'Zürich 😀', long: 'x'.repeat(1000), löng: 'ß'.repeat(1000) }),
    Labels.of({ b: '3' }),
    Labels.of(Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`l${i}`, `${i}`]))),
  ];

  test('agrees with protobufjs on awkward labels and times', () => {
    const writer = new SeriesFrameWriter(0);
    for (const labels of sets) {
      for (const { chunks } of awkward) {
        writer.add(labels, columnsOf(chunks));
        const frame = writer.take();
        const [series] = plainOf(seriesResponseCodec.decode(frame));
        assert.deepEqual(series, { labels: String(labels), chunks });
        assert.deepEqual(read(frame).out, [series]);
      }
    }
  });

  test('says when a frame is full, by series and by bytes', () => {
    const bySeries = new SeriesFrameWriter(3);
    assert.deepEqual(
      [1, 2, 3].map(() => bySeries.add(sets[1], [])),
      [false, false, true],
    );
    const byBytes = new SeriesFrameWriter(100, 1000);
    assert.equal(byBytes.add(sets[1], []), false);
    assert.equal(byBytes.add(sets[2], []), true);
    assert.equal(byBytes.isEmpty, false);
    assert.equal(read(byBytes.take()).out.length, 2);
    assert.equal(byBytes.isEmpty, true);
  });

  test('takes labels that are encoded already', () => {
    const writer = new SeriesFrameWriter(0);
    writer.add(sets[1], []);
    const frame = writer.take();
    writer.addEncoded(frame.subarray(2), []);
    assert.deepEqual(writer.take(), frame);
  });
});

describe('the reader', () => {
  test('gives the very same labels for neighbours of equal labels', () => {
    const writer = new SeriesFrameWriter(10);
    const sets: Labels[] = [];
    for (let i = 0; i < 3; i++) writer.add(Labels.of({ a: '1', b: 'x' }), []);
    writer.add(Labels.of({ a: '1' }), []);
    writer.add(Labels.of({ a: '1', c: 'y' }), []);
    const chunks: ChunkSink = { chunk() {}, refer() {} };
    reader.read(writer.take(), chunks, { series: (labels) => sets.push(labels), warning() {}, hints() {} });
    assert.equal(sets[0], sets[2]);
    assert.deepEqual(sets.map(String), [
      '{a="1", b="x"}',
      '{a="1", b="x"}',
      '{a="1", b="x"}',
      '{a="1"}',
      '{a="1", c="y"}',
    ]);
  });

  for (const [what, pairs, expected] of [
    [
      'out of order',
      [
        ['b', '1'],
        ['a', '2'],
      ],
      '{a="2", b="1"}',
    ],
    [
      'with an empty value',
      [
        ['a', ''],
        ['b', '1'],
      ],
      '{b="1"}',
    ],
    [
      'with a name twice',
      [
        ['a', '1'],
        ['a', '2'],
      ],
      '{a="2"}',
    ],
  ] as const) {
    test(`repairs labels ${what}`, () => {
      const labels = pairs.map(([name, value]) => ({ name, value }));
      const series = [{ labels }, { labels }];
      assert.deepEqual(
        read(seriesResponseCodec.encode({ batch: { series } })).out.map((one) => one.labels),
        [expected, expected],
      );
    });
  }

  test('passes over fields it does not know', () => {
    // Fields 15 of each wire type before the label of a series.
    const unknown = `780579${'00'.repeat(8)}7a01617d${'00'.repeat(4)}`;
    const label = '0a060a0161120131';
    const length = (unknown.length / 2 + label.length / 2).toString(16);
    assert.deepEqual(read(Buffer.from(`0a${length}${unknown}${label}`, 'hex')).out, [
      { labels: '{a="1"}', chunks: [] },
    ]);
  });

  for (const [what, hex] of [
    ['cut within a tag', '8a'],
    ['cut within a length', '0a'],
    ['longer than its bytes', '0a05'],
    ['with a label longer than its series', '0a020a08'],
    ['with a time reaching beyond its chunk', '0a0412010880'],
    ['of a group', '0b'],
    ['with an endless varint', `0a${'ff'.repeat(11)}`],
    ['with an unknown encoding', '0a0812061a0408ff7f00'],
  ] as const) {
    test(`refuses a frame ${what}`, () => {
      assert.throws(
        () => read(Buffer.from(hex, 'hex')),
        (thrown) => kindOf(thrown) === 'corrupt',
      );
    });
  }
});
