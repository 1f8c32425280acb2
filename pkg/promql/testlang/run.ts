// Runs a script against an engine and says for every statement whether the answer is the expected one.

import { type Fault, kindOf, messageOf } from '../../errors/fault.ts';
import type { Queryable } from '../../storage/querier.ts';
import { type Answer, differenceOf } from './compare.ts';
import { customHistograms } from './custom-buckets.ts';
import { MemoryQueryable } from './memory-queryable.ts';
import type { EvalStatement, LoadStatement, Statement } from './script.ts';

export type Times =
  | { readonly timeMs: number }
  | { readonly startMs: number; readonly endMs: number; readonly stepMs: number };

/** The engine under test. Failures are thrown. */
export type Evaluate = (queryable: Queryable, expression: string, times: Times) => Promise<Answer>;

export interface Outcome {
  readonly statement: EvalStatement;
  readonly verdict: 'passed' | 'failed';
  /** What differs, '' when nothing does. */
  readonly detail: string;
}

export async function runScript(statements: readonly Statement[], evaluate: Evaluate): Promise<Outcome[]> {
  const queryable = new MemoryQueryable();
  const outcomes: Outcome[] = [];
  for (const statement of statements) {
    if (statement.kind === 'clear') queryable.clear();
    else if (statement.kind === 'load') loadSeries(queryable, statement);
    else outcomes.push(await judge(queryable, statement, evaluate));
  }
  return outcomes;
}

/** Adds the series of a statement to what is held. */
export function loadSeries(queryable: MemoryQueryable, { series, stepMs, withCustomBuckets }: LoadStatement): void {
  // Of two lines with the same labels the last counts.
  const unique = new Map(series.filter(({ starts }) => starts === undefined).map((line) => [line.labels.key, line]));
  const starts = new Map(series.flatMap((line) => (line.starts === undefined ? [] : [[line.labels.key, line.starts]])));
  for (const { labels, points } of unique.values()) {
    const startsOf = starts.get(labels.key);
    points.forEach((point, k) => {
      if (point === undefined) return;
      const value = typeof point === 'object' ? point.histogram : point;
      const start = startsOf?.[k];
      queryable.add(labels, k * stepMs, value, start === undefined ? 0 : k * stepMs + start);
    });
  }
  if (!withCustomBuckets) return;
  for (const { labels, points } of customHistograms([...unique.values()])) {
    points.forEach((point, k) => {
      if (typeof point === 'object') queryable.add(labels, k * stepMs, point);
    });
  }
}

async function judge(queryable: Queryable, statement: EvalStatement, evaluate: Evaluate): Promise<Outcome> {
  const { startMs, endMs, stepMs, failure } = statement;
  const times = stepMs === 0 ? { timeMs: startMs } : { startMs, endMs, stepMs };
  let answer: Answer;
  try {
    answer = await evaluate(queryable, statement.expression, times);
  } catch (thrown) {
    return judgeFailure(statement, thrown);
  }
  const detail = failure === undefined ? differenceOf(statement, answer) : 'succeeds, but must fail';
  return { statement, verdict: detail === '' ? 'passed' : 'failed', detail };
}

function judgeFailure(statement: EvalStatement, thrown: unknown): Outcome {
  const { failure } = statement;
  const detail = messageOf(thrown);
  const kind = kindOf(thrown);
  const expected =
    failure !== undefined &&
    kind !== 'internal' &&
    (failure.msg === undefined || failure.msg === detail) &&
    (failure.regex === undefined || failure.regex.test(detail));
  const stack = kind === 'internal' ? `\n${(thrown as Fault).stack}` : '';
  return { statement, verdict: expected ? 'passed' : 'failed', detail: expected ? '' : `${kind}: ${detail}${stack}` };
}
