// Bytes that work in hand keeps in memory, counted where they are taken: a budget for the process, and of it a share for
// each query. Counting is by those who allocate; nothing here looks at the heap.

import { Fault } from '../errors/fault.ts';

/** Where one piece of work counts what it holds. */
export interface ByteAccount {
  readonly usedBytes: number;
  readonly peakBytes: number;
  /**
   * `bytes` more are about to be held. Throws `limit`, with the bytes counted all the same, when that is more than this
   * work or the whole process may hold: whoever closes the account gives everything back.
   */
  take(bytes: number): void;
  /** `bytes` of those taken are let go. */
  give(bytes: number): void;
}

export interface ByteBudgetConfig {
  /** For everything together; 0 sets no limit. */
  readonly totalBytes: number;
  /** For one account; 0 sets no limit. */
  readonly shareBytes: number;
}

/** Which of the two limits was met, in the facts of the Fault. */
export type BudgetScope = 'share' | 'total';

/** Hands out accounts and keeps their sum within the total. */
export class ByteBudget {
  readonly config: ByteBudgetConfig;
  readonly #open = new Set<ByteShare>();
  #used = 0;

  constructor(config: ByteBudgetConfig) {
    this.config = config;
  }

  get usedBytes(): number {
    return this.#used;
  }

  /**
   * An account for one piece of work. When all together take too much, the work that holds most is ended, so that small
   * work beside it goes on: `end` is called with the Fault, once, unless the account is the one that just asked, which is
   * thrown to instead. Close the account in `finally`.
   */
  open(end: (why: Fault) => void): ByteShare {
    const share = new ByteShare(this, end);
    this.#open.add(share);
    return share;
  }

  /** For accounts only. */
  moved(share: ByteShare, bytes: number): void {
    this.#used += bytes;
    if (bytes > 0) this.#checkTotal(share);
  }

  /** For accounts only. */
  closed(share: ByteShare): void {
    this.#open.delete(share);
  }

  #checkTotal(asking: ByteShare): void {
    const { totalBytes } = this.config;
    if (totalBytes <= 0 || this.#used <= totalBytes) return;
    // What was ended already will be given back as soon as that work notices.
    let staying = 0;
    let largest = asking;
    for (const share of this.#open) {
      if (share.isEnded) continue;
      staying += share.usedBytes;
      if (share.usedBytes > largest.usedBytes) largest = share;
    }
    if (staying <= totalBytes) return;
    const others = this.#open.size - 1;
    const text = `all queries together hold ${staying} bytes, more than the ${totalBytes} bytes they may, and of ${others + 1} this one holds most, ${largest.usedBytes}`;
    const fault = budgetFault('total', text, largest.usedBytes, totalBytes);
    if (largest === asking) throw fault;
    largest.end(fault);
  }
}

class ByteShare implements ByteAccount {
  readonly #budget: ByteBudget;
  readonly #end: (why: Fault) => void;
  usedBytes = 0;
  peakBytes = 0;
  isEnded = false;

  constructor(budget: ByteBudget, end: (why: Fault) => void) {
    this.#budget = budget;
    this.#end = end;
  }

  take(bytes: number): void {
    this.usedBytes += bytes;
    if (this.usedBytes > this.peakBytes) this.peakBytes = this.usedBytes;
    this.#budget.moved(this, bytes);
    const { shareBytes } = this.#budget.config;
    if (shareBytes > 0 && this.usedBytes > shareBytes) {
      const text = `it holds ${this.usedBytes} bytes, more than the ${shareBytes} bytes that one query may`;
      throw budgetFault('share', text, this.usedBytes, shareBytes);
    }
  }

  give(bytes: number): void {
    this.usedBytes -= bytes;
    this.#budget.moved(this, -bytes);
  }

  /** Gives back what is left. More than once is the same as once. */
  close(): void {
    this.give(this.usedBytes);
    this.#budget.closed(this);
  }

  /** For the budget only. */
  end(why: Fault): void {
    this.isEnded = true;
    this.#end(why);
  }
}

export type { ByteShare };

/** Counts without any limit: for work that has no budget, and for a part of work whose own share of bytes is asked for. */
export class CountedBytes implements ByteAccount {
  readonly #within: ByteAccount | undefined;
  usedBytes = 0;
  peakBytes = 0;

  /** What is taken here is taken from `within` as well. */
  constructor(within?: ByteAccount) {
    this.#within = within;
  }

  take(bytes: number): void {
    this.usedBytes += bytes;
    if (this.usedBytes > this.peakBytes) this.peakBytes = this.usedBytes;
    this.#within?.take(bytes);
  }

  give(bytes: number): void {
    this.usedBytes -= bytes;
    this.#within?.give(bytes);
  }
}

/** Whether a failure is a spent budget of bytes, and which. */
export function budgetScopeOf(thrown: unknown): BudgetScope | undefined {
  if (!(thrown instanceof Fault)) return undefined;
  const scope = thrown.facts['budget'];
  return scope === 'share' || scope === 'total' ? scope : undefined;
}

function budgetFault(budget: BudgetScope, text: string, usedBytes: number, limitBytes: number): Fault {
  return new Fault('limit', text, { facts: { budget, usedBytes, limitBytes } });
}
