// Sums, means and differences of random native histograms whose layouts differ: schemas, zero buckets that have to grow,
// custom bounds. Prometheus' own unit tests of rules compute the same, to the last bit.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, test } from 'vitest';
import { peer } from '../dev/peers.ts';
import { addHistograms, compactHistogram, subtractHistograms } from '../pkg/model/histogram-math.ts';
import { HistogramSum } from '../pkg/model/histogram-sum.ts';
import type { BucketCounts, HistogramValue } from '../pkg/model/histogram-value.ts';
import { HistogramMean } from '../pkg/promql/functions/histogram-mean.ts';
import { seeded } from '../pkg/promql/parser/random-text.ts';
import { Cluster } from './harness/cluster.ts';

const promtool = await peer('promtool');
const isSoak = process.env['TRIBUTARY_SOAK'] === '1';
const SETS = isSoak ? 2_000 : 100;
const SEED = Number(process.env['TRIBUTARY_FUZZ_SEED'] ?? 1);
const CUSTOM = -53;

type Layout = 'schemas' | 'zero buckets' | 'custom bounds' | 'schemas and zero buckets';
type Operation = 'sum_over_time' | 'avg_over_time' | '+' | '-';

const operations: Readonly<Record<Operation, (all: readonly HistogramValue[]) => HistogramValue>> = {
  sum_over_time: ([first, ...others]) => {
    const sum = new HistogramSum(first);
    for (const other of others) sum.add(other);
    return sum.value();
  },
  avg_over_time: ([first, ...others]) => {
    const mean = new HistogramMean(first);
    for (const other of others) mean.add(other);
    return mean.value();
  },
  '+': ([a, b]) => compactHistogram(addHistograms(a, b)!.value),
  '-': ([a, b]) => compactHistogram(subtractHistograms(a, b)!.value),
};

describe.skipIf(promtool === undefined)('native histograms of unlike layouts', () => {
  const cluster = new Cluster('histogram-sums');
  afterAll(() => cluster.close());

  for (const layout of ['schemas', 'zero buckets', 'custom bounds', 'schemas and zero buckets'] as const) {
    for (const operation of Object.keys(operations) as Operation[]) {
      test(`${SETS} random sets that differ in ${layout}: ${operation}`, { timeout: 120_000 }, () => {
        const random = new Histograms(SEED, layout);
        const sets = Array.from({ length: SETS }, () => [random.next(), random.next(), random.next()]);
        const theirs = ofPromtool(cluster.directory, sets, operation);
        for (const [i, set] of sets.entries()) {
          assert.deepEqual(shown(operations[operation](set)), theirs[i], set.map(written).join('\n'));
        }
      });
    }
  }
});

/** Random histograms, none of whose buckets lies in its own zero bucket. */
class Histograms {
  readonly #random: () => number;
  readonly #layout: Layout;

  constructor(seed: number, layout: Layout) {
    this.#random = seeded(seed);
    this.#layout = layout;
  }

  next(): HistogramValue {
    const isCustom = this.#layout === 'custom bounds';
    const schema = isCustom ? CUSTOM : this.#layout === 'zero buckets' ? 1 : this.#below(5) - 1;
    const thresholds = this.#layout === 'schemas' ? [0.001] : [0.001, 0.1, 0.3, 0.5, 1, 1.2, 2];
    const zeroThreshold = isCustom ? 0 : thresholds[this.#below(thresholds.length)];
    const customValues = isCustom ? [0.5, 1, 2, 3, 4, 5, 6, 7, 8, 9].filter(() => this.#random() < 0.7) : [];
    const isOutside = (index: number): boolean => isCustom || 2 ** ((index - 1) * 2 ** -schema) >= zeroThreshold;
    const side = (first: number, length: number): BucketCounts => {
      const indexes = Int32Array.from({ length }, (_, i) => first + i);
      const counts = Float64Array.from(indexes, (index) =>
        isOutside(index) && this.#random() > 0.1 ? this.#number() : 0,
      );
      return { indexes, counts };
    };
    return {
      hint: 'unknown',
      schema,
      zeroThreshold,
      zeroCount: isCustom ? 0 : this.#number(),
      count: this.#number(),
      sum: this.#number(),
      positive: isCustom
        ? side(0, 1 + this.#below(customValues.length + 1))
        : side(this.#below(8) - 4, 1 + this.#below(9)),
      negative: isCustom || this.#random() < 0.4 ? side(0, 0) : side(this.#below(8) - 4, 1 + this.#below(5)),
      customValues,
    };
  }

  #below(limit: number): number {
    return Math.floor(this.#random() * limit);
  }

  #number(): number {
    return (this.#random() + 0.01) * [1, 1, 1, 1e3, 1e-3][this.#below(5)];
  }
}

/** As scripts write it. */
function written(histogram: HistogramValue): string {
  const { schema, sum, count, zeroCount, zeroThreshold, positive, negative, customValues } = histogram;
  const parts = [`schema:${schema}`, `sum:${sum}`, `count:${count}`];
  if (schema === CUSTOM) parts.push(`custom_values:[${customValues.join(' ')}]`);
  else parts.push(`z_bucket:${zeroCount}`, `z_bucket_w:${zeroThreshold}`);
  for (const [prefix, { indexes, counts }] of [
    ['', positive],
    ['n_', negative],
  ] as const) {
    if (indexes.length > 0) parts.push(`${prefix}offset:${indexes[0]}`, `${prefix}buckets:[${[...counts].join(' ')}]`);
  }
  return `{{${parts.join(' ')}}}`;
}

interface Shown {
  readonly schema: number;
  readonly numbers: readonly number[];
  /** From the first bucket that is not empty to the last. */
  readonly positive: readonly number[];
  readonly negative: readonly number[];
}

function shown({ schema, count, sum, zeroCount, positive, negative }: HistogramValue): Shown {
  const dense = ({ indexes, counts }: BucketCounts): number[] => {
    const all: number[] = new Array(indexes.length === 0 ? 0 : indexes[indexes.length - 1] - indexes[0] + 1).fill(0);
    for (let i = 0; i < indexes.length; i++) all[indexes[i] - indexes[0]] = counts[i];
    return all;
  };
  return { schema, numbers: [count, sum, zeroCount], positive: dense(positive), negative: dense(negative) };
}

/** What promtool says it got, where nothing was expected. */
function ofPromtool(directory: string, sets: readonly (readonly HistogramValue[])[], operation: Operation): Shown[] {
  const isOfTwo = operation === '+' || operation === '-';
  const series = sets.flatMap((set, i) =>
    isOfTwo
      ? set.slice(0, 2).map((histogram, k) => ({ series: `h${i}{x="${k}"}`, values: written(histogram) }))
      : [{ series: `h${i}`, values: set.map(written).join(' ') }],
  );
  const tests = sets.map((_set, i) => ({
    expr: isOfTwo ? `h${i}{x="0"} ${operation} on () h${i}{x="1"}` : `${operation}(h${i}[5m])`,
    eval_time: isOfTwo ? '0m' : '2m',
    exp_samples: [{ labels: `none${i}`, value: 1 }],
  }));
  const path = join(directory, 'sums.yml');
  const group = { interval: '1m', input_series: series, promql_expr_test: tests };
  writeFileSync(path, JSON.stringify({ evaluation_interval: '1m', tests: [group] }));
  const answered = [...said(path).matchAll(/^\s*got: *\{.*?\} \{\{(.*)\}\}$/gm)].map(([, text]) => read(text));
  assert.equal(answered.length, sets.length);
  return answered;
}

/** All expectations fail, and so does the program. */
function said(path: string): string {
  try {
    return execFileSync(promtool!, ['test', 'rules', path], { encoding: 'utf8', maxBuffer: 64 << 20, stdio: 'pipe' });
  } catch (thrown) {
    const { stdout, stderr } = thrown as { stdout: string; stderr: string };
    return `${stdout}\n${stderr}`;
  }
}

function read(text: string): Shown {
  const number = (name: string): number => Number(new RegExp(`(?:^| )${name}:([^ [\\]]+)`).exec(text)?.[1] ?? 0);
  const numbers = (name: string): number[] => {
    const list = new RegExp(`(?:^| )${name}:\\[([^\\]]*)\\]`).exec(text)?.[1] ?? '';
    return list === '' ? [] : list.split(' ').map(Number);
  };
  return {
    schema: number('schema'),
    numbers: [number('count'), number('sum'), number('z_bucket')],
    positive: numbers('buckets'),
    negative: numbers('n_buckets'),
  };
}
