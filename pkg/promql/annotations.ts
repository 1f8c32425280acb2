// Remarks on a query that are no failures: warnings and infos, each with the place in the expression it is about.

import { printG, printTwoDigits } from './functions/go-format.ts';

/** At most this many of each kind are printed. */
const MOST_PRINTED = 10;

/** How large what a remark is about was. Remarks of one text are one, with the sizes of all of them. */
export interface RemarkSizes {
  readonly firstBound: number;
  readonly lastBound: number;
  readonly most: number;
  readonly count: number;
  readonly fromMs: number;
  readonly toMs: number;
}

export class Annotations {
  readonly #expression: string;
  /** From text to position. A text is kept once, with the last place it is about. */
  readonly #warnings = new Map<string, number>();
  readonly #infos = new Map<string, number>();
  readonly #sizes = new Map<string, RemarkSizes>();

  /** `expression` is the query's text; positions are byte offsets into its UTF-8 form. */
  constructor(expression: string) {
    this.#expression = expression;
  }

  warn(message: string, position: number): void {
    add(this.#warnings, `PromQL warning: ${message}`, position);
  }

  info(message: string, position: number): void {
    add(this.#infos, `PromQL info: ${message}`, position);
  }

  /** The same with sizes, which stand behind the text; the first place it is about is kept. */
  infoOf(message: string, position: number, sizes: RemarkSizes): void {
    const text = `PromQL info: ${message}`;
    const before = this.#sizes.get(text);
    if (before === undefined) this.#infos.set(text, position);
    this.#sizes.set(text, before === undefined ? sizes : together(before, sizes));
  }

  /** Texts that end in `(line:column)`; the eleventh and further ones are only counted. */
  get warnings(): string[] {
    return this.#printed(this.#warnings, 'warning');
  }

  get infos(): string[] {
    return this.#printed(this.#infos, 'info');
  }

  #printed(entries: ReadonlyMap<string, number>, kind: string): string[] {
    const texts = [...entries].map(([message, position]) => {
      const sizes = this.#sizes.get(message);
      return `${message}${sizes === undefined ? '' : print(sizes)} (${place(this.#expression, position)})`;
    });
    if (texts.length <= MOST_PRINTED) return texts;
    const omitted = texts.length - MOST_PRINTED;
    return [...texts.slice(0, MOST_PRINTED), `${omitted} more ${kind} annotations omitted`];
  }
}

function add(into: Map<string, number>, message: string, position: number): void {
  into.set(message, Math.max(position, into.get(message) ?? 0));
}

function together(a: RemarkSizes, b: RemarkSizes): RemarkSizes {
  return {
    firstBound: Math.min(a.firstBound, b.firstBound),
    lastBound: Math.max(a.lastBound, b.lastBound),
    most: Math.max(a.most, b.most),
    count: a.count + b.count,
    fromMs: Math.min(a.fromMs, b.fromMs),
    toMs: Math.max(a.toMs, b.toMs),
  };
}

function print({ firstBound, lastBound, most, count, fromMs, toMs }: RemarkSizes): string {
  const buckets = `from buckets ${printG(firstBound)} to ${printG(lastBound)}`;
  const time = (ms: number): string => new Date(Math.floor(ms / 1000) * 1000).toISOString().replace('.000Z', 'Z');
  const samples = `over ${count} samples from ${time(fromMs)} to ${time(toMs)}`;
  return `, ${buckets}, with a max diff of ${printTwoDigits(most)}, ${samples}`;
}

/** Line and column, both from 1, of a byte offset; columns count bytes. */
function place(expression: string, position: number): string {
  const before = new TextEncoder().encode(expression).subarray(0, position);
  const lineStart = before.lastIndexOf(10) + 1;
  const line = before.reduce((count, byte) => count + Number(byte === 10), 1);
  return `${line}:${position - lineStart + 1}`;
}
