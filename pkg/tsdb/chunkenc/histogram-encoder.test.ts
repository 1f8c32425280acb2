// The encoders give the reference's bytes: the contract's vectors, and every histogram chunk of the golden blocks decoded and
// written again; across chunks the appending rules find the borders and headers that the reference found.

import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'vitest';
import type { CounterResetHint, Histogram, HistogramSample, IntegerHistogram } from '../../model/histogram.ts';
import { goldenBlocks, readDump, testdata } from '../golden-fixture.ts';
import { decodeFloatHistograms } from './float-histogram.ts';
import { FloatHistogramEncoder } from './float-histogram-encoder.ts';
import { decodeHistograms } from './histogram.ts';
import { type ChunkState, decideAppend, headerAfterCut } from './histogram-append.ts';
import { type HistogramChunk, HistogramChunker } from './histogram-chunker.ts';
import { HistogramEncoder } from './histogram-encoder.ts';
import { histogramChunkHint } from './histogram-layout.ts';

const T = 1700000000000;

/** The contract's H(k). */
function h(k: number, changes: Partial<IntegerHistogram> = {}): IntegerHistogram {
  return {
    kind: 'integer',
    hint: 'unknown',
    schema: 1,
    zeroThreshold: 0.001,
    zeroCount: 2 + k,
    count: 12 + 4 * k,
    ...sumOf(18.4 * (k + 1)),
    positiveSpans: [
      { offset: 0, length: 2 },
      { offset: 1, length: 2 },
    ],
    positiveDeltas: [1 + k, 1, -1, 0],
    negativeSpans: [{ offset: 0, length: 1 }],
    negativeDeltas: [3],
    customValues: [],
    ...changes,
  };
}

/** The contract's N(k), with custom bounds. */
function n(k: number): IntegerHistogram {
  return h(k, {
    schema: -53,
    zeroThreshold: 0,
    zeroCount: 0,
    count: 6 + 3 * k,
    ...sumOf(12.5 + k),
    positiveSpans: [
      { offset: 0, length: 2 },
      { offset: 1, length: 1 },
    ],
    positiveDeltas: [1 + k, 1, 0],
    negativeSpans: [],
    negativeDeltas: [],
    customValues: [0.005, 0.1, 1, 33554.43, 0.1234567],
  });
}

const stale = h(0, { sumHigh: 0x7ff00000, sumLow: 2 });

function sumOf(sum: number) {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, sum);
  return { sum, sumHigh: view.getUint32(0), sumLow: view.getUint32(4) };
}

function float(histogram: IntegerHistogram): Histogram {
  const absolute = (deltas: readonly number[]) => {
    let count = 0;
    return Float64Array.from(deltas, (delta) => (count += delta));
  };
  return {
    ...histogram,
    kind: 'float',
    positiveCounts: absolute(histogram.positiveDeltas),
    negativeCounts: absolute(histogram.negativeDeltas),
  };
}

const wider = h(1, {
  positiveSpans: [
    { offset: 0, length: 3 },
    { offset: 0, length: 2 },
  ],
  positiveDeltas: [2, 1, -2, 1, 0],
});
const gauge = { hint: 'gauge' } as const;
const layout = 'ff3f50624dd2f1a9fc8ca4946317f0000c5e7f2b40';
const one = `${layout}063248064cccccccccccd18dd3`;
const two =
  '02014000000000000200000000000000020193333333333331ff800000000000020000000000000001ff80000000000001ff80000000000002004000000000000';

const vectors: [what: string, Histogram[], hex: string[]][] = [
  ['one', [h(0)], [`000100${one}`]],
  ['three', [h(0), h(1), h(2)], [`000300${one}f83a98a47487e2036693fffffffffffe00`]],
  [
    'gauges that fall',
    [h(2, gauge), h(0, gauge)],
    [`0002c0${layout}06528809733333333333338dd3f83a98dc5b4efe7fffffffffffec00`],
  ],
  ['one with a reset hint', [h(0, { hint: 'reset' })], [`000180${one}`]],
  ['one and a stale marker', [h(0), stale], [`000200${one}f83a983179fe13333333333320`]],
  ['a stale marker alone', [stale], ['000100001fc0003179fcad0003ff80000000000010']],
  [
    'a fall, which opens a chunk',
    [h(2), h(0)],
    [
      `000100${layout}06528809733333333333338dd3`,
      '000180ff3f50624dd2f1a9fc8ca4946317f0000c5e7f2d14c63248064cccccccccccd18dd3',
    ],
  ],
  [
    'more buckets, for which the chunk is recoded',
    [h(0), wider],
    ['000200ff3f50624dd2f1a9fc8ca692317f0000c5e7f2b40063248064cccccccccccd18da29fc1d4c523a43f100'],
  ],
  [
    'custom bounds',
    [n(0), n(1)],
    ['00020000ee5ca48c55b7197c7d3fbfffffe3fbf9adbb8f8da72fe00018bcfe56800b100a4000000000002317c1d4c4db81c4'],
  ],
  [
    'three of floats',
    [h(0), h(1), h(2)].map(float),
    [`000300${layout}${two}7c1d4c6b0bd80f487f097fff603c25fffc25fff3683d617b349ffffffffffffd80f585ec07b0180`],
  ],
  [
    'custom bounds of floats',
    [n(0), n(1)].map(float),
    [
      '00020000ee5ca48c55b7197c7d3fbfffffe3fbf9adbb8f8da72fe00018bcfe568004018000000000000000000000000000040290000000000003ff000000000000040000000000000004000000000000000f83a98d42f5b81e12fffec07b0180',
    ],
  ],
  [
    'floats and a stale marker',
    [float(h(0)), float(stale)],
    [`000200${layout}${two}7c1d4c6132017083c5e7f84ccccccccccc8`],
  ],
  [
    'gauges of floats',
    [h(2, gauge), h(0, gauge)].map(float),
    [
      '0002c0ff3f50624dd2f1a9fc8ca4946317f0000c5e7f2b400201a00000000000020080000000000002025cccccccccccca00400000000000020080000000000002004000000000000200400000000000020040000000000007c1d4c6b0feb07a77f3ffffffffffff84cfffd60f099fff84cfff00',
    ],
  ],
];

function chunksOf(samples: readonly HistogramSample[], maxSamples = 120): HistogramChunk[] {
  const chunker = new HistogramChunker(maxSamples);
  const chunks = samples.map((sample) => chunker.push(sample));
  chunks.push(chunker.finish());
  return chunks.filter((chunk) => chunk !== undefined);
}

function at15s(histograms: readonly Histogram[]): HistogramSample[] {
  return histograms.map((histogram, i) => ({ time: T + i * 15000, histogram }));
}

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

describe('histograms are written with the bytes of the reference', () => {
  for (const [what, histograms, hex] of vectors) {
    test(what, () => {
      assert.deepEqual(
        chunksOf(at15s(histograms)).map(({ bytes }) => hexOf(bytes)),
        hex,
      );
    });
  }

  test('after a cut the header says that nothing was reset', () => {
    const chunks = chunksOf(at15s([h(0), h(1)]), 1);
    assert.equal(hexOf(chunks[1].bytes), '000140ff3f50624dd2f1a9fc8ca4946317f0000c5e7f2d14c64268084cccccccccccd28dd3');
  });
});

describe('histogram chunks of the golden blocks', () => {
  test('of testdata', () => compareChunks(testdata, ['basic', 'tombstones']));
  test.skipIf(goldenBlocks() === undefined)('of all sets with histograms', { timeout: 60_000 }, () => {
    const written = compareChunks(goldenBlocks()!, ['histograms', 'histlong', 'ha-A', 'ha-B', 'tombstones']);
    assert.ok(written > 500, `${written} chunks`);
  });
});

/** Writes each chunk's samples with its own header and compares; then checks what is decided from sample to sample. */
function compareChunks(root: string, sets: readonly string[]): number {
  let written = 0;
  for (const file of readdirSync(join(root, 'dumps')).filter((name) => sets.includes(name.split('.')[0]))) {
    for (const { labels, chunks } of readDump(join(root, 'dumps', file)).series) {
      let before: (ChunkState & { encoding: string }) | undefined;
      for (const [i, { enc, data }] of chunks.entries()) {
        if (enc === 'XOR') {
          before = undefined;
          continue;
        }
        const what = `chunk ${i} of ${JSON.stringify(labels)} in ${file}`;
        const bytes = Buffer.from(data, 'base64');
        const header = histogramChunkHint(bytes, 0, bytes.length);
        const samples = (enc === 'histogram' ? decodeHistograms : decodeFloatHistograms)(bytes, 0, bytes.length);
        assert.equal(hexOf(encodeAll(samples, header)), hexOf(bytes), what);
        checkDecisions(before?.encoding === enc ? before : undefined, header, samples, what);
        before = { header, last: samples.at(-1)!.histogram, encoding: enc };
        written++;
      }
    }
  }
  return written;
}

function encodeAll(samples: readonly HistogramSample[], header: CounterResetHint): Uint8Array {
  const integers = new HistogramEncoder();
  const floats = new FloatHistogramEncoder();
  integers.reset(header);
  floats.reset(header);
  for (const { time, histogram } of samples) {
    if (histogram.kind === 'integer') integers.push(time, histogram);
    else floats.push(time, histogram);
  }
  return (samples[0].histogram.kind === 'integer' ? integers : floats).bytes();
}

function checkDecisions(
  before: ChunkState | undefined,
  header: CounterResetHint,
  samples: readonly HistogramSample[],
  what: string,
): void {
  const first = samples[0].histogram;
  if (before !== undefined) {
    // An explicit reset is only left in the header.
    const asAppended = header === 'reset' && decideAppend(before, first).kind !== 'new-chunk' ? 'reset' : first.hint;
    const decided = headerAfterCut(before, { ...first, hint: asAppended });
    // The head of the reference forgets the chunk before when it cuts a block: then nothing is known.
    if (header === 'unknown') assert.notEqual(decided, 'gauge', what);
    else assert.equal(decided, header, what);
  }
  for (let i = 1; i < samples.length; i++) {
    const state = { header, last: samples[i - 1].histogram };
    assert.deepEqual(decideAppend(state, samples[i].histogram), { kind: 'append' }, `${what}, sample ${i}`);
  }
}

describe('the rules of appending', () => {
  const base = { hint: 'unknown' } as const;
  const cases: [what: string, before: Histogram[], next: Histogram, expected: string][] = [
    ['the same again', [h(0)], h(0), 'append'],
    ['a fall that a hint denies', [h(1)], h(0, { hint: 'not-reset' }), 'reset'],
    ['a stale marker in a counter', [h(1)], stale, 'append'],
    ['a stale marker after another', [stale], stale, 'append'],
    ['a sample after a stale marker', [h(0), stale], h(1), 'unknown'],
    ['a gauge after a counter', [h(0)], h(0, gauge), 'gauge'],
    ['a counter after a gauge', [h(0, gauge)], h(0), 'unknown'],
    ['a gauge with another schema', [h(0, gauge)], h(0, { ...gauge, schema: 2 }), 'gauge'],
    ['another schema', [h(0)], h(1, { schema: 2 }), 'unknown'],
    ['another schema with a fallen count', [h(1)], h(0, { schema: 2 }), 'reset'],
    ['another zero threshold with a fallen zero count', [h(1)], h(1, { zeroThreshold: 0.01, zeroCount: 0 }), 'unknown'],
    ['other bounds', [n(0)], { ...n(1), customValues: [1, 2, 3, 4, 5] }, 'reset'],
    ['a fallen zero count', [h(1)], h(1, { zeroCount: 0 }), 'reset'],
    ['a fallen bucket', [h(1)], h(2, { positiveDeltas: [1, 3, -1, 0] }), 'reset'],
    ['a fallen negative bucket', [h(1)], h(2, { negativeDeltas: [2] }), 'reset'],
    ['a bucket that was not empty and is gone', [h(0)], h(1, { negativeSpans: [], negativeDeltas: [] }), 'reset'],
    [
      'an empty bucket that is gone',
      [h(0, { negativeDeltas: [0] })],
      h(1, { negativeSpans: [], negativeDeltas: [] }),
      'append',
    ],
    [
      'a bucket that is gone from a gauge',
      [h(0, gauge)],
      h(1, { ...gauge, negativeSpans: [], negativeDeltas: [] }),
      'append',
    ],
    ['more buckets', [h(0)], wider, 'recode'],
    [
      'the same buckets in other spans',
      [h(0)],
      h(1, {
        negativeSpans: [
          { offset: 0, length: 1 },
          { offset: 0, length: 0 },
        ],
      }),
      'append',
    ],
  ];
  for (const [what, before, next, expected] of cases) {
    for (const kind of ['integer', 'float'] as const) {
      const [chunk, sample] = kind === 'integer' ? [before, next] : [before.map(asFloat), asFloat(next)];
      test(`${what} (${kind}): ${expected}`, () => {
        const header = chunk[0].hint === 'gauge' ? 'gauge' : base.hint;
        const decision = decideAppend({ header, last: chunk.at(-1)! }, sample);
        assert.equal(decision.kind === 'new-chunk' ? decision.header : decision.kind, expected);
      });
    }
  }

  for (const [kind, hint, negative] of [
    [
      'a counter',
      'unknown',
      [
        [0, 1],
        [0, 1],
      ],
    ],
    ['a gauge', 'gauge', [[0, 2]]],
  ] as const) {
    test(`spans of ${kind} on the side where nothing vanished are ${hint === 'gauge' ? 'joined' : 'kept as they come'}`, () => {
      const last = h(0, { hint, positiveSpans: [{ offset: 0, length: 1 }], positiveDeltas: [0] });
      const next = h(0, {
        hint,
        positiveSpans: [{ offset: 3, length: 1 }],
        positiveDeltas: [1],
        negativeSpans: [0, 0].map((offset) => ({ offset, length: 1 })),
        negativeDeltas: [3, 1],
      });
      const decision = decideAppend({ header: hint, last }, next);
      assert.ok(decision.kind === 'recode');
      const plain = (spans: readonly { offset: number; length: number }[]) =>
        spans.map((span) => [span.offset, span.length]);
      assert.deepEqual(plain(decision.spans.positiveSpans), [
        [0, 1],
        [2, 1],
      ]);
      assert.deepEqual(plain(decision.spans.negativeSpans), negative);
    });
  }

  test('after an empty bucket vanished and others appeared both stay, in a chunk that is read back', () => {
    const first = h(0, { positiveSpans: [{ offset: -2, length: 3 }], positiveDeltas: [1, -1, 2] });
    const second = h(1, {
      positiveSpans: [
        { offset: -2, length: 1 },
        { offset: 1, length: 1 },
        { offset: 3, length: 1 },
      ],
      positiveDeltas: [1, 1, 5],
    });
    for (const samples of [at15s([first, second]), at15s([first, second].map(float))]) {
      const [chunk, ...more] = chunksOf(samples);
      assert.equal(more.length, 0);
      const read = (chunk.encoding === 2 ? decodeHistograms : decodeFloatHistograms)(
        chunk.bytes,
        0,
        chunk.bytes.length,
      );
      for (const { histogram } of read) {
        assert.deepEqual(histogram.positiveSpans, [
          { offset: -2, length: 3 },
          { offset: 3, length: 1 },
        ]);
      }
      const text = read.map(({ histogram }) =>
        histogram.kind === 'integer' ? histogram.positiveDeltas : [...histogram.positiveCounts],
      );
      assert.deepEqual(
        text,
        chunk.encoding === 2
          ? [
              [1, -1, 2, -2],
              [1, -1, 2, 5],
            ]
          : [
              [1, 0, 2, 0],
              [1, 0, 2, 7],
            ],
      );
    }
  });
});

function asFloat(histogram: Histogram): Histogram {
  assert.ok(histogram.kind === 'integer');
  return float(histogram);
}
