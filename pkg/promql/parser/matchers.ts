// What stands in braces: `{a="b", "c d"!~"e", "metric.name"}`.

import { messageOf } from '../../errors/fault.ts';
import { METRIC_NAME } from '../../model/labels.ts';
import { Matcher, type MatcherOp } from '../../model/matcher.ts';
import { unquote } from './quote.ts';
import type { TokenReader } from './token-reader.ts';
import { IDENTIFIER, STRING } from './tokens.ts';

const WHERE = 'label matching';
const ops: ReadonlySet<string> = new Set(['=', '!=', '=~', '!~']);

/** The matchers between `{`, which is next, and `}`. A string alone is a matcher on the metric name. */
export function readMatchers(reader: TokenReader): Matcher[] {
  reader.expect('{');
  const matchers: Matcher[] = [];
  if (reader.accept('}')) return matchers;
  for (;;) {
    matchers.push(readMatcher(reader));
    if (reader.accept('}')) return matchers;
    reader.expect(',', WHERE, '"," or "}"');
    if (reader.accept('}')) return matchers;
  }
}

function readMatcher(reader: TokenReader): Matcher {
  const { kind } = reader.peek();
  if (kind !== IDENTIFIER && kind !== STRING) throw reader.unexpectedIn(WHERE, 'identifier or "}"');
  const nameToken = reader.take();
  const name = kind === STRING ? unquote(nameToken.text) : nameToken.text;
  if (!ops.has(reader.peek().kind)) {
    if (kind === STRING) return new Matcher('=', METRIC_NAME, name);
    throw reader.unexpectedIn(WHERE, 'label matching operator');
  }
  const op = reader.take().kind as MatcherOp;
  const value = unquote(reader.expect(STRING, WHERE, 'string').text);
  try {
    return new Matcher(op, name, value);
  } catch (thrown) {
    throw reader.mistake(nameToken.start, messageOf(thrown).replace('`(?s)', '`'));
  }
}
