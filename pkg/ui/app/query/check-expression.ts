// What is wrong with an expression, as the server would say it: its own parser runs here as well, so that typing sends
// nothing. It is loaded when somebody types first.

import { facts } from '../facts.ts';

/** The server's words with their position, or undefined when the expression can be parsed. */
export async function checkExpression(text: string): Promise<string | undefined> {
  const { parse } = await import('../../../promql/parser/parse.ts');
  try {
    parse(text, facts.query.language);
    return undefined;
  } catch (thrown) {
    return thrown instanceof Error ? thrown.message : String(thrown);
  }
}
