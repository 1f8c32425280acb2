// Marks what the server finds wrong, where it finds it: `1:5: parse error: …` is line 1, column 5.

import type { Diagnostic } from '@codemirror/lint';
import { linter } from '@codemirror/lint';
import type { Extension, Text } from '@codemirror/state';
import { checkExpression } from './check-expression.ts';
import { failureOf } from './failed-runs.ts';

const DELAY_MS = 400;

/**
 * Checks the text once somebody types: until then the run tells, and the parser need not be loaded. What a run found is
 * marked as long as the text stands.
 */
export function serverLint(hasTyped: () => boolean): Extension {
  return linter(
    async (view) => {
      const text = view.state.doc.toString();
      if (text.trim() === '') return [];
      const message = (hasTyped() ? await checkExpression(text) : undefined) ?? failureOf(text);
      const found = message === undefined ? undefined : diagnosticOf(message, view.state.doc);
      return found === undefined ? [] : [found];
    },
    { delay: DELAY_MS },
  );
}

/** The place a message names: to the end of the word there. A place beyond the text is its end. */
export function diagnosticOf(message: string, doc: Text): Diagnostic | undefined {
  const match = /(?:^|\s|")(\d+):(\d+): (?:parse error: )?(.*)$/s.exec(message);
  if (match === null) return undefined;
  const line = doc.line(Math.min(Math.max(Number(match[1]), 1), doc.lines));
  const from = Math.min(line.from + Math.max(Number(match[2]) - 1, 0), line.to);
  const word = /^[\w:]+/.exec(doc.sliceString(from, line.to))?.[0].length ?? 1;
  const to = Math.min(from + word, doc.length);
  // At the very end there is nothing to underline: the last character stands for it.
  return { from: from === to ? Math.max(from - 1, 0) : from, to, severity: 'error', message: match[3] };
}
