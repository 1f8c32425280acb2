// Two hours of series of every kind, written as a block: gauges, counters with resets, classic and native histograms, odd
// values, gaps and stale markers. The same seed gives the same bytes.

import { CUSTOM_BOUNDS_SCHEMA, type Histogram, type HistogramSample } from '../../pkg/model/histogram.ts';
import { compareLabels, Labels } from '../../pkg/model/labels.ts';
import { seeded } from '../../pkg/promql/parser/random-text.ts';
import { SampleBuffer } from '../../pkg/storage/sample-columns.ts';
import { BlockWriter } from '../../pkg/tsdb/block-writer.ts';

/** 2024-06-18T00:00Z. */
export const BLOCK_START_MS = 1_718_668_800_000;
export const BLOCK_END_MS = BLOCK_START_MS + 7_200_000;

interface Made {
  readonly labels: Labels;
  readonly floats: SampleBuffer;
  readonly histograms: HistogramSample[];
}

/** Wide: with series about targets, and native histograms of every layout besides. */
export function writeRandomBlock(
  parent: string,
  ulid: string,
  seed: number,
  { wide = false }: { readonly wide?: boolean } = {},
): void {
  const random = seeded(seed);
  const series: Made[] = [];
  const add = (record: Readonly<Record<string, string>>): Made => {
    const made = { labels: Labels.of(record), floats: new SampleBuffer(), histograms: [] };
    series.push(made);
    return made;
  };
  for (const x of ['1', '2', '3']) {
    for (const y of ['a', 'b', '']) {
      gauge(random, add({ __name__: 'm', x, y }));
      counter(random, add({ __name__: 'n_total', x, y, ...(x === '1' ? { z: 'q' } : {}) }));
    }
    const buckets = ['0.1', '0.5', '1', '2.5', '+Inf'].map((le) => add({ __name__: 'b_bucket', x, le }).floats);
    classic(random, buckets);
    native(random, add({ __name__: 'h', x }), Number(x), true);
  }
  // None below the normal range: logarithms of those are wrong in the reference's assembly.
  const odd = [0, -0, 1, -1, NaN, Infinity, -Infinity, 1e300, -1e300, 2.3e-308, 2 ** 53, 0.1, 1e-7];
  for (const x of ['1', '2']) {
    const { floats } = add({ __name__: 'odd', x });
    for (const time of times(random, 45_000)) floats.push(time, odd[Math.floor(random() * odd.length)]);
  }
  comesAndGoes(random, add({ __name__: 'gone', x: '1', y: 'a' }).floats);
  comesAndGoes(random, add({ __name__: 'gone', x: '2' }).floats);
  // Floats first, histograms afterwards.
  const mixed = add({ __name__: 'mixed', x: '1' });
  gauge(random, mixed);
  mixed.floats.truncate(Math.floor(mixed.floats.length / 2));
  native(random, mixed, 1, false, mixed.floats.times[mixed.floats.length - 1] + 1000);

  if (wide) addWide(random, add);

  series.sort((a, b) => compareLabels(a.labels, b.labels));
  const writer = new BlockWriter(parent, { ulid, minTime: BLOCK_START_MS, maxTime: BLOCK_END_MS });
  for (const { labels, floats, histograms } of series) writer.addSeries(labels, floats, histograms);
  writer.finish();
}

function addWide(random: () => number, add: (record: Readonly<Record<string, string>>) => Made): void {
  for (const job of ['a', 'b']) {
    for (const instance of ['1', '2']) {
      counter(random, add({ __name__: 'i_total', job, instance, x: instance }));
      // What is known of a target changes, and for a while both are said.
      const target = { __name__: 'target_info', job, instance, env: job === 'a' ? 'prod' : 'test' };
      const turn = BLOCK_START_MS + Math.floor(random() * 7_200_000);
      known(random, add({ ...target, version: 'v1' }).floats, BLOCK_START_MS, turn);
      known(random, add({ ...target, version: 'v2' }).floats, turn, BLOCK_END_MS);
    }
    known(random, add({ __name__: 'build_info', job, instance: '1', version: `b${job}` }).floats);
  }
  for (const x of ['1', '2']) {
    const schema = x === '1' ? 0 : 3;
    laidOut(random, add({ __name__: 'hf', x }), { schema, negative: false, kind: 'float', hint: 'unknown' });
    laidOut(random, add({ __name__: 'hg', x }), { schema, negative: true, kind: 'float', hint: 'gauge' });
    laidOut(random, add({ __name__: 'hn', x }), { schema, negative: true, kind: 'integer', hint: 'unknown' });
    laidOut(random, add({ __name__: 'hc', x }), {
      schema: CUSTOM_BOUNDS_SCHEMA,
      negative: false,
      kind: 'integer',
      hint: 'unknown',
    });
  }
}

function known(random: () => number, floats: SampleBuffer, from = BLOCK_START_MS, to = BLOCK_END_MS): void {
  for (const time of times(random, 60_000, from)) {
    if (time >= to) {
      floats.pushStale(time);
      return;
    }
    floats.push(time, 1);
  }
}

interface Layout {
  readonly schema: number;
  readonly negative: boolean;
  readonly kind: 'integer' | 'float';
  readonly hint: 'unknown' | 'gauge';
}

/** Buckets that come, with a change of schema or bounds half way, resets and stale gaps. */
function laidOut(random: () => number, { histograms }: Made, { schema, negative, kind, hint }: Layout): void {
  const isCustom = schema === CUSTOM_BOUNDS_SCHEMA;
  const half = BLOCK_START_MS + 3_600_000;
  let counts: number[] = [];
  let below: number[] = [];
  let [zeroCount, sum] = [0, 0];
  let isSecondHalf = false;
  const grown = (of: readonly number[]): number[] =>
    of.map((count) => Math.max(0, count + Math.floor(random() * 4) - (hint === 'gauge' ? 1 : 0)));
  const wanted = (): number => (isSecondHalf ? 4 : 3);
  for (const time of times(random, 30_000)) {
    if (time >= half) isSecondHalf = true;
    const isReset = random() < 0.02;
    counts = grown(Array.from({ length: wanted() }, (_, i) => (isReset ? 0 : (counts[i] ?? 0))));
    below = negative ? grown(Array.from({ length: 2 }, (_, i) => (isReset ? 0 : (below[i] ?? 0)))) : [];
    zeroCount = isCustom ? 0 : (isReset ? 0 : zeroCount) + Math.floor(random() * 2);
    sum = (isReset ? 0 : sum) + random() * 10 - (negative ? 5 : 0);
    const words = new Uint32Array(new Float64Array([sum]).buffer);
    const all = zeroCount + [...counts, ...below].reduce((a, b) => a + b, 0);
    const shared = {
      hint,
      schema: isCustom || !isSecondHalf ? schema : schema - 1,
      zeroThreshold: isCustom ? 0 : isSecondHalf ? 0.01 : 0.001,
      zeroCount,
      count: all,
      sum,
      sumHigh: words[1],
      sumLow: words[0],
      positiveSpans: [{ offset: isCustom ? 0 : -1, length: counts.length }],
      negativeSpans: negative ? [{ offset: 0, length: 2 }] : [],
      customValues: !isCustom ? [] : isSecondHalf ? [0.5, 1, 5, 10] : [0.5, 1, 5],
    };
    const deltas = (of: readonly number[]): number[] => of.map((count, i) => count - (i === 0 ? 0 : of[i - 1]));
    const histogram: Histogram =
      kind === 'float'
        ? { ...shared, kind, positiveCounts: Float64Array.from(counts), negativeCounts: Float64Array.from(below) }
        : { ...shared, kind, positiveDeltas: deltas(counts), negativeDeltas: deltas(below) };
    histograms.push({ time, histogram });
  }
}

/** About every `interval`, with jitter and with some left out. */
function* times(random: () => number, interval: number, from = BLOCK_START_MS): Generator<number> {
  for (let time = from + Math.floor(random() * interval); time < BLOCK_END_MS; time += interval) {
    if (random() < 0.03) continue;
    yield Math.min(BLOCK_END_MS - 1, time + (random() < 0.2 ? Math.floor(random() * 900) : 0));
  }
}

function gauge(random: () => number, { floats }: Made): void {
  let value = random() * 100;
  for (const time of times(random, 15_000)) {
    value += random() - 0.5;
    floats.push(time, random() < 0.3 ? Math.round(value) : value);
  }
}

function counter(random: () => number, { floats }: Made): void {
  let value = random() < 0.5 ? 0 : Math.floor(random() * 1000);
  for (const time of times(random, 15_000)) {
    value = random() < 0.01 ? 0 : value + Math.floor(random() * 20);
    floats.push(time, value);
  }
}

function classic(random: () => number, buckets: readonly SampleBuffer[]): void {
  const counts = buckets.map(() => 0);
  for (const time of times(random, 30_000)) {
    for (let n = Math.floor(random() * 8); n > 0; n--) {
      for (let i = Math.floor(random() * counts.length); i < counts.length; i++) counts[i]++;
    }
    if (random() < 0.01) counts.fill(0);
    buckets.forEach((floats, i) => {
      floats.push(time, counts[i]);
    });
  }
}

function comesAndGoes(random: () => number, floats: SampleBuffer): void {
  let isThere = true;
  let value = 0;
  for (const time of times(random, 30_000)) {
    if (random() < 0.06) {
      if (isThere) floats.pushStale(time);
      isThere = !isThere;
    } else if (isThere) floats.push(time, value++);
  }
}

function native(
  random: () => number,
  { histograms }: Made,
  schema: number,
  resets: boolean,
  from = BLOCK_START_MS,
): void {
  let counts = new Array<number>(6).fill(0);
  let zeroCount = 0;
  let sum = 0;
  for (const time of times(random, 30_000, from)) {
    if (resets && random() < 0.01) {
      counts = counts.map(() => 0);
      zeroCount = sum = 0;
    }
    counts = counts.map((count) => count + Math.floor(random() * 4));
    zeroCount += random() < 0.2 ? 1 : 0;
    sum += random() * 10;
    const words = new Uint32Array(new Float64Array([sum]).buffer);
    histograms.push({
      time,
      histogram: {
        kind: 'integer',
        hint: 'unknown',
        schema,
        zeroThreshold: 0.001,
        zeroCount,
        count: zeroCount + counts.reduce((a, b) => a + b, 0),
        sum,
        sumHigh: words[1],
        sumLow: words[0],
        positiveSpans: [
          { offset: -2, length: 3 },
          { offset: 2, length: 3 },
        ],
        negativeSpans: [],
        customValues: [],
        positiveDeltas: counts.map((count, i) => count - (i === 0 ? 0 : counts[i - 1])),
        negativeDeltas: [],
      },
    });
  }
}
