// Anchored RE2 expressions, as label matchers use them: `^(?s:...)$`, linear time, with shortcuts that need no engine.

import { RE2JS } from 're2js';
import { Fault, messageOf } from '../errors/fault.ts';

export interface AnchoredRegexp {
  readonly source: string;
  test(value: string): boolean;
  /** All strings that match, when they are known without scanning (a literal or an alternation of literals). */
  readonly set: readonly string[] | undefined;
  /** Every match starts with this; '' when nothing is known. */
  readonly prefix: string;
}

/** Throws `invalid` when the text is not an RE2 expression. */
export function compileAnchored(source: string): AnchoredRegexp {
  let compiled: RE2JS;
  try {
    compiled = RE2JS.compile(source, RE2JS.DOTALL);
  } catch (thrown) {
    throw new Fault('invalid', messageOf(thrown));
  }
  return { source, test: (value) => compiled.matches(value), set: undefined, prefix: '' };
}
