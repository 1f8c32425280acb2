import assert from 'node:assert/strict';
import { describe, test } from 'vitest';
import { joinAggregateChunk } from '../../block/aggr-chunk.ts';
import { kindOf } from '../../errors/fault.ts';
import { MAX_TIME, MIN_TIME } from '../../model/time.ts';
import { SampleBuffer } from '../../storage/sample-columns.ts';
import { applyCounterResets, newCounterState } from '../../tsdb/chunkenc/counter-resets.ts';
import { ENCODING_AGGREGATE, ENCODING_XOR } from '../../tsdb/chunkenc/encoding.ts';
import { encodeXor } from '../../tsdb/chunkenc/xor-encoder.ts';
import type { StoredChunk } from '../../tsdb/stored-chunk.ts';
import { linesOfParts } from '../aggregates-fixture.ts';
import { AggregatedSeries } from './aggregated-series.ts';
import { RawSeries } from './raw-series.ts';

const MINUTE = 60_000;
const always = { min: MIN_TIME, max: MAX_TIME };
const toOneHour = { from: 300_000, to: 3_600_000 };

type Samples = readonly (readonly [time: number, value: number])[];

function xorOf(samples: Samples): Uint8Array {
  const buffer = new SampleBuffer();
  for (const [time, value] of samples) buffer.push(time, value);
  return encodeXor(buffer);
}

/** One aggregate chunk for each list of samples. */
function aggregated(resolutionMs: number, ...batches: readonly Samples[]): StoredChunk[] {
  const chunks: StoredChunk[] = [];
  for (const batch of batches) {
    const series = new RawSeries();
    const data = xorOf(batch);
    series.add(ENCODING_XOR, data, 0, data.length);
    series.finish(always, resolutionMs, (chunk) => chunks.push(chunk));
  }
  return chunks;
}

function coarser(
  chunks: readonly StoredChunk[],
  resolutions = toOneHour,
): { series: AggregatedSeries; made: StoredChunk[] } {
  const series = new AggregatedSeries(resolutions);
  for (const chunk of chunks) series.add(chunk);
  const made: StoredChunk[] = [];
  series.finish((chunk) => made.push(chunk));
  return { series, made };
}

describe('aggregates become', () => {
  const base = 1_700_000_000_000;
  const golden = [10, 20, 30, 5, 15, Number.NaN, 25, 2, 4, 6].map((value, i) => [base + i * MINUTE, value] as const);

  test('the chunk of a coarser resolution that the reference makes of them, byte for byte', () => {
    const { made, series } = coarser(aggregated(300_000, golden));
    assert.equal(
      Buffer.from(made[0].data).toString('hex'),
      '10010001c095edfef962402200000000000010010001c095edfef962405d400000000000' +
        '10010001c095edfef962400000000000000010010001c095edfef962403e000000000000' +
        '2001000380a0abfef9624024000000000000e0fa20d246affffffffffffbe15055a0',
    );
    assert.equal(series.aggregatedCount, 9);
  });

  test('counters that a reader continues from chunk to chunk, through resets in and between them', () => {
    const raw: readonly Samples[] = [
      [
        [10, 1],
        [20, 3],
        [30, 5],
      ],
      [
        [50, 1],
        [60, 8],
        [70, 10],
      ],
      [
        [120, 1],
        [130, 18],
        [140, 20],
      ],
      [
        [160, 21],
        [180, 38],
        [180 + 1, 40],
      ],
    ];
    const fine = aggregated(50, ...raw);
    const text = ({ data }: StoredChunk): string => linesOfParts(data)[4].trim();
    assert.deepEqual(fine.map(text), [
      'counter (10,1) (30,5) (30,5)',
      'counter (50,1) (70,10) (70,10)',
      'counter (120,1) (140,20) (140,20)',
      'counter (160,21) (181,40) (181,40)',
    ]);
    const { made } = coarser(fine, { from: 50, to: 100 });
    const read = new SampleBuffer();
    const state = newCounterState();
    for (const chunk of made) {
      const samples = new SampleBuffer();
      for (const [, time, value] of text(chunk).matchAll(/\((\d+),(\d+)\)/g)) samples.push(Number(time), Number(value));
      applyCounterResets(samples, state, read);
    }
    // 5 + 10 - 0 + 20 - 0 + 20: what the four batches count, each reset adding the new value whole.
    assert.equal(read.values[read.length - 1], 55);
    assert.equal(state.lastValue, 40);
  });

  test('aggregates with those parts alone that they have', () => {
    const data = joinAggregateChunk([
      { encoding: ENCODING_XOR, data: xorOf([[299_999, 3]]) },
      undefined,
      undefined,
      { encoding: ENCODING_XOR, data: xorOf([[299_999, 7]]) },
    ]);
    const { made } = coarser([{ minTime: 299_999, maxTime: 299_999, encoding: ENCODING_AGGREGATE, data }]);
    assert.deepEqual(
      linesOfParts(made[0].data).map((line) => line.trim()),
      ['count (299999,3)', 'sum -', 'min -', 'max (299999,7)', 'counter -'],
    );
  });

  test('aggregates of raw chunks among them too, whose empty ones are passed over', () => {
    const raw = { minTime: 3_600_000, maxTime: 3_700_000, encoding: ENCODING_XOR };
    const { made, series } = coarser([
      ...aggregated(300_000, [
        [0, 1],
        [1, 2],
      ]),
      { ...raw, data: xorOf([]) },
      {
        ...raw,
        data: xorOf([
          [3_600_000, 5],
          [3_700_000, 6],
        ]),
      },
    ]);
    assert.equal(series.aggregatedCount, 4);
    assert.equal(linesOfParts(made[0].data)[1].trim(), 'sum (3599999,3) (3700000,11)');
  });

  test('sums that are no number where their parts are none, at the times of the counts', () => {
    const chunks = aggregated(300_000, [
      [0, Number.POSITIVE_INFINITY],
      [1, Number.NEGATIVE_INFINITY],
      [3_600_000, 1],
    ]);
    const { made } = coarser(chunks);
    const [count, sum] = linesOfParts(made[0].data);
    assert.equal(count.trim(), 'count (3599999,2) (3600000,1)');
    assert.match(sum, /\(3599999,NaN:\w+\) \(3600000,1\)/);
  });

  test('a failure when a counter goes beyond the time of its chunk', () => {
    const window = { encoding: ENCODING_XOR, data: xorOf([[299_999, 1]]) };
    const chunkOf = (first: number, last: number): StoredChunk => ({
      minTime: 299_999,
      maxTime: 299_999,
      encoding: ENCODING_AGGREGATE,
      data: joinAggregateChunk([
        window,
        window,
        window,
        window,
        {
          encoding: ENCODING_XOR,
          data: xorOf([
            [first, 1],
            [299_999, 1],
            [last, 1],
          ]),
        },
      ]),
    });
    assert.equal(coarser([chunkOf(0, 299_999)]).made.length, 1);
    for (const [first, last] of [
      [-2, 299_999],
      [0, 300_000],
    ]) {
      assert.throws(
        () => coarser([chunkOf(first, last)]),
        (thrown) => kindOf(thrown) === 'corrupt',
      );
    }
  });

  test('a failure when they are damaged', () => {
    const [chunk] = aggregated(300_000, golden);
    assert.throws(
      () => coarser([{ ...chunk, data: chunk.data.subarray(0, 40) }]),
      (thrown) => kindOf(thrown) === 'corrupt',
    );
  });
});
