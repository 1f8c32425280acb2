import assert from 'node:assert/strict';
import { describe, test } from 'vitest';
import { SampleBuffer } from '../storage/sample-columns.ts';
import { ChunkTableBuilder } from './chunk-table.ts';
import { layersOf, overlay, type ReadLayer } from './mixed-resolutions.ts';
import { Aggregate } from './store.ts';

const MINUTE_MS = 60_000;
const RESOLUTION_5M = 5 * MINUTE_MS;
const RESOLUTION_1H = 60 * MINUTE_MS;

/** Numbers that follow from a seed. */
function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

interface Raw {
  readonly times: readonly number[];
  readonly values: readonly number[];
}

/** A counter every 15 s for some hours, with resets and with holes. */
function counter(random: () => number, hours: number): Raw {
  const times: number[] = [];
  const values: number[] = [];
  let value = Math.floor(random() * 1000);
  for (let time = 7_000; time < hours * RESOLUTION_1H; time += 15_000) {
    if (random() < 0.001) time += Math.floor(random() * 3 * RESOLUTION_1H);
    value = random() < 0.002 ? Math.floor(random() * 5) : value + Math.floor(random() * 10);
    if (time >= hours * RESOLUTION_1H) break;
    times.push(time);
    values.push(value);
  }
  return { times, values };
}

/** Accumulated over all of the time: what any reading of it must give, but for a constant. */
function accumulated({ values }: Raw): number[] {
  const totals = [values[0]];
  for (let i = 1; i < values.length; i++) {
    totals.push(totals[i - 1] + (values[i] >= values[i - 1] ? values[i] - values[i - 1] : values[i]));
  }
  return totals;
}

/** Samples [from, to) as a layer of one chunk: windows of a resolution with `fold` of their values, or as they are. */
function layerOf(
  raw: Raw,
  resolutionMs: number,
  from: number,
  to: number,
  fold: (values: readonly number[]) => number,
): ReadLayer {
  const samples = new SampleBuffer();
  for (let i = from; i < to; ) {
    let end = i + 1;
    const window = Math.floor(raw.times[i] / (resolutionMs || 1));
    while (resolutionMs > 0 && end < to && Math.floor(raw.times[end] / resolutionMs) === window) end++;
    // A window ends with its time, the last one of the series with its last sample.
    const time = resolutionMs === 0 || end === raw.times.length ? raw.times[end - 1] : (window + 1) * resolutionMs - 1;
    samples.push(time, fold(raw.values.slice(i, end)));
    i = end;
  }
  const table = new ChunkTableBuilder();
  table.chunk(samples.times[0], samples.times[samples.length - 1]);
  return {
    layer: { resolutionMs, slices: [{ table, from: 0, to: 1 }] },
    samples,
    lastRaw: raw.values[to - 1],
  };
}

function indexAt(raw: Raw, time: number): number {
  const at = raw.times.findIndex((one) => one >= time);
  return at < 0 ? raw.times.length : at;
}

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
const last = (values: readonly number[]): number => values[values.length - 1];

/** Where the finer data is there: from and to, in hours of 24. */
const cases = [
  ['coarser data before finer data', 0, 24, 13, 24],
  ['coarser data that ends where the finer begins', 0, 12, 12, 24],
  ['coarser data after finer data', 0, 24, 0, 7],
  ['coarser data that begins where the finer ends', 9, 24, 0, 9],
  ['coarser data around finer data', 0, 24, 8, 15],
  ['finer data everywhere', 0, 24, 0, 24],
] as const;

describe('a series of two resolutions', () => {
  for (const resolutionMs of [RESOLUTION_5M, RESOLUTION_1H]) {
    for (const [what, coarseFrom, coarseTo, fineFrom, fineTo] of cases) {
      test(`${what}, ${resolutionMs / MINUTE_MS}m: every raw sample is counted once`, () => {
        for (let seed = 1; seed <= 20; seed++) {
          const raw = counter(numbers(seed), 24);
          const at = (hours: number) => indexAt(raw, hours * RESOLUTION_1H);
          const layers = [
            layerOf(raw, 0, at(fineFrom), at(fineTo), last),
            layerOf(raw, resolutionMs, at(coarseFrom), at(coarseTo), sum),
          ];
          const into = new SampleBuffer();
          const stretches = overlay(layers, false, into);
          assert.equal(sum([...into.values.subarray(0, into.length)]), sum(raw.values), `seed ${seed}`);
          for (let i = 1; i < into.length; i++) assert.ok(into.times[i] > into.times[i - 1]);
          const fine = stretches.filter((one) => one.resolutionMs === 0);
          const fineCount = at(fineTo) - at(fineFrom);
          const isFine = (time: number) => fine.some((one) => time >= one.minTime && time <= one.maxTime);
          assert.equal([...into.times.subarray(0, into.length)].filter(isFine).length, fineCount, 'finer data wins');
        }
      });

      test(`${what}, ${resolutionMs / MINUTE_MS}m: a counter grows by what it has grown`, () => {
        for (let seed = 1; seed <= 20; seed++) {
          const raw = counter(numbers(seed), 24);
          const totals: Raw = { times: raw.times, values: accumulated(raw) };
          const at = (hours: number) => indexAt(raw, hours * RESOLUTION_1H);
          // Each layer is accumulated by itself, from its first raw value on.
          const layer = (ms: number, from: number, to: number): ReadLayer => {
            const read = layerOf(totals, ms, from, to, last);
            const base = totals.values[from] - raw.values[from];
            for (let i = 0; i < read.samples.length; i++) read.samples.values[i] -= base;
            return { ...read, lastRaw: raw.values[to - 1] };
          };
          const into = new SampleBuffer();
          overlay([layer(0, at(fineFrom), at(fineTo)), layer(resolutionMs, at(coarseFrom), at(coarseTo))], true, into);
          const base = into.values[0];
          for (let i = 0; i < into.length; i++) {
            const from = totals.values[lastUpTo(raw, into.times[0])];
            assert.equal(
              into.values[i] - base,
              totals.values[lastUpTo(raw, into.times[i])] - from,
              `seed ${seed}, sample ${i}`,
            );
          }
        }
      });
    }
  }
});

function lastUpTo(raw: Raw, time: number): number {
  const at = raw.times.findIndex((one) => one > time);
  return (at < 0 ? raw.times.length : at) - 1;
}

describe('chunks by resolution', () => {
  test('are told apart by their parts and by how far their samples are apart', () => {
    const bytes = Uint8Array.of(0, 10, 0, 10, 0, 10, 0, 11);
    const table = new ChunkTableBuilder(4, bytes);
    for (const [i, [aggregate, stepMs]] of (
      [
        [Aggregate.sum, RESOLUTION_1H],
        [Aggregate.raw, RESOLUTION_1H],
        [Aggregate.sum, RESOLUTION_5M],
        [Aggregate.counter, RESOLUTION_1H],
      ] as const
    ).entries()) {
      table.chunk(0, 9 * stepMs);
      table.refer(aggregate, 1, 2 * i, 2);
    }
    const found = layersOf([{ table, from: 0, to: 4 }]).map(({ resolutionMs, slices }) => [
      resolutionMs,
      slices.map(({ from, to }) => [from, to]),
    ]);
    assert.deepEqual(found, [
      [0, [[1, 2]]],
      [RESOLUTION_5M, [[2, 3]]],
      [
        RESOLUTION_1H,
        [
          [0, 1],
          [3, 4],
        ],
      ],
    ]);
  });
});
