// The door to the test language: a script in, what became of its statements out.

import type { RequestContext } from '../async/request.ts';
import { everythingOn } from './testlang/evaluate.ts';
import { runScript } from './testlang/run.ts';
import { parseScript } from './testlang/script.ts';

export interface StatementOutcome {
  /** 1 for the first line of the script. */
  readonly line: number;
  readonly expression: string;
  /** What is not as the script expects it; '' for a statement that passes. */
  readonly difference: string;
}

/**
 * Runs a script with every part of the language on. Gives an outcome for each `eval`, in order. Throws `invalid` with the line
 * for a text that is no script.
 */
export async function runScriptText(request: RequestContext, text: string): Promise<StatementOutcome[]> {
  const outcomes = await runScript(parseScript(text), everythingOn(request));
  return outcomes.map(({ statement: { line, expression }, detail }) => ({ line, expression, difference: detail }));
}
