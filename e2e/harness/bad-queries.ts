// Queries that cannot be answered, over the series of random-series.ts with what `wide` adds. Parameters of requests are
// here only where their refusal is the language's; the others have the words of a Thanos querier.

import { BLOCK_END_MS, BLOCK_START_MS } from './random-series.ts';

export interface BadQuery {
  readonly what: string;
  readonly path: 'query' | 'query_range' | 'format_query' | 'parse_query' | 'series' | 'labels';
  readonly parameters: Readonly<Record<string, string>>;
  /** Where the answer is not the reference's: what it is, and why. */
  readonly own?: Own;
}

export interface Own {
  readonly status: number;
  /** Undefined for what is answered. */
  readonly errorType: string | undefined;
  readonly error: RegExp;
  readonly why: string;
  /** The reference takes gigabytes until it has found out, or is killed: it is not asked. */
  readonly endsReference?: boolean;
}

const tooManySamples = {
  status: 422,
  errorType: 'execution',
  error: /would load too many samples into memory in query execution: it holds \d+, and may hold \d+\. To narrow it: /,
  why: 'says how many, and how to narrow it',
} as const;

const owns: ReadonlyMap<string, Own> = new Map<string, Own>([
  ['the text sum_over_time(vector(1)[30y:1s])', { ...tooManySamples, endsReference: true }],
  ['the text sum_over_time(vector(1)[292y:1ms])', { ...tooManySamples, endsReference: true }],
  [
    'the text ((((((((((((... of 1000000 characters',
    {
      status: 400,
      errorType: 'bad_data',
      error: /^1:1001: parse error: expression is nested too deeply$/,
      why: 'ends where nesting gets too deep for a stack, before the rest is read',
    },
  ],
]);

const MEGABYTE = 1_000_000;
const range = { start: String(BLOCK_START_MS / 1000), end: String(BLOCK_END_MS / 1000), step: '60' };

/** Refused by the parser, or by the check of its types. */
const texts: readonly string[] = [
  '',
  '   ',
  '# only a comment',
  'm{',
  'm{x',
  'm{x=',
  'm{x=1}',
  'm{x="1"',
  'm{x="1}',
  'm}',
  '(m',
  'm)',
  'm[5m',
  'm[]',
  'm[5]m',
  'm[0]',
  'm[-5m]',
  'm[5m:-1m]',
  'm[5m][5m]',
  'm[5y5y]',
  'm[1x]',
  'm[99999999999y]',
  'm[1e30]',
  'm offset 99999999999y',
  'm offset',
  'm offset x',
  'm offset 5m offset 5m',
  'm @',
  'm @ NaN',
  'm @ Inf',
  'm @ -Inf',
  'm @ 1e30',
  'm @ start',
  'm @ 5 @ 6',
  '5 offset 1m',
  '(m) @ 5',
  '{}',
  '{x=~".*"}',
  '{x!="a"}',
  '{x=""}',
  'm{__name__="n"}',
  '{"m", "n"}',
  'm{x=~"("}',
  'm{x=~"a{2,1}"}',
  'm{x=~"\\\\p{Nope}"}',
  'm{x=~"(?=a)"}',
  'm{x=~"(a{1000}){1000}"}',
  'nothing(m)',
  'RATE(m[5m])',
  'rate(m)',
  'rate(5)',
  'rate(m[5m], 2)',
  'rate()',
  'abs(m[5m])',
  'abs("x")',
  'abs(5)',
  'sum(5)',
  'sum("x")',
  'sum(m[5m])',
  'sum()',
  'sum(m, m)',
  'topk(m)',
  'topk(m, m)',
  'topk("x", m)',
  'quantile("x", m)',
  'count_values(5, m)',
  'count_values("x")',
  'sum by (x (m)',
  'sum by x (m)',
  'sum by (5) (m)',
  'sum without (x) by (y) (m)',
  'label_replace(m, "x", "$1", "y")',
  'label_join(m)',
  'label_join(m, 5, "x")',
  'time(5)',
  'vector(m)',
  'scalar(5)',
  'round(m, 1, 2)',
  'clamp(m, 1)',
  'histogram_quantile(m)',
  'quantile_over_time(0.5, m)',
  'absent(5)',
  'm + "x"',
  '"x" + "x"',
  'm[5m] + m[5m]',
  '-"x"',
  '-m[5m]',
  '1 == 1',
  '1 and 1',
  'm and 1',
  'm and bool m',
  'm + bool m',
  '1 + on (x) 1',
  'm + on (x) 1',
  'm and on (x) group_left m',
  'm + on (x) group_left (x) m',
  'm + group_left m',
  'm + on m',
  'm fill(0) + m',
  'm and fill(0) m',
  'm +',
  '+',
  '* m',
  'm ** m',
  'm =~ m',
  'm = m',
  'm ! m',
  'm <> m',
  '1 2',
  'm m',
  'm,m',
  '1..2',
  '0x',
  '1e',
  '1__0',
  '08m9',
  '5mm',
  '"\\q"',
  '"\\xff',
  "'a",
  '`a',
  'é',
  'm{é="1"}',
  '$m',
  'm; m',
  'm\n+\n  )',
  'info(m, m)',
  'info(m, {}[5m])',
  'info(5)',
  'm smoothed anchored',
  'changes(m[5m] smoothed)',
  'sum_over_time(m[5m] anchored)',
  'm anchored',
  'start(5)',
  'max_of(1)',
  'm[1m + ]',
  'm[step]',
  'm[1m / 0]',
  'm[1m % 0]',
  'm[1m - 2m]',
  'm[5m:1m - 1m]',
  'm offset (1m / 0)',
  `m${' '.repeat(MEGABYTE)}}`,
  `m{x="${'a'.repeat(MEGABYTE)}`,
  `${'1'.repeat(2000)}x`,
  `${'('.repeat(MEGABYTE)}`,
  `${'{x="'.repeat(MEGABYTE / 4)}`,
];

/** Refused as they are evaluated. */
const evaluated: readonly string[] = [
  'm + on (x) m',
  'm + on (x) n_total',
  'm{y="a"} + on (x) group_left m',
  'm + on (x) group_right m{y="a"}',
  'm * on (nothing) m',
  'm == on (x) m',
  'sum by (x) (m) + on (x) group_left (y) m',
  'm{y="a"} / ignoring (y) m',
  'label_replace(m, "x", "one", "y", ".*")',
  'label_replace(m, "", "$1", "x", ".*")',
  'label_replace(m, "\\xff", "$1", "x", ".*")',
  'label_replace(m, "z", "$1", "x", "(")',
  'label_replace(m, "z", "$1", "x", "(?=a)")',
  'label_join(m, "", ",", "x")',
  'label_join(m, "\\xff", ",", "x")',
  'label_join(m, "z", ",", "\\xff")',
  'label_join(m, "x", ",", "nothing")',
  'count_values("", m)',
  'count_values("\\xff", m)',
  'rate({__name__=~"m|n_total"}[5m])',
  '-{__name__=~"m|n_total"}',
  'abs({__name__=~"m|n_total"})',
  'last_over_time(label_replace(m, "x", "1", "", "")[5m:1m])',
  'topk(NaN, m)',
  'topk(1e30, m)',
  'limitk(NaN, m)',
  'limit_ratio(NaN, m)',
  'double_exponential_smoothing(m[5m], 0, 0.5)',
  'double_exponential_smoothing(m[5m], 1.5, 0.5)',
  'double_exponential_smoothing(m[5m], 0.5, -1)',
  'sort_by_label(m, "\\xff")',
  'sum_over_time(vector(1)[30y:1s])',
  'sum_over_time(vector(1)[292y:1ms])',
  'histogram_quantiles(h, "", 0.5)',
  'histogram_quantiles(h, "\\xff", 0.5)',
  'histogram_quantiles(h, "x", 0.5)',
  'info(m, {__name__="m"})',
];

const ofRanges: readonly (readonly [what: string, parameters: Readonly<Record<string, string>>])[] = [
  ['a step of 0', { ...range, step: '0' }],
  ['a step below 0', { ...range, step: '-15' }],
  ['a step of 0s', { ...range, step: '0s' }],
  ['11,001 steps', { ...range, end: String(Number(range.start) + 11_001), step: '1' }],
  ['a billion steps', { ...range, end: String(Number(range.start) + 1e9), step: '1' }],
  ['an end before the start', { ...range, start: range.end, end: range.start }],
  ['no start', { end: range.end, step: '60' }],
  ['no end', { start: range.start, step: '60' }],
  ['a start that is no time', { ...range, start: 'yesterday' }],
  ['an end that is no time', { ...range, end: 'tomorrow' }],
  ['a month 13', { ...range, start: '2024-13-01T00:00:00Z' }],
  ['a timeout that is no duration', { ...range, timeout: 'soon' }],
  ['a timeout below 0', { ...range, timeout: '-1s' }],
  ['a limit below 0', { ...range, limit: '-1' }],
];

const others: readonly BadQuery[] = [
  ...['m[5m]', '"x"', 'm[5m:1m]', '(m[5m])'].map((query) => ({
    what: `over a range: ${query}`,
    path: 'query_range' as const,
    parameters: { ...range, query },
  })),
  ...['m +', '', 'rate(m)'].flatMap((query) =>
    (['format_query', 'parse_query'] as const).map((path) => ({
      what: `${path} of ${query}`,
      path,
      parameters: { query },
    })),
  ),
  ...(['series', 'labels'] as const).map((path) => ({
    what: `${path} of m{`,
    path,
    parameters: { 'match[]': 'm{' },
  })),
  { what: 'series without match[]', path: 'series', parameters: {} },
];

function named(query: string): string {
  return query.length > 60 ? `${query.slice(0, 12)}... of ${query.length} characters` : query;
}

function withOwn(what: string, path: BadQuery['path'], parameters: BadQuery['parameters']): BadQuery {
  const own = owns.get(what);
  return { what, path, parameters, ...(own === undefined ? {} : { own }) };
}

export const badQueries: readonly BadQuery[] = [
  ...[...texts, ...evaluated].map((query) => withOwn(`the text ${named(query)}`, 'query', { query })),
  ...ofRanges.map(([what, parameters]) => withOwn(what, 'query_range', { query: 'm', ...parameters })),
  ...others.map(({ what, path, parameters }) => withOwn(what, path, parameters)),
];
