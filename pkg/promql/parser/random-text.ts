// Random expressions for tests: well-formed ones, and broken ones made from them. The same seed gives the same texts.

/** Numbers from 0 up to and without 1, as good as tests need. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Draws expressions that parse, with every switch of the language on. */
export class RandomText {
  readonly #random: () => number;

  constructor(seed: number) {
    this.#random = seeded(seed);
  }

  /** An expression of any type. */
  expression(): string {
    return this.#one<() => string>([
      () => this.#vector(4),
      () => this.#vector(4),
      () => this.#vector(5),
      () => this.#scalar(3),
      () => this.#matrix(3),
    ])();
  }

  /** An expression with some characters taken out, doubled, moved or put in: mostly one that does not parse. */
  broken(): string {
    let text = this.expression();
    const changes = 1 + Math.floor(this.#random() * 2);
    for (let i = 0; i < changes; i++) {
      const at = Math.floor(this.#random() * (text.length + 1));
      const size = 1 + Math.floor(this.#random() * 5);
      text = this.#one([
        () => text.slice(0, at) + text.slice(at + size),
        () => text.slice(0, at) + this.#one(fragments) + text.slice(at),
        () => text.slice(0, at) + this.#one(fragments) + text.slice(at + size),
        () => text.slice(0, at) + text.slice(at, at + size).repeat(2) + text.slice(at + size),
        () => text.slice(0, at),
      ])();
    }
    return text;
  }

  #one<T>(choices: readonly T[]): T {
    return choices[Math.floor(this.#random() * choices.length)];
  }

  #chance(probability: number): boolean {
    return this.#random() < probability;
  }

  #vector(depth: number): string {
    if (depth <= 0) return this.#selector() + this.#modifiers();
    const v = (): string => this.#vector(depth - 1 - Math.floor(this.#random() * 2));
    const s = (): string => this.#scalar(depth - 2);
    const m = (): string => this.#matrix(depth - 1);
    return this.#one<() => string>([
      () => this.#selector() + this.#modifiers(),
      () => `${v()} ${this.#one(arithmetic)} ${this.#matching()}${v()}`,
      () => `${v()} ${this.#one(arithmetic)} ${s()}`,
      () => `${s()} ${this.#one(comparisons)} ${this.#chance(0.3) ? 'bool ' : ''}${v()}`,
      () => `${v()} ${this.#one(['and', 'or', 'unless'])} ${this.#chance(0.3) ? `on(${this.#labels()}) ` : ''}${v()}`,
      () => `${this.#one(aggregations)}${this.#grouping()}(${v()})`,
      () => `${this.#one(aggregations)}(${v()})${this.#grouping()}`,
      () => `${this.#one(['topk', 'bottomk', 'quantile', 'limitk', 'limit_ratio'])}${this.#grouping()}(${s()}, ${v()})`,
      () => `count_values("${this.#one(labelNames)}", ${v()})`,
      () => `${this.#one(rangeFunctions)}(${m()})`,
      () => `${this.#one(vectorFunctions)}(${v()})`,
      () => `clamp(${v()}, ${s()}, ${s()})`,
      () => `histogram_quantile(${s()}, ${v()})`,
      () => `histogram_quantiles(${v()}, "q", ${s()}, ${s()})`,
      () => `label_replace(${v()}, "a", "$1", "b", "(.*)")`,
      () => `sort_by_label(${v()}, "a", 'b')`,
      () => `info(${v()}, {a="b"})`,
      () => `quantile_over_time(${s()}, ${m()})`,
      () => `vector(${s()})`,
      () => `(${v()})`,
      () => `-${v()}`,
      () => `+${v()}`,
    ])();
  }

  #scalar(depth: number): string {
    if (depth <= 0) return this.#one(numbers);
    const s = (): string => this.#scalar(depth - 1);
    return this.#one<() => string>([
      () => this.#one(numbers),
      () => this.#one(['time()', 'pi()', 'start()', 'end()', 'step()', 'range()']),
      () => `scalar(${this.#vector(depth - 1)})`,
      () => `${this.#one(['min_of', 'max_of'])}(${s()}, ${s()})`,
      () => `${s()} ${this.#one(arithmetic)} ${s()}`,
      () => `${s()} ${this.#one(comparisons)} bool ${s()}`,
      () => `(${s()})`,
      () => `-${s()}`,
    ])();
  }

  #matrix(depth: number): string {
    if (this.#chance(0.7)) return `${this.#selector()}[${this.#duration(2)}]${this.#modifiers()}`;
    const step = this.#chance(0.5) ? this.#duration(1) : '';
    const inner = this.#chance(0.5) ? `(${this.#vector(depth - 1)})` : `rate(${this.#selector()}[5m])`;
    return `${inner}[${this.#one(['5m', '1h', '10m', '30s*4'])}:${step}]${this.#time()}`;
  }

  #selector(): string {
    const name = this.#one(metricNames);
    if (this.#chance(0.5)) return name;
    const matchers = Array.from({ length: 1 + Math.floor(this.#random() * 3) }, () => {
      const label = this.#one([...labelNames, '"a.b"', '"ü"']);
      return label + this.#one(['=', '!=', '=~', '!~']) + this.#one(['"x"', "'y|z'", '`.+`', '"q\\"uote"', '"日本"']);
    });
    return this.#chance(0.2) ? `{"m.etric", ${matchers.join(', ')}}` : `${name}{${matchers.join(',')}}`;
  }

  #modifiers(): string {
    const edge = this.#chance(0.1) ? this.#one([' anchored', ' smoothed']) : '';
    return this.#chance(0.5) ? edge + this.#time() : this.#time() + edge;
  }

  #time(): string {
    const at = this.#chance(0.15) ? this.#one([' @ 100', ' @ 1.5', ' @ -3', ' @ start()', ' @ end()']) : '';
    const offset = this.#chance(0.2) ? ` offset ${this.#offset()}` : '';
    return this.#chance(0.5) ? at + offset : offset + at;
  }

  #offset(): string {
    return this.#one([
      '5m',
      '-1h',
      '90',
      '1.5',
      '(5m * 2)',
      '-(1m)',
      'step()',
      '-min_of(step(), 5m)',
      '+max_of(1, range())',
    ]);
  }

  #duration(depth: number): string {
    if (depth <= 0 || this.#chance(0.6)) return this.#one(['5m', '1h30m', '300', '1d', '90s', '1500ms', '1w2d', '0.5']);
    const d = (): string => this.#duration(depth - 1);
    return this.#one([
      () => `${d()} ${this.#one(['+', '*', '/', '%', '^'])} ${d()}`,
      () => `(${d()})`,
      () => `${this.#one(['step', 'range'])}() + ${d()}`,
      () => `${this.#one(['min_of', 'max_of'])}(${d()}, ${d()})`,
      () => `1d - ${d()}`,
      () => `1d + -${d()}`,
    ])();
  }

  #grouping(): string {
    if (this.#chance(0.4)) return '';
    return ` ${this.#one(['by', 'without'])} (${this.#labels()}) `;
  }

  #labels(): string {
    return Array.from({ length: Math.floor(this.#random() * 3) }, () => this.#one([...labelNames, '"c d"'])).join(', ');
  }

  #matching(): string {
    const fill = this.#chance(0.1)
      ? this.#one(['fill(0) ', 'fill_left(1.5) ', 'fill_right(-2) ', 'fill_left(1) fill_right(2) '])
      : '';
    if (this.#chance(0.6)) return fill;
    const side = this.#chance(0.3) ? `${this.#one(['group_left', 'group_right'])}(x) ` : '';
    return `${this.#one(['on', 'ignoring'])}(a, b) ${side}${fill}`;
  }
}

const metricNames = [
  'up',
  'http_requests_total',
  'a:b:c',
  'x',
  'sum',
  'offset',
  'step',
  'fill',
  'node_cpu_seconds_total',
];
const labelNames = ['a', 'b', 'job', 'instance', 'le', 'by', 'start'];
const numbers = [
  '1',
  '0.5',
  '-3',
  '1e10',
  '0x1F',
  '1_000',
  '.5',
  'Inf',
  'NaN',
  '5m',
  '1h30m',
  '1e-9',
  '123456789012345678901234',
];
const arithmetic = ['+', '-', '*', '/', '%', '^', 'atan2'];
const comparisons = ['==', '!=', '>', '<', '>=', '<='];
const aggregations = ['sum', 'avg', 'min', 'max', 'count', 'group', 'stddev', 'stdvar'];
const rangeFunctions = [
  'rate',
  'increase',
  'delta',
  'sum_over_time',
  'changes',
  'absent_over_time',
  'mad_over_time',
  'last_over_time',
];
const vectorFunctions = [
  'abs',
  'ceil',
  'sort',
  'absent',
  'histogram_avg',
  'hour',
  'timestamp',
  'round',
  'start_timestamp',
];
const fragments = [
  '(',
  ')',
  '{',
  '}',
  '[',
  ']',
  ',',
  '"',
  '`',
  '@',
  'offset',
  ' by ',
  ' on ',
  'bool',
  ':',
  '==',
  '=~',
  '!',
  '</',
  '>/',
  '$',
  '#',
  '\n',
  '5m',
  '1.5h',
  '0x',
  '1e',
  'sum',
  ' and ',
  'fill(',
  'anchored',
  'smoothed',
  'start()',
  'step()',
  'min_of(',
  '\\q',
  'é',
  '-',
  '^',
  '1',
  ' x ',
  '""',
];
