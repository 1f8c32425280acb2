// `node dist/bench/engine.js --stops`: how long a query goes on after its caller has left, over 100,000 series. Each is run
// to its end once, then stopped at evenly spread times; what a timer comes late counts as well, since nobody else in the
// process had a turn either.

import { backgroundRequest } from '../pkg/async/request.ts';
import { kindOf } from '../pkg/errors/fault.ts';
import { Engine } from '../pkg/promql/engine.ts';
import { SeriesQueryable } from '../pkg/promql/series-queryable.ts';
import { openBlock } from '../pkg/tsdb/library.ts';
import { END_MS } from './data.ts';
import { memoryBlock } from './engine-memory.ts';

const SERIES = 100_000;
const STOPS = 8;
const STEP_MS = 60_000;
const JOBS = 'jobs_total';

/** Name, expression, hours (0 = at one time). */
const queries: readonly (readonly [string, string, number])[] = [
  ['series', JOBS, 2],
  ['rates', `rate(${JOBS}[5m])`, 2],
  ['sum of rates', `sum by (job) (rate(${JOBS}[5m]))`, 2],
  ['sums of one each', `sum without (none) (${JOBS})`, 2],
  ['quantile of all', `quantile(0.9, ${JOBS})`, 2],
  ['deviation', `stddev by (job) (${JOBS})`, 2],
  ['topk', `topk(10, ${JOBS})`, 2],
  ['limitk', `limitk(5, ${JOBS})`, 2],
  ['sort', `sort(${JOBS})`, 0],
  ['sort by label', `sort_by_label(${JOBS}, "instance")`, 0],
  ['join of one to one', `${JOBS} + ${JOBS}`, 2],
  ['join of one to many', `${JOBS} * on (job) group_left sum by (job) (${JOBS})`, 2],
  ['and', `${JOBS} and ${JOBS}`, 2],
  ['or', `${JOBS} or ${JOBS}`, 2],
  ['absent', `absent(${JOBS}{job="none"} or ${JOBS})`, 2],
  ['label_replace', `label_replace(${JOBS}, "a", "$1-x", "instance", "(.*)")`, 2],
  ['label_join', `label_join(${JOBS}, "a", "-", "job", "instance")`, 0],
  ['count_values', `count_values("v", ${JOBS})`, 1],
  ['quantile of half an hour', `quantile_over_time(0.9, ${JOBS}[30m])`, 2],
  ['subquery', `max_over_time(rate(${JOBS}[5m])[30m:1m])`, 2],
  ['histogram_quantile', `histogram_quantile(0.9, label_replace(${JOBS}, "le", "$1", "job", ".*?([0-9]+).*"))`, 2],
];

/** Prints a table. */
export async function compareStops(): Promise<void> {
  console.log('| query | whole, ms | goes on after it was stopped, ms: most | mean |\n| --- | --- | --- | --- |');
  const block = await openBlock(memoryBlock(SERIES));
  try {
    const settings = { lookbackMs: 300_000, timeoutMs: 600_000, defaultEvaluationIntervalMs: STEP_MS };
    const engine = new Engine({ ...settings, experimentalFunctions: true });
    const queryable = new SeriesQueryable(block);
    const last = END_MS - STEP_MS;
    for (const [name, expression, hours] of queries) {
      const ask = async (signal: AbortSignal): Promise<void> => {
        const request = backgroundRequest(signal);
        const times = { startMs: last - hours * 3_600_000, endMs: last, stepMs: STEP_MS };
        if (hours === 0) await engine.instant(request, queryable, { expression, timeMs: last });
        else await engine.range(request, queryable, { expression, ...times });
      };
      const beganMs = performance.now();
      await ask(new AbortController().signal);
      const wholeMs = performance.now() - beganMs;
      const late: number[] = [];
      for (let i = 0; i < STOPS; i++) late.push(await stopped(ask, (wholeMs * (i + 0.5)) / STOPS));
      const mean = late.reduce((sum, ms) => sum + ms, 0) / late.length;
      console.log(`| ${name} | ${wholeMs.toFixed(0)} | ${Math.max(...late).toFixed(0)} | ${mean.toFixed(0)} |`);
    }
  } finally {
    await block.close();
  }
}

/** Stops it after a time, and gives for how long it went on; 0 when it was done before. */
async function stopped(ask: (signal: AbortSignal) => Promise<void>, afterMs: number): Promise<number> {
  const caller = new AbortController();
  const beganMs = performance.now();
  const timer = setTimeout(() => caller.abort(), afterMs);
  try {
    await ask(caller.signal);
  } catch (thrown) {
    if (kindOf(thrown) !== 'canceled') throw thrown;
  } finally {
    clearTimeout(timer);
  }
  return Math.max(0, performance.now() - beganMs - afterMs);
}
