// Label matchers: =, !=, =~, !~. An absent label is matched as the empty string.

import { type AnchoredRegexp, compileAnchored } from './regexp.ts';

export type MatcherOp = '=' | '!=' | '=~' | '!~';

export class Matcher {
  readonly name: string;
  readonly op: MatcherOp;
  readonly value: string;
  /** Only for `=~` and `!~`. */
  readonly regexp: AnchoredRegexp | undefined;

  /** Throws `invalid` with the reference's `error parsing regexp: ...` when the expression is not RE2. */
  constructor(op: MatcherOp, name: string, value: string) {
    this.op = op;
    this.name = name;
    this.value = value;
    this.regexp = op === '=~' || op === '!~' ? compileAnchored(value) : undefined;
  }

  matches(value: string): boolean {
    switch (this.op) {
      case '=':
        return value === this.value;
      case '!=':
        return value !== this.value;
      case '=~':
        return this.regexp!.test(value);
      case '!~':
        return !this.regexp!.test(value);
    }
  }

  /** Whether series without the label are selected. */
  get matchesEmpty(): boolean {
    return this.matches('');
  }

  /** As PromQL prints it: `job=~"a|b"`. */
  toString(): string {
    return `${this.name}${this.op}${JSON.stringify(this.value)}`;
  }
}
