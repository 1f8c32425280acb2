// Scripts of the PromQL test language: statements that load series and evaluate expressions, with what must come out.
// An empty or comment line ends a statement; indentation means nothing.

import { Fault } from '../../errors/fault.ts';
import { parseDuration } from '../../model/duration.ts';
import { type Point, parseSeriesLine, type SeriesLine } from './series-line.ts';

export interface LoadStatement {
  readonly kind: 'load';
  readonly stepMs: number;
  readonly series: readonly SeriesLine[];
  /** Classic histograms become native ones with custom buckets too. */
  readonly withCustomBuckets: boolean;
}

export interface AnnotationExpectation {
  readonly type: 'warn' | 'info';
  readonly presence: boolean;
  readonly msg?: string;
  readonly regex?: RegExp;
}

export interface FailureExpectation {
  readonly msg?: string;
  readonly regex?: RegExp;
}

export interface EvalStatement {
  readonly kind: 'eval';
  /** 1 for the first line of the script. */
  readonly line: number;
  readonly expression: string;
  /** An instant query has equal ends and a step of 0. */
  readonly startMs: number;
  readonly endMs: number;
  readonly stepMs: number;
  readonly failure: FailureExpectation | undefined;
  readonly annotations: readonly AnnotationExpectation[];
  readonly ordered: boolean;
  readonly text: string | undefined;
  readonly scalar: Point;
  readonly series: readonly SeriesLine[];
  /** The instant query gives ranges: their points start here, this far apart. */
  readonly range: { readonly startMs: number; readonly stepMs: number } | undefined;
}

export type Statement = { readonly kind: 'clear' } | LoadStatement | EvalStatement;

/** Throws `invalid` with the line's number when the script cannot be read. */
export function parseScript(text: string): Statement[] {
  const lines = text.split('\n').map((line) => (line.trim().startsWith('#') ? '' : line.trim()));
  const statements: Statement[] = [];
  for (let i = 0; i < lines.length; ) {
    const head = lines[i];
    if (head === '') {
      i++;
      continue;
    }
    let end = i + 1;
    while (end < lines.length && lines[end] !== '' && !/^(?:eval|load|clear)/.test(lines[end])) end++;
    try {
      statements.push(parseStatement(head, lines.slice(i + 1, end), i + 1));
    } catch (thrown) {
      throw new Fault('invalid', `line ${i + 1}: ${String(thrown)}`, { cause: thrown });
    }
    i = end;
  }
  return statements;
}

function parseStatement(head: string, body: readonly string[], line: number): Statement {
  if (head === 'clear') return { kind: 'clear' };
  const load = /^load(_with_nhcb)?\s+(\S+)$/.exec(head);
  if (load !== null)
    return {
      kind: 'load',
      stepMs: parseDuration(load[2]),
      series: body.map(parseSeriesLine),
      withCustomBuckets: load[1] !== undefined,
    };
  const instant = /^eval(?:_(fail|warn|info|ordered))?\s+instant\s+(?:at\s+)?(\S+)\s+(.*)$/.exec(head);
  if (instant !== null) {
    const timeMs = parseTime(instant[2]);
    return parseEval(instant[1], instant[3], { startMs: timeMs, endMs: timeMs, stepMs: 0 }, body, line);
  }
  const range = /^eval(?:_(fail|warn|info))?\s+range\s+from\s+(\S+)\s+to\s+(\S+)\s+step\s+(\S+)\s+(.*)$/.exec(head);
  if (range === null) throw new Fault('invalid', `not a statement: ${head}`);
  const times = { startMs: parseTime(range[2]), endMs: parseTime(range[3]), stepMs: parseTime(range[4]) };
  return parseEval(range[1], range[5], times, body, line);
}

function parseTime(text: string): number {
  return text.startsWith('-') ? -parseDuration(text.slice(1)) : parseDuration(text);
}

function parseEval(
  form: string | undefined,
  expression: string,
  times: Pick<EvalStatement, 'startMs' | 'endMs' | 'stepMs'>,
  body: readonly string[],
  line: number,
): EvalStatement {
  let failure: FailureExpectation | undefined = form === 'fail' ? {} : undefined;
  let ordered = form === 'ordered';
  let text: string | undefined;
  let scalar: Point;
  let range: EvalStatement['range'];
  const annotations: AnnotationExpectation[] = [];
  const series: SeriesLine[] = [];
  if (form === 'warn' || form === 'info') annotations.push({ type: form, presence: true });
  for (const entry of body) {
    const expect = /^expect\s+(no_)?(fail|warn|info)(?:\s+(msg|regex):\s*(.*))?$/.exec(entry);
    const old = /^expected_fail_(message|regexp)\s+(.*)$/.exec(entry);
    const window = /^expect\s+range\s+vector\s+from\s+(\S+)\s+to\s+(\S+)\s+step\s+(\S+)$/.exec(entry);
    if (expect !== null) {
      const [, no, type, how, what] = expect;
      const match = how === 'msg' ? { msg: what } : how === 'regex' ? { regex: new RegExp(what) } : {};
      if (type === 'fail') failure = match;
      else annotations.push({ type: type as 'warn' | 'info', presence: no === undefined, ...match });
    } else if (old !== null) failure = old[1] === 'message' ? { msg: old[2] } : { regex: new RegExp(old[2]) };
    else if (window !== null) range = { startMs: parseTime(window[1]), stepMs: parseTime(window[3]) };
    else if (entry === 'expect ordered') ordered = true;
    else if (entry.startsWith('expect string ')) text = entry.slice('expect string '.length).trim().slice(1, -1);
    else if (/^[+-]?(?:[\d.]|inf\b|nan\b)\S*$/i.test(entry)) scalar = parseSeriesLine(`{} ${entry}`).points[0];
    else series.push(parseSeriesLine(entry));
  }
  return { kind: 'eval', line, expression, ...times, failure, annotations, ordered, text, scalar, series, range };
}
