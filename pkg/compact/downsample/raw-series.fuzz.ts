import assert from 'node:assert/strict';
import { test } from 'vitest';
import { AggregateParts, splitAggregateChunk } from '../../block/aggr-chunk.ts';
import { MAX_TIME, MIN_TIME } from '../../model/time.ts';
import { SampleBuffer } from '../../storage/sample-columns.ts';
import { applyCounterResets, newCounterState } from '../../tsdb/chunkenc/counter-resets.ts';
import { decodeXorChunk } from '../../tsdb/chunkenc/decode.ts';
import { ENCODING_XOR } from '../../tsdb/chunkenc/encoding.ts';
import { encodeXor } from '../../tsdb/chunkenc/xor-encoder.ts';
import type { StoredChunk } from '../../tsdb/stored-chunk.ts';
import { AggregatedSeries } from './aggregated-series.ts';
import { RawSeries } from './raw-series.ts';

const CASES = 400;
const FIVE = 300_000;
const HOUR = 3_600_000;

/** Numbers that are the same in every run. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Whole numbers, so that sums are exact in any order; with resets, gaps, numbers that are none, and stale markers. */
function randomSeries(random: () => number): { readonly chunks: readonly SampleBuffer[]; readonly kept: SampleBuffer } {
  const chunks: SampleBuffer[] = [];
  const kept = new SampleBuffer();
  const step = 1 + Math.floor(random() * 400_000);
  const [reset, gap, none, stale] = [random() * 0.2, random() * 0.1, random() * 0.3, random() * 0.1];
  let time = Math.floor((random() - 0.5) * 1e7);
  let value = 0;
  for (let c = Math.floor(random() * 6); c >= 0; c--) {
    const chunk = new SampleBuffer();
    for (let i = Math.floor(random() * 120); i >= 0; i--) {
      time += 1 + Math.floor(random() * step) + (random() < gap ? Math.floor(random() * 2e7) : 0);
      value = random() < reset ? Math.floor(random() * 5) : value + Math.floor(random() * 100);
      if (random() < stale) chunk.pushStale(time);
      else if (random() < none) chunk.push(time, Number.NaN);
      else {
        chunk.push(time, value);
        kept.push(time, value);
      }
    }
    chunks.push(chunk);
  }
  return { chunks, kept };
}

function parts(chunks: readonly StoredChunk[], part: number): SampleBuffer[] {
  return chunks.map(({ data }) => {
    const found = new AggregateParts();
    splitAggregateChunk(data, 0, data.length, found);
    const samples = new SampleBuffer();
    decodeXorChunk(data, found.offsets[part], found.lengths[part], samples);
    return samples;
  });
}

/** By the end of the window, whatever chunk and time it was written at. */
function byWindow(
  samples: readonly SampleBuffer[],
  resolutionMs: number,
  reduce: (a: number, b: number) => number,
): Map<number, number> {
  const windows = new Map<number, number>();
  for (const { times, values, length } of samples) {
    for (let i = 0; i < length; i++) {
      const window = Math.floor(times[i] / resolutionMs);
      const known = windows.get(window);
      windows.set(window, known === undefined ? values[i] : reduce(known, values[i]));
    }
  }
  return windows;
}

function checkAgainst(kept: SampleBuffer, chunks: readonly StoredChunk[], resolutionMs: number, what: string): void {
  const ones = new SampleBuffer();
  for (let i = 0; i < kept.length; i++) ones.push(kept.times[i], 1);
  const add = (a: number, b: number): number => a + b;
  for (const [part, raw, reduce] of [
    [0, ones, add],
    [1, kept, add],
    [2, kept, Math.min],
    [3, kept, Math.max],
  ] as const) {
    assert.deepEqual(
      byWindow(parts(chunks, part), resolutionMs, reduce),
      byWindow([raw], resolutionMs, reduce),
      `${what}, part ${part}`,
    );
  }
  const state = newCounterState();
  const read = new SampleBuffer();
  for (const samples of parts(chunks, 4)) applyCounterResets(samples, state, read);
  const exact = new SampleBuffer();
  applyCounterResets(kept, newCounterState(), exact);
  for (let i = 0; i < read.length; i++) {
    // The last raw sample at or before: what a reader of raw data would have added up to then.
    let at = -1;
    while (at + 1 < exact.length && exact.times[at + 1] <= read.times[i]) at++;
    assert.equal(read.values[i], exact.values[at], `${what}, counter at ${read.times[i]}`);
  }
}

test('aggregates of random series are exact, of raw samples and of aggregates, and counters go on through every reset', () => {
  for (let seed = 1; seed <= CASES; seed++) {
    const { chunks, kept } = randomSeries(randomFrom(seed));
    const series = new RawSeries();
    for (const chunk of chunks) {
      const data = encodeXor(chunk);
      series.add(ENCODING_XOR, data, 0, data.length);
    }
    const fine: StoredChunk[] = [];
    series.finish({ min: MIN_TIME, max: MAX_TIME }, FIVE, (chunk) => fine.push(chunk));
    checkAgainst(kept, fine, FIVE, `series ${seed} at 5m`);
    assert.equal(series.aggregatedCount, kept.length);
    const coarse = new AggregatedSeries({ from: FIVE, to: HOUR });
    for (const chunk of fine) coarse.add(chunk);
    const made: StoredChunk[] = [];
    coarse.finish((chunk) => made.push(chunk));
    checkAgainst(kept, made, HOUR, `series ${seed} at 1h`);
    for (const all of [fine, made]) {
      for (let i = 1; i < all.length; i++) assert.ok(all[i].minTime > all[i - 1].maxTime, `series ${seed}`);
    }
  }
});
