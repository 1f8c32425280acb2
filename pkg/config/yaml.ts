// Strict YAML: a key twice is a mistake, and only the first document of a text counts.

import { parseAllDocuments } from 'yaml';
import { Fault } from '../errors/fault.ts';
import { parseShape, type Shape } from './shape.ts';

export interface YamlOptions {
  /** Leaves every scalar but null as the text it was written as: for lists of names, where `n` is no truth value. */
  readonly keepsText?: boolean;
}

/**
 * The first document as plain values; undefined when there is none or it is empty. Throws `invalid` with line and column.
 * Aliases are limited, so that a short text cannot grow into a large value.
 */
export function parseYaml(text: string, { keepsText = false }: YamlOptions = {}): unknown {
  const documents = parseAllDocuments(text, {
    uniqueKeys: true,
    prettyErrors: false,
    version: '1.1',
    ...(keepsText ? { schema: 'failsafe', customTags: ['null'] } : {}),
  });
  const first = Array.isArray(documents) ? documents[0] : undefined;
  if (first === undefined) return undefined;
  const failure = first.errors[0];
  if (failure !== undefined) {
    const before = text.slice(0, failure.pos[0]).split('\n');
    throw new Fault(
      'invalid',
      `YAML line ${before.length} column ${before[before.length - 1].length + 1}: ${failure.message}`,
    );
  }
  try {
    const value: unknown = first.toJS({ maxAliasCount: 100 });
    return value === null ? undefined : value;
  } catch (thrown) {
    throw new Fault('invalid', `YAML: ${thrown instanceof Error ? thrown.message : String(thrown)}`, { cause: thrown });
  }
}

/** The first document in that shape. */
export function parseYamlAs<T>(shape: Shape<T>, text: string): T {
  return parseShape(shape, parseYaml(text) ?? {});
}
