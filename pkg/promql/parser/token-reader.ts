// One token of look-ahead, and error texts. The reference's parser is generated: at a mistake it falls back to the
// innermost unfinished construct that has an error text of its own. `context` is that construct.

import type { Fault } from '../../errors/fault.ts';
import { Lexer } from './lexer.ts';
import { fromByteString, parseFault, toByteString } from './source.ts';
import { describe, type Token } from './tokens.ts';

export interface ErrorContext {
  readonly where: string;
  readonly expected: string;
}

const nowhere: ErrorContext = { where: '', expected: '' };

export class TokenReader {
  readonly #lexer: Lexer;
  #ahead: Token | undefined;
  #context = nowhere;
  /** Where the last token taken ends, in bytes. */
  lastEnd = 0;

  constructor(text: string) {
    this.#lexer = new Lexer(toByteString(text));
  }

  /** One character a byte. */
  get source(): string {
    return this.#lexer.source;
  }

  peek(): Token {
    this.#ahead ??= this.#lexer.next();
    return this.#ahead;
  }

  take(): Token {
    const token = this.peek();
    this.#ahead = undefined;
    this.lastEnd = token.end;
    return token;
  }

  /** Takes the next token when it is of this kind. */
  accept(kind: string): Token | undefined {
    return this.peek().kind === kind ? this.take() : undefined;
  }

  /** Takes a token of this kind, or fails in the current context or the one given. */
  expect(kind: string, where?: string, expected?: string): Token {
    if (this.peek().kind !== kind) throw where === undefined ? this.unexpected() : this.unexpectedIn(where, expected!);
    return this.take();
  }

  /** Runs `work` with `context` as the place that mistakes are reported from. */
  within<T>(context: ErrorContext, work: () => T): T {
    const outer = this.#context;
    this.#context = context;
    const result = work();
    this.#context = outer;
    return result;
  }

  /** The next token does not fit; reported from the current context. */
  unexpected(): Fault {
    return this.unexpectedIn(this.#context.where, this.#context.expected);
  }

  unexpectedIn(where: string, expected: string): Fault {
    const token = this.peek();
    const what = describe(token.kind, fromByteString(token.text));
    const place = where === '' ? '' : ` in ${where}`;
    const hope = expected === '' ? '' : `, expected ${expected}`;
    return this.mistake(token.start, `unexpected ${what}${place}${hope}`);
  }

  /** A mistake at byte `at`. */
  mistake(at: number, message: string): Fault {
    return parseFault(this.source, at, message);
  }
}
