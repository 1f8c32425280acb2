// Random expressions over random series: the engine answers as the real Prometheus does over the same block. Some hundred
// of them in every run, twenty thousand in a soak.

import assert from 'node:assert/strict';
import { cpSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { peer } from '../dev/peers.ts';
import { mapParallel } from '../pkg/async/parallel.ts';
import { backgroundRequest } from '../pkg/async/request.ts';
import { kindOf, messageOf } from '../pkg/errors/fault.ts';
import { Engine } from '../pkg/promql/engine.ts';
import { printResult } from '../pkg/promql/result-json.ts';
import { SeriesQueryable } from '../pkg/promql/series-queryable.ts';
import { openBlock } from '../pkg/tsdb/library.ts';
import type { OpenBlock } from '../pkg/tsdb/open-block.ts';
import { Cluster } from './harness/cluster.ts';
import { startPrometheus } from './harness/prometheus.ts';
import { RandomQueries } from './harness/random-queries.ts';
import { BLOCK_END_MS, BLOCK_START_MS, writeRandomBlock } from './harness/random-series.ts';

const program = await peer('prometheus');
const isSoak = process.env['TRIBUTARY_SOAK'] === '1';
const EXPRESSIONS = Number(process.env['TRIBUTARY_FUZZ_EXPRESSIONS'] ?? (isSoak ? 20_000 : 400));
const SEED = Number(process.env['TRIBUTARY_FUZZ_SEED'] ?? 1);
const ULID = '01J0KPXVZG0000000000000000';

/** What goes through a function that is computed differently may differ in the last digits, and what is then done with it. */
const TOLERANCE = 1e-9;

/** What random expressions over other blocks have found. */
const FOUND = [
  'timestamp(hg @ 1718670000 offset 5m)',
  'timestamp(hg @ 1718670000 offset -1m)',
  'sum(rate(h[5m]))',
  'avg(h)',
  'sum_over_time(hc[5m])',
  'avg_over_time(hc[5m])',
  'count_values("v", sum(rate(h[5m])) >/ 0)',
  'count_values("v", hc / NaN)',
  '-(delta(h[20m]) </ 0.3)',
  'h * Inf >/ 0',
  'h * Inf </ 1.3',
  'm * step()',
  'count_over_time(m[step() + 1m])',
  'sort_desc(minute(m @ start()))',
  'sort(sum by (x) (year(m @ start())))',
  'sort(abs(m @ start()))',
  'histogram_quantile(1, avg_over_time(hg[30s]))',
  'histogram_quantile(1, sum_over_time(hg[30s]))',
  'histogram_sum(increase(hc[7m]))',
  'histogram_sum(increase(hc[7m])) >/ 1',
  'vector(1) >/ histogram_sum(increase(hc[7m]))',
  'histogram_sum(2 * increase(hc[7m]))',
  'histogram_quantile(0.5, vector(1) + histogram_sum(increase(hc[7m])))',
  'histogram_sum(rate(h[5m]) == rate(h[6m]))',
  'histogram_count(h > 1 or hc)',
];

interface Question {
  readonly expression: string;
  readonly range: { readonly start: number; readonly end: number; readonly step: number } | undefined;
  readonly time: number;
}

interface PrometheusBody {
  readonly status: string;
  readonly errorType: string;
  readonly error: string;
  readonly data: Result;
  readonly warnings?: readonly string[];
  readonly infos?: readonly string[];
}

interface Result {
  readonly resultType: string;
  readonly result: unknown;
}

interface Given {
  readonly type: string;
  /** By labels. */
  readonly series: ReadonlyMap<string, readonly (readonly [number, unknown])[]>;
  readonly notes: readonly string[];
  readonly failure: string;
}

describe.skipIf(program === undefined)('over a block of random series', () => {
  const cluster = new Cluster('promql-fuzz');
  let url = '';
  let block: OpenBlock;
  const engine = new Engine({
    lookbackMs: 300_000,
    timeoutMs: 60_000,
    defaultEvaluationIntervalMs: 60_000,
    experimentalFunctions: true,
    extendedRangeSelectors: true,
    fillModifiers: true,
  });

  beforeAll(async () => {
    const written = join(cluster.directory, 'written');
    const directory = join(cluster.directory, 'data');
    mkdirSync(written);
    writeRandomBlock(written, ULID, SEED, { wide: true });
    cpSync(written, directory, { recursive: true });
    const options = {
      name: 'fuzz',
      externalLabels: {},
      targets: [],
      scrapeInterval: '1m',
      blockDuration: '2h',
      retention: '100y',
      directory,
      features: ['promql-experimental-functions', 'promql-extended-range-selectors', 'promql-binop-fill-modifiers'],
    };
    ({ url } = await startPrometheus(cluster, program!, options));
    block = await openBlock(join(written, ULID));
  });
  afterAll(async () => {
    await block.close();
    await cluster.close();
  });

  test('expressions that once had others have the answers of Prometheus', async () => {
    const queryable = new SeriesQueryable(block);
    const start = BLOCK_START_MS / 1000;
    const questions = FOUND.flatMap((expression): Question[] =>
      [0, 900, 1800, 2707, 4513].flatMap((after): Question[] => [
        { expression, range: undefined, time: start + after },
        { expression, range: { start: start + after, end: start + after, step: 60 }, time: 0 },
        { expression, range: { start: start + after, end: start + after + 1800, step: 77 }, time: 0 },
      ]),
    );
    const wrong: string[] = [];
    await mapParallel(questions, 4, async (question) => {
      const found = difference(await askEngine(engine, queryable, question), await askPrometheus(url, question));
      if (found !== undefined) wrong.push(`${question.expression}  ${JSON.stringify(question)}\n    ${found}`);
    });
    assert.equal(wrong.slice(0, 10).join('\n'), '', `${wrong.length} of ${questions.length} differ`);
  });

  test(`${EXPRESSIONS} random expressions have the answers of Prometheus`, {
    timeout: isSoak ? 3_600_000 : 180_000,
  }, async () => {
    const random = new RandomQueries(SEED, { wide: true });
    const questions = Array.from({ length: EXPRESSIONS }, () => questionOf(random));
    const counts = { equal: 0, amplified: 0, skipped: 0, toTheBit: 0, failed: 0, empty: 0 };
    const wrong: string[] = [];
    const queryable = new SeriesQueryable(block);
    await mapParallel(questions, 4, async (question) => {
      const wanted = await askPrometheus(url, question);
      const given = await askEngine(engine, queryable, question);
      const found = difference(given, wanted);
      const why = found === undefined ? undefined : explained(question.expression, given, wanted);
      if (why !== undefined) {
        counts[why]++;
        return;
      }
      if (found !== undefined) {
        wrong.push(`${question.expression}  ${JSON.stringify(question.range ?? question.time)}\n    ${found}`);
        return;
      }
      counts.equal++;
      if (wanted.failure !== '') counts.failed++;
      else if (wanted.series.size === 0) counts.empty++;
      else if (exactly(given, wanted)) counts.toTheBit++;
    });
    if (isSoak) console.log(counts);
    assert.equal(wrong.slice(0, 20).join('\n'), '', `${wrong.length} of ${EXPRESSIONS} differ`);
    expect((counts.amplified + counts.skipped) / EXPRESSIONS).toBeLessThan(0.005);
    // A generator whose expressions mostly fail or find nothing would prove little.
    expect(counts.failed / EXPRESSIONS).toBeLessThan(0.4);
    expect(counts.empty / EXPRESSIONS).toBeLessThan(0.4);
  });
});

function questionOf(random: RandomQueries): Question {
  const start = BLOCK_START_MS / 1000 + random.below(5400) + [0, 0, 0.25][random.below(3)];
  if (random.below(25) === 0) return { expression: random.nextWindow(), range: undefined, time: start };
  const expression = random.next();
  if (random.below(3) === 0) return { expression, range: undefined, time: start };
  const step = [7, 15, 60, 300, 12.5][random.below(5)];
  const end = Math.min(BLOCK_END_MS / 1000 + 600, start + step * random.below(40));
  return { expression, range: { start, end, step }, time: start };
}

async function askPrometheus(url: string, { expression, range, time }: Question): Promise<Given> {
  const form = new URLSearchParams(range === undefined ? { time: String(time) } : mapped(range));
  form.set('query', expression);
  const response = await fetch(`${url}/api/v1/${range === undefined ? 'query' : 'query_range'}`, {
    method: 'POST',
    body: form,
  });
  const body = (await response.json()) as PrometheusBody;
  const notes = [...(body.warnings ?? []), ...(body.infos ?? [])];
  if (body.status !== 'success') return { type: body.errorType, series: new Map(), notes: [], failure: body.error };
  return {
    type: body.data.resultType,
    series: seriesByLabels(body.data),
    notes: notes.map(plainNote).sort(),
    failure: '',
  };
}

async function askEngine(
  engine: Engine,
  queryable: SeriesQueryable,
  { expression, range, time }: Question,
): Promise<Given> {
  try {
    const { value, warnings, infos } = await (range === undefined
      ? engine.instant(backgroundRequest(), queryable, { expression, timeMs: time * 1000 })
      : engine.range(backgroundRequest(), queryable, {
          expression,
          startMs: range.start * 1000,
          endMs: range.end * 1000,
          stepMs: range.step * 1000,
        }));
    const result = JSON.parse([...printResult(value)].join(''));
    const notes = [...warnings, ...infos].map(plainNote).sort();
    return { type: value.kind, series: seriesByLabels({ resultType: value.kind, result }), notes, failure: '' };
  } catch (thrown) {
    const type = kindOf(thrown) === 'invalid' ? 'bad_data' : kindOf(thrown);
    return { type, series: new Map(), notes: [], failure: messageOf(thrown) };
  }
}

function mapped(range: {
  readonly start: number;
  readonly end: number;
  readonly step: number;
}): Record<string, string> {
  return { start: String(range.start), end: String(range.end), step: String(range.step) };
}

/**
 * Without its place: which of several texts of one kind is kept depends on the order of a map there. And without how far
 * buckets were from rising.
 */
function plainNote(text: string): string {
  return text.replace(/ \(\d+:\d+\)$/, '').replace(/, over \d+ samples/, '');
}

function seriesByLabels(data: Result): Given['series'] {
  if (data.resultType === 'scalar' || data.resultType === 'string')
    return new Map([['', [data.result as [number, unknown]]]]);
  const series = new Map<string, readonly (readonly [number, unknown])[]>();
  for (const one of data.result as {
    metric: Record<string, string>;
    value?: never;
    histogram?: never;
    values?: never[];
    histograms?: never[];
  }[]) {
    const key = JSON.stringify(Object.entries(one.metric).sort(([a], [b]) => (a < b ? -1 : 1)));
    const points: (readonly [number, unknown])[] = [...(one.values ?? []), ...(one.histograms ?? [])];
    if (one.value !== undefined) points.push(one.value);
    if (one.histogram !== undefined) points.push(one.histogram);
    series.set(key, points);
  }
  return series;
}

/** What differs, in words. */
function difference(given: Given, wanted: Given): string | undefined {
  if (given.type !== wanted.type) return `${given.type} ${given.failure} in place of ${wanted.type} ${wanted.failure}`;
  for (const key of new Set([...given.series.keys(), ...wanted.series.keys()])) {
    const ours = given.series.get(key);
    const theirs = wanted.series.get(key);
    if (ours === undefined) return `no series ${key}: ${JSON.stringify(theirs).slice(0, 200)}`;
    if (theirs === undefined) return `a series too many ${key}: ${JSON.stringify(ours).slice(0, 200)}`;
    if (ours.length !== theirs.length) return `${ours.length} points in place of ${theirs.length} of ${key}`;
    for (let i = 0; i < ours.length; i++) {
      if (!isClose(ours[i], theirs[i]))
        return `${JSON.stringify(ours[i])} in place of ${JSON.stringify(theirs[i])} of ${key}`;
    }
  }
  const notes = JSON.stringify(given.notes) === JSON.stringify(wanted.notes);
  return notes ? undefined : `notes ${JSON.stringify(given.notes)} in place of ${JSON.stringify(wanted.notes)}`;
}

/** Why a difference is none: undefined when it is one. */
function explained(expression: string, given: Given, wanted: Given): 'amplified' | 'skipped' | undefined {
  if (given.failure !== '' || wanted.failure !== '') return undefined;
  // A function that every platform computes in its own way, below something that makes much of a last digit. (The logarithm of
  // a number too small for a full mantissa is wrong there, on this kind of processor.)
  if (OWN_WAY.test(expression) && AMPLIFIES.test(expression)) return 'amplified';
  // Deviations of large values, in the order in which the series come, which is that of a map there.
  if (/\bstd(dev|var)\b/.test(expression)) return 'amplified';
  // Where only counts and sums are read, resets are looked for there between neighbours, unless samples between two
  // windows were skipped: then the first of a window has none.
  const ofNumbers = /\bhistogram_(avg|count|sum)\b/.test(expression);
  const others = (notes: readonly string[]): string => notes.filter((note) => !note.includes('counter resets')).join();
  if (ofNumbers && others(given.notes) === others(wanted.notes)) {
    return difference({ ...given, notes: [] }, { ...wanted, notes: [] }) === undefined ? 'skipped' : undefined;
  }
  // Of a subquery fixed in time, predict_linear there evaluates as much more behind it as the query is long, and remarks on that.
  if (
    FIXED_BELOW_PREDICT.test(expression) &&
    difference({ ...given, notes: [] }, { ...wanted, notes: [] }) === undefined
  ) {
    return 'skipped';
  }
  // Series that can have no match are not fetched, so nothing is said about histograms among them.
  const unseen = wanted.notes.filter((note) => !given.notes.includes(note));
  if (unseen.every((note) => / histograms?\b.* aggregation$/.test(note)) && given.notes.length < wanted.notes.length) {
    return difference({ ...given, notes: wanted.notes }, wanted) === undefined ? 'skipped' : undefined;
  }
  return undefined;
}

const OWN_WAY =
  /\b(exp|ln|log2|log10|a?(sin|cos|tan)h?|atan2|histogram_quantiles?|histogram_stddev|histogram_stdvar|histogram_fraction|histogram_avg)\b|\^/;
const FIXED_BELOW_PREDICT = /\bpredict_linear\(.*\[\w+:\w*\] @ /;
const AMPLIFIES =
  /\b(count_values|sin|cos|tan|ceil|floor|round|changes|resets|rate|increase)\b|\bln\b.*\^|%|[<>=!]=?[^~"]/;

/** `scale`: how large the numbers around are, where a difference of two of them may be next to nothing. */
function isClose(ours: unknown, theirs: unknown, scale = 0): boolean {
  if (Array.isArray(ours) && Array.isArray(theirs)) {
    return ours.length === theirs.length && ours.every((one, i) => isClose(one, theirs[i], scale));
  }
  if (typeof ours === 'object' && ours !== null) {
    const [a, b] = [ours, theirs] as Record<string, unknown>[];
    const largest = largestOf(b['count']);
    // What is next to nothing may be nothing there, and then it is not listed.
    const listed = (value: unknown): unknown =>
      Array.isArray(value)
        ? value.filter((bucket) => Math.abs(Number(bucket[3])) > TOLERANCE * Math.max(1, largest))
        : (value ?? []);
    return Object.keys({ ...a, ...b }).every((key) => isClose(listed(a[key]), listed(b[key]), Math.max(1, largest)));
  }
  if (ours === theirs) return true;
  const [a, b] = [Number(ours), Number(theirs)];
  // Its exponential function gives up half a power of two before the largest number, on this kind of processor.
  if (a >= 2 ** 1023 && theirs === '+Inf') return true;
  return Math.abs(a - b) <= TOLERANCE * Math.max(Math.abs(a), Math.abs(b), scale);
}

/** The largest finite number in a histogram. */
function largestOf(value: unknown): number {
  if (typeof value === 'object' && value !== null) return Math.max(0, ...Object.values(value).map(largestOf));
  return Number.isFinite(Number(value)) ? Math.abs(Number(value)) : 0;
}

function exactly(given: Given, wanted: Given): boolean {
  return [...given.series].every(([key, points]) => JSON.stringify(points) === JSON.stringify(wanted.series.get(key)));
}
