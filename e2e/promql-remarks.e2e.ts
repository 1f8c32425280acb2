// Warnings and infos of every function, aggregation and operator over series of every kind: the texts and places that the
// real Prometheus gives over the same block.

import assert from 'node:assert/strict';
import { cpSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { peer } from '../dev/peers.ts';
import { mapParallel } from '../pkg/async/parallel.ts';
import { backgroundRequest } from '../pkg/async/request.ts';
import { messageOf } from '../pkg/errors/fault.ts';
import { Engine } from '../pkg/promql/engine.ts';
import type { ValueType } from '../pkg/promql/parser/ast.ts';
import { functionNames, signatureOf } from '../pkg/promql/parser/functions.ts';
import { SeriesQueryable } from '../pkg/promql/series-queryable.ts';
import { openBlock } from '../pkg/tsdb/library.ts';
import { Cluster } from './harness/cluster.ts';
import { startPrometheus } from './harness/prometheus.ts';
import { BLOCK_START_MS, writeRandomBlock } from './harness/random-series.ts';

const program = await peer('prometheus');
const isSoak = process.env['TRIBUTARY_SOAK'] === '1';
const ULID = '01J0KPXVZG0000000000000000';
const START = BLOCK_START_MS / 1000 + 600;
const END = START + 1800;
const STEP = 300;

/** Gauges, counters, buckets that rise and that fall, native histograms, both, odd numbers, and many at once. */
const VECTORS = ['m', 'n_total', 'b_bucket', '-b_bucket', 'h', 'mixed', 'odd', '{__name__=~"m|h|n_total|mixed"}'];
/** Numbers that suit some functions and not others. */
const SCALARS = ['0.5', '1.5', 'NaN'];
const FOLDS = ['sum', 'avg', 'min', 'max', 'count', 'group', 'stddev', 'stdvar'];
const OPERATORS = ['+', '-', '*', '/', '%', '^', 'atan2', '==', '!=', '>', '<', '>=', '<=', 'and', 'or', 'unless'];

/** Histograms without buckets, or whose counts are no numbers. */
const ODD_HISTOGRAMS = ['h * 0', 'h / 0', 'h * NaN', 'h * Inf', '(h - h) / 0', '(h - h) * Inf', '-h', 'h - 2 * h'];
const ODD_QUANTILES = ['0', '0.3', '0.5', '0.8', '1', 'NaN'];

/** Left out: answers with the time of asking, and what needs labels it does not find here. */
const UNASKED: ReadonlySet<string> = new Set(['time', 'info', 'start_timestamp']);

function calls(): string[] {
  return functionNames().flatMap((name) => {
    const signature = signatureOf(name)!;
    if (UNASKED.has(name) || !signature.args.some((type) => type === 'vector' || type === 'matrix')) return [];
    const isScaled = signature.args.includes('scalar');
    return VECTORS.flatMap((vector) => {
      const scalars = isScaled && vector !== 'odd' ? SCALARS : ['0.5'];
      return scalars.map((scalar) => `${name}(${signature.args.map((type, i) => argument(type, i, vector, scalar))})`);
    });
  });
}

function oddHistograms(): string[] {
  return ODD_HISTOGRAMS.flatMap((histogram) => [
    ...ODD_QUANTILES.map((quantile) => `histogram_quantile(${quantile}, ${histogram})`),
    ...['0, 1', '-Inf, Inf', '-1, 0', 'NaN, 1'].map((ends) => `histogram_fraction(${ends}, ${histogram})`),
    ...['count', 'sum', 'avg', 'stddev', 'stdvar'].map((what) => `histogram_${what}(${histogram})`),
    `sum(${histogram})`,
    `avg by (x) (${histogram})`,
  ]);
}

function argument(type: ValueType, index: number, vector: string, scalar: string): string {
  if (type === 'vector') return vector;
  if (type === 'matrix') return vector.startsWith('-') ? `(${vector})[10m:1m]` : `${vector}[10m]`;
  return type === 'string' ? `"s${index}"` : scalar;
}

function expressions(): string[] {
  const folds = VECTORS.flatMap((vector) => [
    ...FOLDS.map((fold) => `${fold}(${vector})`),
    ...FOLDS.map((fold) => `${fold} by (x) (${vector})`),
    ...SCALARS.map((scalar) => `quantile(${scalar}, ${vector})`),
    `topk(2, ${vector})`,
    `bottomk by (x) (1, ${vector})`,
    `limitk(2, ${vector})`,
    `limit_ratio(0.5, ${vector})`,
    `limit_ratio(1.5, ${vector})`,
    `count_values("v", ${vector})`,
  ]);
  const pairs = ['m', 'h', 'mixed', '2'].flatMap((left) =>
    ['m', 'h', 'n_total', '2'].flatMap((right) =>
      OPERATORS.filter((op) => !/[a-z]/.test(op) || op === 'atan2' || (left !== '2' && right !== '2'))
        .filter((op) => !(left === '2' && right === '2') || !/[=<>]/.test(op))
        .map((op) => `${left} ${op} ${/[a-z2]/.test(op) || left === '2' || right === '2' ? '' : 'on (x, y) '}${right}`),
    ),
  );
  return [...new Set([...calls(), ...oddHistograms(), ...folds, ...pairs])];
}

interface Said {
  readonly notes: readonly string[];
  readonly failure: string;
}

/**
 * Where we know that we differ, in range queries: of samples that had to be fixed Prometheus counts those of earlier steps
 * again at every step. The number is taken out of both texts.
 */
const COUNTED_SAMPLES = /(?<=, over )\d+(?= samples from )/;

describe.skipIf(program === undefined)('remarks beside a real Prometheus', () => {
  const cluster = new Cluster('promql-remarks');
  const engine = new Engine({
    lookbackMs: 300_000,
    timeoutMs: 60_000,
    defaultEvaluationIntervalMs: 60_000,
    experimentalFunctions: true,
  });
  let url = '';
  let block: Awaited<ReturnType<typeof openBlock>> | undefined;

  beforeAll(async () => {
    const written = join(cluster.directory, 'written');
    const directory = join(cluster.directory, 'data');
    mkdirSync(written);
    writeRandomBlock(written, ULID, 11);
    cpSync(written, directory, { recursive: true });
    ({ url } = await startPrometheus(cluster, program!, {
      name: 'remarks',
      externalLabels: {},
      targets: [],
      scrapeInterval: '1m',
      blockDuration: '2h',
      retention: '100y',
      directory,
      features: ['promql-experimental-functions'],
    }));
    block = await openBlock(join(written, ULID));
  });
  afterAll(async () => {
    await block?.close();
    await cluster.close();
  });

  async function theirs(expression: string, isRange: boolean): Promise<Said> {
    const times: Record<string, string> = isRange
      ? { start: String(START), end: String(END), step: String(STEP) }
      : { time: String(START) };
    const body = new URLSearchParams({ ...times, query: expression });
    const response = await fetch(`${url}/api/v1/${isRange ? 'query_range' : 'query'}`, { method: 'POST', body });
    const {
      warnings = [],
      infos = [],
      error = '',
    } = (await response.json()) as {
      warnings?: string[];
      infos?: string[];
      error?: string;
    };
    return said([...warnings, ...infos], error, isRange);
  }

  async function ours(expression: string, isRange: boolean): Promise<Said> {
    const queryable = new SeriesQueryable(block!);
    try {
      const { warnings, infos } = isRange
        ? await engine.range(backgroundRequest(), queryable, {
            expression,
            startMs: START * 1000,
            endMs: END * 1000,
            stepMs: STEP * 1000,
          })
        : await engine.instant(backgroundRequest(), queryable, { expression, timeMs: START * 1000 });
      return said([...warnings, ...infos], '', isRange);
    } catch (thrown) {
      return said([], messageOf(thrown), isRange);
    }
  }

  function said(notes: readonly string[], failure: string, isRange: boolean): Said {
    return { notes: notes.map((note) => (isRange ? note.replace(COUNTED_SAMPLES, 'some') : note)).sort(), failure };
  }

  const asked = expressions().filter((_, i) => isSoak || i % 3 === 0);
  for (const isRange of [false, true]) {
    test(`${asked.length} expressions ${isRange ? 'over a range' : 'at one time'}`, { timeout: 300_000 }, async () => {
      const wrong: string[] = [];
      const kinds = new Set<string>();
      await mapParallel(asked, 4, async (expression) => {
        const [wanted, given] = await Promise.all([theirs(expression, isRange), ours(expression, isRange)]);
        for (const note of wanted.notes) kinds.add(note.replace(/"[^"]*"|\(\d+:\d+\)|[\d.]+/g, ''));
        const isSame = JSON.stringify(wanted.notes) === JSON.stringify(given.notes);
        if (!isSame || (wanted.failure === '') !== (given.failure === '')) {
          wrong.push(`${expression}\n  ours:   ${JSON.stringify(given)}\n  theirs: ${JSON.stringify(wanted)}`);
        }
      });
      assert.equal(wrong.slice(0, 20).join('\n'), '', `${wrong.length} of ${asked.length} differ`);
      assert.ok(kinds.size > 15, `${kinds.size} kinds of remarks`);
    });
  }
});
