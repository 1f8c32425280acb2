// Remarks on a query that are no failures: warnings and infos, each with the place in the expression it is about.

/** At most this many of each kind are printed. */
const MOST_PRINTED = 10;

export class Annotations {
  readonly #expression: string;
  /** From text to position. A text is kept once, with the last place it is about. */
  readonly #warnings = new Map<string, number>();
  readonly #infos = new Map<string, number>();

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

  /** Texts that end in `(line:column)`; the eleventh and further ones are only counted. */
  get warnings(): string[] {
    return this.#printed(this.#warnings, 'warning');
  }

  get infos(): string[] {
    return this.#printed(this.#infos, 'info');
  }

  #printed(entries: ReadonlyMap<string, number>, kind: string): string[] {
    const texts = [...entries].map(([message, position]) => `${message} (${place(this.#expression, position)})`);
    if (texts.length <= MOST_PRINTED) return texts;
    const omitted = texts.length - MOST_PRINTED;
    return [...texts.slice(0, MOST_PRINTED), `${omitted} more ${kind} annotations omitted`];
  }
}

function add(into: Map<string, number>, message: string, position: number): void {
  into.set(message, Math.max(position, into.get(message) ?? 0));
}

/** Line and column, both from 1, of a byte offset; columns count bytes. */
function place(expression: string, position: number): string {
  const before = new TextEncoder().encode(expression).subarray(0, position);
  const lineStart = before.lastIndexOf(10) + 1;
  const line = before.reduce((count, byte) => count + Number(byte === 10), 1);
  return `${line}:${position - lineStart + 1}`;
}
