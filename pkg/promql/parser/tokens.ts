// Token kinds, keywords and the precedence of operators.

import type { AggregateOp, BinaryOp } from './ast.ts';
import { quote } from './quote.ts';

/**
 * Punctuation and operators are their own kind (`'('`, `'=='`), keywords are themselves in lower case (`'by'`,
 * `'sum'`), and the rest is named here.
 */
export type TokenKind = string;

export const IDENTIFIER = 'IDENTIFIER';
/** An identifier with a colon in it: only a metric name can have one. */
export const METRIC_IDENTIFIER = 'METRIC_IDENTIFIER';
export const STRING = 'STRING';
export const NUMBER = 'NUMBER';
export const DURATION = 'DURATION';
export const END = 'END';

export interface Token {
  readonly kind: TokenKind;
  /** UTF-8 byte offsets, `end` exclusive. */
  readonly start: number;
  readonly end: number;
  /** As written, one character a byte. */
  readonly text: string;
}

export const aggregateOps: ReadonlySet<string> = new Set<AggregateOp>([
  'sum',
  'avg',
  'count',
  'min',
  'max',
  'group',
  'stddev',
  'stdvar',
  'topk',
  'bottomk',
  'count_values',
  'quantile',
  'limitk',
  'limit_ratio',
]);

/** Aggregations behind the experimental flag. */
export const experimentalAggregateOps: ReadonlySet<string> = new Set<AggregateOp>(['limitk', 'limit_ratio']);

/** Aggregations with a parameter before the vector. */
export const parameterOps: ReadonlySet<string> = new Set<AggregateOp>([
  'topk',
  'bottomk',
  'count_values',
  'quantile',
  'limitk',
  'limit_ratio',
]);

/** Binds tighter the higher it is. Unary operators bind as `*` does. */
export const precedence: ReadonlyMap<string, number> = new Map<BinaryOp, number>([
  ['or', 1],
  ['and', 2],
  ['unless', 2],
  ['==', 3],
  ['!=', 3],
  ['>', 3],
  ['<', 3],
  ['>=', 3],
  ['<=', 3],
  ['</', 3],
  ['>/', 3],
  ['+', 4],
  ['-', 4],
  ['*', 5],
  ['/', 5],
  ['%', 5],
  ['atan2', 5],
  ['^', 6],
]);

export const UNARY_PRECEDENCE = 5;

export const comparisonOps: ReadonlySet<string> = new Set<BinaryOp>(['==', '!=', '>', '<', '>=', '<=']);
export const setOps: ReadonlySet<string> = new Set<BinaryOp>(['and', 'or', 'unless']);

const modifiers = [
  'by',
  'without',
  'on',
  'ignoring',
  'group_left',
  'group_right',
  'bool',
  'offset',
  'anchored',
  'smoothed',
  'start',
  'end',
  'step',
  'range',
  'min_of',
  'max_of',
];

/** Modifiers where an opening parenthesis follows, plain identifiers elsewhere. */
export const fillWords: ReadonlySet<string> = new Set(['fill', 'fill_left', 'fill_right']);

/** Words with a meaning of their own, in lower case; anywhere but in a name's place they are not identifiers. */
export const keywords: ReadonlySet<string> = new Set([
  ...aggregateOps,
  ...modifiers,
  ...fillWords,
  'atan2',
  'and',
  'or',
  'unless',
]);

/** Keywords that call a function when an opening parenthesis follows. */
export const functionWords: ReadonlySet<string> = new Set(['start', 'end', 'step', 'range', 'min_of', 'max_of']);

/** Keywords that cannot be a metric name. */
export const notNames: ReadonlySet<string> = new Set(['atan2', 'bool', 'on', 'ignoring', 'group_left', 'group_right']);

/** A keyword or identifier, as opposed to a number, string or punctuation. */
export function isWord(kind: TokenKind): boolean {
  return kind === IDENTIFIER || kind === METRIC_IDENTIFIER || keywords.has(kind);
}

const described: Readonly<Record<string, string>> = {
  [IDENTIFIER]: 'identifier',
  [METRIC_IDENTIFIER]: 'metric identifier',
  [STRING]: 'string',
  [NUMBER]: 'number',
  [DURATION]: 'duration',
};

const bracketed: ReadonlySet<string> = new Set([
  'by',
  'without',
  'on',
  'ignoring',
  'group_left',
  'group_right',
  'bool',
  'offset',
  'anchored',
  'smoothed',
  ...fillWords,
]);

/** What messages call an operator besides the binary ones. */
const otherOperators: ReadonlySet<string> = new Set(['@', '=~', '!~']);

/** How error messages call a token: `identifier "foo"`, `<aggr:sum>`. `text` is as written. */
export function describe(kind: TokenKind, text: string): string {
  if (kind === END) return 'end of input';
  if (aggregateOps.has(kind)) return `<aggr:${text}>`;
  if (precedence.has(kind) || otherOperators.has(kind)) return `<op:${text}>`;
  if (bracketed.has(kind)) return `<${text}>`;
  const runes = [...text];
  const short = runes.length <= 10 || kind === IDENTIFIER || kind === METRIC_IDENTIFIER;
  const quoted = !short ? `${quote(runes.slice(0, 10).join(''))}...` : quote(text);
  return described[kind] === undefined ? quoted : `${described[kind]} ${quoted}`;
}
