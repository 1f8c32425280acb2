// Expressions that mean something over the series of random-series.ts, drawn at random. The same seed gives the same ones.

import { seeded } from '../../pkg/promql/parser/random-text.ts';

const LABELS = ['x', 'y', 'le', 'z'];
const WINDOWS = ['30s', '1m', '2m', '5m', '7m30s', '20m', '1h'];
const SIMPLE_OVER_TIME = [
  'avg_over_time',
  'min_over_time',
  'max_over_time',
  'sum_over_time',
  'count_over_time',
  'last_over_time',
  'first_over_time',
  'present_over_time',
  'stddev_over_time',
  'stdvar_over_time',
  'mad_over_time',
  'ts_of_max_over_time',
  'ts_of_min_over_time',
  'ts_of_first_over_time',
  'ts_of_last_over_time',
];
const RATES = ['rate', 'increase', 'irate', 'delta', 'idelta', 'deriv', 'changes', 'resets'];
const OF_NUMBERS = [
  'abs',
  'ceil',
  'floor',
  'exp',
  'ln',
  'log2',
  'log10',
  'sqrt',
  'sgn',
  'sin',
  'cosh',
  'atan',
  'deg',
  'rad',
  'hour',
  'minute',
  'month',
  'day_of_year',
  'days_in_month',
  'timestamp',
];
const OF_HISTOGRAMS = ['histogram_count', 'histogram_sum', 'histogram_avg', 'histogram_stddev', 'histogram_stdvar'];
const FOLDS = ['sum', 'avg', 'min', 'max', 'count', 'group', 'stddev', 'stdvar'];
const MORE_OF_NUMBERS = [
  'cos',
  'tan',
  'asin',
  'acos',
  'sinh',
  'tanh',
  'asinh',
  'acosh',
  'atanh',
  'day_of_month',
  'day_of_week',
  'year',
  'start_timestamp',
];
const NAMES = ['m', 'm', 'm', 'n_total', 'n_total', 'n_total', 'b_bucket', 'h', 'odd', 'gone', 'mixed'];
const WIDE_NAMES = [...NAMES, 'i_total', 'gone', 'hf', 'hg', 'hn', 'hc'];
const WRITTEN_WINDOWS = [
  '1m + 1m',
  '2 * 1m30s',
  'step()',
  'step() * 3',
  'max_of(step(), 2m)',
  'min_of(5m, step() + 1m)',
  '-(-5m)',
  '1m ^ 1',
  '10m % 7m',
  'max_of(range(), 1m)',
  '150',
];
const FILLS = ['fill(0)', 'fill_left(1)', 'fill_right(-2)', 'fill_left(3) fill_right(0.5)', 'fill(NaN)'];
const EDGED = ['rate', 'increase', 'delta'];
const SCALARS = ['0', '1', '2', '-1', '0.5', '1e3', '3.7', 'NaN', 'Inf', '-Inf', '1e-3', '0.99', 'time()', 'pi()'];

export class RandomQueries {
  readonly #random: () => number;
  readonly #isWide: boolean;

  /** Wide: with what stands behind the reference's switches, and over the series that `wide` adds to a block. */
  constructor(seed: number, { wide = false }: { readonly wide?: boolean } = {}) {
    this.#random = seeded(seed);
    this.#isWide = wide;
  }

  /** A whole number from 0 up to and without `count`. */
  below(count: number): number {
    return Math.floor(this.#random() * count);
  }

  /** An instant vector, or now and then a scalar. */
  next(): string {
    return this.#chance(0.04) ? this.#scalar(3) : this.#vector(1 + this.below(4));
  }

  /** What only an instant query can give: samples of a window, or a string. */
  nextWindow(): string {
    if (this.#chance(0.1)) return this.#one(['"a string"', "'\\u00e9'", '`raw\\n`']);
    return this.#chance(0.6)
      ? `${this.#selector()}[${this.#window()}]${this.#moved()}`
      : this.#subquery(1 + this.below(3));
  }

  #one<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)];
  }

  #chance(probability: number): boolean {
    return this.#random() < probability;
  }

  #vector(depth: number): string {
    if (depth <= 0) return this.#leaf();
    const v = (): string => this.#vector(depth - 1);
    const s = (): string => this.#scalar(depth - 1);
    if (this.#isWide && this.#chance(0.25)) return this.#wide(depth);
    const roll = this.below(100);
    if (roll < 8) return this.#leaf();
    if (roll < 24) return this.#windowed(depth);
    if (roll < 42) return `${this.#one(FOLDS)}${this.#grouping()} (${v()})`;
    // Which of equal values is picked depends on the order of the series, which the reference takes out of a map wherever
    // they do not come from the storage right away.
    if (roll < 47)
      return `${this.#one(['topk', 'bottomk', 'limitk'])}${this.#grouping()} (${this.#one(['1', '2', '3', '0', '5'])}, ${this.#fromStorage()})`;
    if (roll < 50)
      return `quantile${this.#grouping()} (${this.#one(['0.5', '0.9', '0', '1', '-1', '2', 'NaN'])}, ${v()})`;
    if (roll < 52) return `count_values${this.#grouping()} ("${this.#one(['v', 'x'])}", ${v()})`;
    if (roll < 66) return `(${v()}) ${this.#operator()} ${this.#matching()}(${v()})`;
    if (roll < 74)
      return this.#chance(0.5) ? `(${v()}) ${this.#operator()} ${s()}` : `${s()} ${this.#operator()} (${v()})`;
    if (roll < 78) return `(${v()}) ${this.#one(['and', 'or', 'unless'])} ${this.#on()}(${v()})`;
    if (roll < 84) return `${this.#one(OF_NUMBERS)}(${v()})`;
    if (roll < 86) return `-(${v()})`;
    if (roll < 88)
      return `${this.#one([`clamp(${v()}, ${s()}, ${s()})`, `clamp_min(${v()}, ${s()})`, `round(${v()}, ${this.#one(['1', '0.1', '5', '-3', '0'])})`])}`;
    if (roll < 91) return this.#quantile(v);
    if (roll < 93) return `${this.#one(OF_HISTOGRAMS)}(${this.#histogram(depth - 1)})`;
    if (roll < 94) return `histogram_fraction(${s()}, ${s()}, ${this.#histogram(depth - 1)})`;
    if (roll < 96)
      return `label_replace(${v()}, "${this.#one(LABELS)}", "$1${this.#one(['', 'q'])}", "${this.#one(LABELS)}", "${this.#one(['(.*)', '(.).*', 'nothing', '([0-9])'])}")`;
    if (roll < 97) return `label_join(${v()}, "${this.#one(LABELS)}", "-", "x", "y")`;
    if (roll < 98) return `${this.#one(['absent', 'sort', 'sort_desc'])}(${v()})`;
    return `${this.#one(['vector', 'vector'])}(${s()})`;
  }

  #wide(depth: number): string {
    const v = (): string => this.#vector(depth - 1);
    const s = (): string => this.#scalar(depth - 1);
    const w = (): string => this.#one(WINDOWS);
    const label = (): string => `"${this.#one(LABELS)}"`;
    const of = (names: readonly string[]): string => this.#one(names);
    return this.#one([
      () => `(${v()}) ${this.#operator()} ${this.#matching()}${of(FILLS)} (${v()})`,
      () => `(${v()}) ${this.#operator()} ${this.#matching()}${of(FILLS)} (${v()})`,
      () => `info(${this.#informed()}${this.#target()})`,
      () => `info(rate(i_total[${w()}])${this.#target()})`,
      () => `${of(EDGED)}(${this.#selector()}[${this.#window()}] anchored)`,
      () => `${of(EDGED)}(${this.#selector()}[${this.#window()}] smoothed)`,
      () => `${of(['changes', 'resets'])}(${this.#selector()}[${this.#window()}] anchored)`,
      () => `${this.#selector()} smoothed${this.#moved()}`,
      () => `limit_ratio${this.#grouping()} (${of(['0.5', '-0.5', '0.9', '0', '1', '-0.1'])}, ${this.#fromStorage()})`,
      () => `${of(['sort_by_label', 'sort_by_label_desc'])}(${v()}, ${label()}, ${label()})`,
      () => `histogram_quantiles(${this.#histogram(depth - 1)}, "${of(['q', 'x'])}", 0.5, ${of(['0.9', '0', '2'])})`,
      () => `${this.#histogram(depth - 1)} ${of(['</', '>/'])} ${of(['1', '0.3', '2.5', '-1', '0', 'Inf'])}`,
      () => `${of(MORE_OF_NUMBERS)}(${v()})`,
      () => `(${v()}) * ${of(['min_of', 'max_of'])}(${s()}, ${s()})`,
      () => `(${v()}) ${of(['+', '*'])} ${of(['start()', 'end()', 'step()', 'range()'])}`,
      () => `${of(OF_HISTOGRAMS)}(${this.#kept()})`,
      () => `histogram_quantile(${of(['0.5', '0.99', '0', '1'])}, ${this.#kept()})`,
      () => `histogram_fraction(${of(['-1', '0', '-Inf'])}, ${of(['0.5', '3', 'Inf'])}, ${this.#kept()})`,
      () => `${of(['sum', 'avg', 'count'])}${this.#grouping()} (${this.#kept()})`,
      () => `(${this.#kept()}) ${of(['+', '-', '==', '!=', '*'])} ${this.#on()}(${this.#kept()})`,
      () => `(${this.#kept()}) ${of(['*', '/'])} ${s()}`,
      () => this.#kept(),
    ])();
  }

  /** Histograms of every layout. */
  #kept(): string {
    const name = this.#one(['h', 'hf', 'hg', 'hn', 'hc', 'mixed']);
    const func = this.#one([
      '',
      'rate',
      'increase',
      'sum_over_time',
      'avg_over_time',
      'delta',
      'last_over_time',
      'irate',
    ]);
    return func === '' ? `${name}${this.#moved()}` : `${func}(${name}[${this.#window()}]${this.#moved()})`;
  }

  #informed(): string {
    return this.#one(['i_total', 'i_total{job="a"}', '{__name__=~"i_total|m"}', 'i_total offset 3m']);
  }

  #target(): string {
    const chosen = [
      '',
      '',
      ', {version=~".+"}',
      ', {env="prod"}',
      ', {__name__="build_info"}',
      ', {__name__=~".+_info", version=~".*"}',
      ', {nothing=""}',
      ', {version="v2"}',
    ];
    return this.#one(chosen);
  }

  #window(): string {
    return this.#one(this.#isWide && this.#chance(0.3) ? WRITTEN_WINDOWS : WINDOWS);
  }

  #fromStorage(): string {
    if (this.#chance(0.5)) return this.#leaf();
    const func = this.#one([...SIMPLE_OVER_TIME, 'rate', 'increase', 'delta']);
    return `${func}(${this.#selector()}[${this.#one(WINDOWS)}])`;
  }

  #quantile(v: () => string): string {
    const q = this.#one(['0.5', '0.9', '0.99', '0', '1', '1.5', '-0.1', 'NaN']);
    const inner = this.#one([
      () => `sum by (le) (rate(b_bucket[${this.#one(WINDOWS)}]))`,
      () => 'b_bucket',
      () => `rate(b_bucket{x="1"}[${this.#one(WINDOWS)}])`,
      () => `sum by (x) (rate(h[${this.#one(WINDOWS)}]))`,
      () => 'h',
      () => `rate(h[${this.#one(WINDOWS)}])`,
      v,
    ])();
    return `histogram_quantile(${q}, ${inner})`;
  }

  #histogram(depth: number): string {
    return this.#one([
      () => 'h',
      () => `rate(h[${this.#one(WINDOWS)}])`,
      () => `sum(rate(h[${this.#one(WINDOWS)}]))`,
      () =>
        `${this.#one(['sum_over_time', 'avg_over_time', 'last_over_time', 'increase', 'delta', 'irate'])}(h[${this.#one(WINDOWS)}])`,
      () => `h * ${this.#scalar(1)}`,
      () => this.#vector(Math.max(0, depth - 1)),
    ])();
  }

  #windowed(depth: number): string {
    const roll = this.below(20);
    const matrix = this.#chance(0.75)
      ? `${this.#selector()}[${this.#window()}]${this.#moved()}`
      : this.#subquery(depth);
    if (roll < 8) return `${this.#one(SIMPLE_OVER_TIME)}(${matrix})`;
    if (roll < 16) return `${this.#one(RATES)}(${matrix})`;
    if (roll < 17) return `quantile_over_time(${this.#one(['0.5', '0.9', '0', '2', '-1'])}, ${matrix})`;
    if (roll < 18) return `predict_linear(${matrix}, ${this.#one(['60', '3600', '-60'])})`;
    if (roll < 19) return `double_exponential_smoothing(${matrix}, 0.3, 0.6)`;
    return `absent_over_time(${matrix})`;
  }

  #subquery(depth: number): string {
    const step = this.#one(['', '30s', '1m', '13s', '5m', ...(this.#isWide ? ['max_of(step(), 20s)', '10 * 3'] : [])]);
    return `(${this.#vector(Math.min(2, depth - 1))})[${this.#one(['2m', '5m', '20m'])}:${step}]${this.#moved()}`;
  }

  #leaf(): string {
    return this.#selector() + this.#moved();
  }

  #selector(): string {
    const name = this.#one(this.#isWide ? WIDE_NAMES : NAMES);
    const matchers: string[] = [];
    if (this.#chance(0.3)) matchers.push(`x${this.#one(['="1"', '!="1"', '=~"1|2"', '!~"2|3"', '=""', '=~".+"'])}`);
    if (this.#chance(0.15)) matchers.push(`y${this.#one(['="a"', '!="a"', '=~"a|"', '=~"b"'])}`);
    // No histograms among several names: where a float and a histogram collide, the reference keeps both.
    if (this.#chance(0.03))
      return `{__name__=~"${this.#one(['m|n_total', 'm|gone', 'odd|gone', 'm|b_bucket'])}"${matchers.length > 0 ? `,${matchers.join(',')}` : ''}}`;
    return matchers.length > 0 ? `${name}{${matchers.join(',')}}` : name;
  }

  #moved(): string {
    const offsets = ['1m', '7m', '-2m', '33s', ...(this.#isWide ? ['step()', '(1m + 3s)', '-(2 * 1m)', '0.5'] : [])];
    const offset = this.#chance(0.08) ? ` offset ${this.#one(offsets)}` : '';
    const at = this.#chance(0.05) ? ` @ ${this.#one(['start()', 'end()', '1718670000', '1718671111.5'])}` : '';
    return at + offset;
  }

  #scalar(depth: number): string {
    if (depth > 0 && this.#chance(0.12)) return `scalar(${this.#vector(depth - 1)})`;
    if (depth > 0 && this.#chance(0.1))
      return `(${this.#scalar(depth - 1)} ${this.#one(['+', '-', '*', '/', '%', '^', 'atan2', '> bool'])} ${this.#scalar(depth - 1)})`;
    return this.#one(SCALARS);
  }

  #operator(): string {
    if (this.#chance(0.3)) return this.#one(['==', '!=', '>', '<', '>=', '<=']) + (this.#chance(0.5) ? ' bool' : '');
    return this.#one(['+', '-', '*', '/', '%', '^', 'atan2']);
  }

  #on(): string {
    const roll = this.below(10);
    if (roll < 6) return '';
    return `${this.#one(['on', 'ignoring'])} (${this.#labels()}) `;
  }

  #matching(): string {
    const on = this.#on();
    if (on === '' || this.#chance(0.5)) return on;
    return `${on}${this.#one(['group_left', 'group_right'])} (${this.#chance(0.3) ? this.#one(['z', 'y']) : ''}) `;
  }

  #grouping(): string {
    const roll = this.below(10);
    if (roll < 3) return '';
    return ` ${roll < 8 ? 'by' : 'without'} (${this.#labels()})`;
  }

  #labels(): string {
    return LABELS.slice(0, 3)
      .filter(() => this.#chance(0.5))
      .join(', ');
  }
}
