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
  /** `refused`: the engine says that it does not have this. */
  readonly verdict: 'passed' | 'failed' | 'refused';
  /** What differs, or the refusal. */
  readonly detail: string;
}

export async function runScript(statements: readonly Statement[], evaluate: Evaluate): Promise<Outcome[]> {
  const queryable = new MemoryQueryable();
  const outcomes: Outcome[] = [];
  for (const statement of statements) {
    if (statement.kind === 'clear') queryable.clear();
    else if (statement.kind === 'load') load(queryable, statement);
    else outcomes.push(await judge(queryable, statement, evaluate));
  }
  return outcomes;
}

function load(queryable: MemoryQueryable, { series, stepMs, withCustomBuckets }: LoadStatement): void {
  // Of two lines with the same labels the last counts.
  const unique = new Map(series.map((line) => [`${line.startTimes} ${line.labels.key}`, line]));
  for (const { labels, points, startTimes } of unique.values()) {
    if (startTimes) queryable.refuse(labels, 'start timestamps are not supported');
    points.forEach((point, k) => {
      if (point !== undefined) queryable.add(labels, k * stepMs, typeof point === 'object' ? point.histogram : point);
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

/** Refusals of what we do not have: gated syntax and functions the parser does not know. */
const refusals = /is not enabled|is experimental|are experimental|unknown function with name/;
/** Expressions in syntax newer than the one we parse: their parse errors are refusals too. */
const newerSyntax =
  /\b(?:min_of|max_of|step|range|start|end|info)\(|[<>]\/|\bfill(?:_left|_right)?\b|\[[^\]]*[-+*/%^(][^\]]*\]|offset\s*-?\(/i;

function isRefusal(expression: string, detail: string): boolean {
  return detail.includes('parse error') && (refusals.test(detail) || newerSyntax.test(expression));
}

function judgeFailure(statement: EvalStatement, thrown: unknown): Outcome {
  const { failure } = statement;
  const detail = messageOf(thrown);
  const kind = kindOf(thrown);
  if (kind === 'unsupported' || (kind === 'invalid' && isRefusal(statement.expression, detail)))
    return { statement, verdict: 'refused', detail };
  const expected =
    failure !== undefined &&
    kind !== 'internal' &&
    (failure.msg === undefined || failure.msg === detail) &&
    (failure.regex === undefined || failure.regex.test(detail));
  const stack = kind === 'internal' ? `\n${(thrown as Fault).stack}` : '';
  return { statement, verdict: expected ? 'passed' : 'failed', detail: expected ? '' : `${kind}: ${detail}${stack}` };
}
