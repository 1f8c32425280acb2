import assert from 'node:assert/strict';
import { describe, test } from 'vitest';
import { kindOf } from '../../errors/fault.ts';
import type { FloatHistogram } from '../../model/histogram.ts';
import { MAX_TIME, MIN_TIME } from '../../model/time.ts';
import { SampleBuffer } from '../../storage/sample-columns.ts';
import { ENCODING_AGGREGATE, ENCODING_XOR } from '../../tsdb/chunkenc/encoding.ts';
import { HistogramChunker } from '../../tsdb/chunkenc/histogram-chunker.ts';
import { encodeXor } from '../../tsdb/chunkenc/xor-encoder.ts';
import type { StoredChunk } from '../../tsdb/stored-chunk.ts';
import { linesOfParts } from '../aggregates-fixture.ts';
import { RawSeries } from './raw-series.ts';

const MINUTE = 60_000;
const FIVE_MINUTES = 5 * MINUTE;
const always = { min: MIN_TIME, max: MAX_TIME };

type Sample = readonly [time: number, value: number | 'stale'];

function samplesOf(samples: readonly Sample[]): SampleBuffer {
  const buffer = new SampleBuffer();
  for (const [time, value] of samples) {
    if (value === 'stale') buffer.pushStale(time);
    else buffer.push(time, value);
  }
  return buffer;
}

function addFloats(series: RawSeries, samples: readonly Sample[]): void {
  const data = encodeXor(samplesOf(samples));
  series.add(ENCODING_XOR, data, 0, data.length);
}

function addHistograms(series: RawSeries, samples: readonly (readonly [number, FloatHistogram])[]): void {
  const chunker = new HistogramChunker(1000);
  const chunks = [...samples.map(([time, histogram]) => chunker.push({ time, histogram })), chunker.finish()];
  for (const chunk of chunks) {
    if (chunk !== undefined) series.add(chunk.encoding, chunk.bytes, 0, chunk.bytes.length);
  }
}

function chunksOf(series: RawSeries, resolutionMs = FIVE_MINUTES): StoredChunk[] {
  const chunks: StoredChunk[] = [];
  series.finish(always, resolutionMs, (chunk) => chunks.push(chunk));
  return chunks;
}

function downsampled(samples: readonly Sample[], resolutionMs = FIVE_MINUTES): StoredChunk[] {
  const series = new RawSeries();
  addFloats(series, samples);
  return chunksOf(series, resolutionMs);
}

const partsOf = (chunk: StoredChunk): string[] => linesOfParts(chunk.data).map((line) => line.trim());

describe('raw samples become', () => {
  const base = 1_700_000_000_000;
  const golden = [10, 20, 30, 5, 15, Number.NaN, 25, 2, 4, 6].map((value, i) => [base + i * MINUTE, value] as const);

  test('the chunk the reference makes of them, byte for byte', () => {
    const [chunk, ...others] = downsampled(golden);
    assert.equal(others.length, 0);
    assert.deepEqual([chunk.minTime, chunk.maxTime, chunk.encoding], [base + 99_999, base + 540_000, 255]);
    assert.equal(
      Buffer.from(chunk.data).toString('hex'),
      '1a010003bebab7fef9624000000000000000e0a712d60fb63c0758581b010003bebab7fef962403e000000000000e0a712d24ecfb63c06f580' +
        '1a010003bebab7fef9624024000000000000e0a712d417db1e03ac3a1b010003bebab7fef9624034000000000000e0a712d81ded8f01d42cc0' +
        '2301000580a0abfef96240240000000000009f8d06d60f8c3507491ffdb1e030576ee8fd5a',
    );
  });

  test('a chunk of one sample in every part and three in the counter when there is one', () => {
    const [chunk] = downsampled([[1, 7]]);
    assert.equal(
      Buffer.from(chunk.data).toString('hex'),
      `0b010001023ff0000000000000${'0b01000102401c000000000000'.repeat(3)}0d01000302401c0000000000000000`,
    );
  });

  for (const [what, samples, count, sum, min, max, counter] of [
    [
      'a counter with a reset',
      [
        [0, 1],
        [100_000, 101],
        [200_000, 1],
        [300_000, 101],
      ],
      '(299999,3) (300000,1)',
      '(299999,103) (300000,101)',
      '(299999,1) (300000,101)',
      '(299999,101) (300000,101)',
      '(0,1) (299999,102) (300000,202) (300000,101)',
    ],
    [
      'an infinite value',
      [
        [1, Number.POSITIVE_INFINITY],
        [2, 1],
      ],
      '(2,2)',
      '(2,Infinity)',
      '(2,1)',
      '(2,Infinity)',
      '(1,Infinity) (2,Infinity) (2,1)',
    ],
    [
      // The reference keeps the largest float as the least of these.
      'nothing but infinity',
      [[1, Number.POSITIVE_INFINITY]],
      '(1,1)',
      '(1,Infinity)',
      '(1,Infinity)',
      '(1,Infinity)',
      '(1,Infinity) (1,Infinity) (1,Infinity)',
    ],
    [
      'stale markers and numbers that are none around others',
      [
        [0, 'stale'],
        [1, Number.NaN],
        [2, 4],
        [3, 'stale'],
        [4, 6],
        [5, Number.NaN],
        [6, 'stale'],
      ],
      '(4,2)',
      '(4,10)',
      '(4,4)',
      '(4,6)',
      '(2,4) (4,6) (4,6)',
    ],
    [
      'times before 0',
      [
        [-300_001, 1],
        [-1, 2],
        [0, 4],
      ],
      '(-300001,1) (-1,1) (0,1)',
      '(-300001,1) (-1,2) (0,4)',
      '(-300001,1) (-1,2) (0,4)',
      '(-300001,1) (-1,2) (0,4)',
      '(-300001,1) (-300001,1) (-1,2) (0,4) (0,4)',
    ],
  ] as const) {
    test(`aggregates of ${what}`, () => {
      const [chunk] = downsampled(samples);
      assert.deepEqual(partsOf(chunk), [
        `count ${count}`,
        `sum ${sum}`,
        `min ${min}`,
        `max ${max}`,
        `counter ${counter}`,
      ]);
    });
  }

  for (const [what, samples] of [
    ['there are none', []],
    ['they are all stale', [[1, 'stale']]],
    [
      'none is a number',
      [
        [1, Number.NaN],
        [2, 'stale'],
      ],
    ],
  ] as const) {
    test(`no chunk when ${what}`, () => assert.deepEqual(downsampled(samples), []));
  }

  test('chunks that never end inside of a window that goes on', () => {
    const samples = Array.from({ length: 11_520 }, (_, i) => [i * 15_000, i] as const);
    const chunks = downsampled(samples);
    assert.equal(chunks.length, 5);
    // 2,305 samples are 576.25 minutes: each batch is drawn out to a multiple of five, and ends at its last sample.
    assert.deepEqual(
      chunks.map(({ minTime, maxTime }) => [minTime, maxTime]),
      [0, 1, 2, 3, 4].map((i) => [
        i * 116 * FIVE_MINUTES + FIVE_MINUTES - 1,
        Math.min((i + 1) * 116 * FIVE_MINUTES, 48 * 3_600_000) - 15_000,
      ]),
    );
  });

  test('one sample for each time, and none from outside of the block', () => {
    const series = new RawSeries();
    addFloats(series, [
      [1, 1],
      [5, 2],
      [9, 3],
    ]);
    addFloats(series, [
      [5, 99],
      [9, 99],
      [12, 4],
    ]);
    const chunks: StoredChunk[] = [];
    series.finish({ min: 2, max: 11 }, FIVE_MINUTES, (chunk) => chunks.push(chunk));
    assert.equal(partsOf(chunks[0])[1], 'sum (9,5)');
    assert.equal(series.aggregatedCount, 2);
  });
});

describe('raw histograms become', () => {
  const scratch = new Float64Array(1);
  const words = new Uint32Array(scratch.buffer);
  const exponential = (counts: readonly number[], more: Partial<FloatHistogram> = {}): FloatHistogram => {
    const count = counts.reduce((total, bucket) => total + bucket, 0);
    scratch[0] = count * 2;
    return {
      kind: 'float',
      hint: 'unknown',
      schema: 0,
      zeroThreshold: 0.001,
      zeroCount: 0,
      count,
      sum: scratch[0],
      sumHigh: words[1],
      sumLow: words[0],
      positiveSpans: [{ offset: 1, length: counts.length }],
      negativeSpans: [],
      positiveCounts: Float64Array.from(counts),
      negativeCounts: new Float64Array(0),
      customValues: [],
      ...more,
    };
  };
  const custom = (counts: readonly number[], customValues: readonly number[]): FloatHistogram =>
    exponential(counts, {
      schema: -53,
      zeroThreshold: 0,
      customValues,
      positiveSpans: [{ offset: 0, length: counts.length }],
    });

  function aggregates(samples: readonly (readonly [number, FloatHistogram])[]): string[][] {
    const series = new RawSeries();
    addHistograms(series, samples);
    return chunksOf(series).map(partsOf);
  }

  test('counts, sums and a running total through resets', () => {
    const [parts] = aggregates([
      [0, exponential([1, 2])],
      [100_000, exponential([3, 3])],
      [200_000, exponential([1, 0])],
      [300_000, exponential([2, 1])],
    ]);
    assert.deepEqual(parts, [
      'count (299999,3) (300000,1)',
      'sum (299999 gauge 0 0.001 0 10 20 [1:5,2:5] [] []) (300000 gauge 0 0.001 0 3 6 [1:2,2:1] [] [])',
      'min -',
      'max -',
      'counter (299999 unknown 0 0.001 0 7 14 [1:4,2:3] [] []) (300000 not-reset 0 0.001 0 9 18 [1:5,2:4] [] [])',
    ]);
  });

  test('one chunk at the coarsest schema, without inventing resets where it changes', () => {
    const [parts, ...others] = aggregates([
      [0, exponential([1, 1, 1, 1], { schema: 1 })],
      [100_000, exponential([2, 2], { schema: 0 })],
      [400_000, exponential([3, 3], { schema: 0 })],
    ]);
    assert.equal(others.length, 0);
    assert.equal(parts[1].includes(' 1 0.001'), false);
    assert.match(parts[4], /\(400000 not-reset 0 0.001 0 6 12 \[1:3,2:3\]/);
  });

  test('one chunk with the widest zero bucket, losing no observation', () => {
    const [parts, ...others] = aggregates([
      [0, exponential([1, 2, 3])],
      [100_000, exponential([4, 5, 6], { zeroThreshold: 2 ** 1, positiveSpans: [{ offset: 2, length: 3 }] })],
    ]);
    assert.equal(others.length, 0);
    assert.equal(parts[1], 'sum (100000 gauge 0 2 1 21 42 [2:6,3:8,4:6] [] [])');
  });

  test('a chunk of their own where custom bounds change, where the kind does, and for floats between them', () => {
    const series = new RawSeries();
    addHistograms(series, [
      [0, custom([1, 1], [1, 2])],
      [1000, custom([2, 2], [1, 2])],
      [2000, custom([2, 2], [1, 3])],
      [3000, exponential([1])],
    ]);
    addFloats(series, [[4000, 5]]);
    addHistograms(series, [[5000, exponential([1])]]);
    const chunks = chunksOf(series);
    assert.deepEqual(
      chunks.map(({ minTime, maxTime }) => [minTime, maxTime]),
      [
        [1000, 1000],
        [2000, 2000],
        [3000, 3000],
        [4000, 4000],
        [5000, 5000],
      ],
    );
    assert.equal(series.aggregatedCount, 6);
  });

  test('a chunk whose spans all have buckets and gaps between them', () => {
    const series = new RawSeries();
    addHistograms(series, [
      [0, exponential([1], { positiveSpans: [{ offset: 1, length: 1 }] })],
      [1000, exponential([1, 1], { positiveSpans: [{ offset: 1, length: 2 }] })],
      [
        300_000,
        exponential([1, 1, 1], {
          positiveSpans: [
            { offset: 1, length: 2 },
            { offset: 3, length: 1 },
          ],
        }),
      ],
    ]);
    const [chunk] = chunksOf(series);
    assert.match(linesOfParts(chunk.data)[4], /\[1:1,2:1,6:1\]/);
  });
});

describe('a chunk that', () => {
  test('is an aggregate is no raw chunk', () => {
    assert.throws(
      () => new RawSeries().add(ENCODING_AGGREGATE, new Uint8Array(5), 0, 5),
      (thrown) => kindOf(thrown) === 'unsupported',
    );
  });

  test('is cut off is corrupt', () => {
    const data = encodeXor(
      samplesOf([
        [1, 1],
        [2, 2],
      ]),
    );
    assert.throws(
      () => new RawSeries().add(ENCODING_XOR, data, 0, data.length - 2),
      (thrown) => kindOf(thrown) === 'corrupt',
    );
  });
});
