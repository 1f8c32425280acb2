// One fetch for several selectors of a query. Whoever needs more of it pulls; what the others have not read yet waits for
// them, up to a bound. One for whom more would have to wait than that fetches for itself in the end, from where it stopped.

import type { ByteAccount } from '../../async/byte-budget.ts';
import type { RequestContext } from '../../async/request.ts';
import { compareLabels, type Labels } from '../../model/labels.ts';
import type { Matcher } from '../../model/matcher.ts';
import type { SelectHints } from '../../storage/hints.ts';
import type { Queryable } from '../../storage/querier.ts';
import type { Series, SeriesSet } from '../../storage/series.ts';
import { extraMatchers } from '../plan/merge-selects.ts';
import type { Select } from '../plan/node.ts';

/** The most bytes of chunks that wait for one selector. */
const MOST_WAITING_BYTES = 32 << 20;

/** Where the storage does not count: a few chunks. */
const GUESSED_SERIES_BYTES = 1024;

interface Waiting {
  readonly series: readonly Series[];
  readonly bytes: number;
}

/** One selector's place in the fetch. */
class Reader {
  readonly filter: readonly Matcher[];
  readonly waiting: Waiting[] = [];
  waitingBytes = 0;
  /** Reads no more from the shared fetch. */
  hasLeft = false;
  /** The last series it was given, if it has to go on by itself. */
  last: Labels | undefined;

  constructor(filter: readonly Matcher[]) {
    this.filter = filter;
  }
}

export class SharedSelect {
  readonly #set: SeriesSet;
  readonly #batches: AsyncIterator<readonly Series[]>;
  readonly #account: ByteAccount;
  readonly #readers = new Map<Select, Reader>();
  #countedBytes = 0;
  #pulling: Promise<void> | undefined;
  #hasEnded = false;

  /** `selects` are all that share it. Nothing is fetched before one of them is read. */
  constructor(
    queryable: Queryable,
    request: RequestContext,
    selects: readonly Select[],
    hints: SelectHints,
    account: ByteAccount,
  ) {
    const matchers = selects[0].shared?.matchers ?? selects[0].matchers;
    this.#set = queryable.select(request, matchers, hints);
    this.#batches = this.#set.batches[Symbol.asyncIterator]();
    this.#account = account;
    for (const select of selects) this.#readers.set(select, new Reader(extraMatchers(select, matchers)));
  }

  /** What the selector wants of the fetch; `alone` fetches it again, for when it has fallen too far behind. */
  read(select: Select, alone: () => SeriesSet): SeriesSet {
    const warnings: string[] = [];
    return { batches: this.#read(select, alone, warnings), warnings, ...this.#told() };
  }

  /** Lets go of the fetch and of what waits. Call it in `finally`. */
  async close(): Promise<void> {
    this.#hasEnded = true;
    for (const reader of this.#readers.values()) this.#leave(reader);
    await this.#batches.return?.();
  }

  /** What the fetch says of itself. */
  #told(): Pick<SeriesSet, 'fetched' | 'infos' | 'threads'> {
    const { fetched, infos, threads } = this.#set;
    return { threads, ...(fetched === undefined ? {} : { fetched }), ...(infos === undefined ? {} : { infos }) };
  }

  async *#read(select: Select, alone: () => SeriesSet, warnings: string[]): AsyncGenerator<readonly Series[]> {
    const reader = this.#readers.get(select)!;
    try {
      while (!reader.hasLeft) {
        const next = reader.waiting.shift();
        if (next !== undefined) {
          reader.last = next.series.at(-1)?.labels;
          yield next.series;
          // Who has left has given everything back.
          if (reader.hasLeft) continue;
          reader.waitingBytes -= next.bytes;
          this.#account.give(next.bytes);
        } else if (this.#hasEnded) {
          warnings.push(...this.#set.warnings);
          return;
        } else {
          this.#pulling ??= this.#pull(reader).finally(() => {
            this.#pulling = undefined;
          });
          await this.#pulling;
        }
      }
      const set = alone();
      for await (const batch of set.batches) {
        const { last } = reader;
        const rest = last === undefined ? batch : batch.filter(({ labels }) => compareLabels(labels, last) > 0);
        if (rest.length > 0) yield rest;
      }
      warnings.push(...set.warnings);
    } finally {
      this.#leave(reader);
    }
  }

  /** Fetches one batch more and lays it down for everyone who still reads. */
  async #pull(puller: Reader): Promise<void> {
    const { value, done } = await this.#batches.next();
    if (done === true) {
      this.#hasEnded = true;
      return;
    }
    const bytes = this.#bytesOf(value);
    for (const reader of this.#readers.values()) {
      if (reader.hasLeft) continue;
      const { filter } = reader;
      const series =
        filter.length === 0
          ? value
          : value.filter(({ labels }) => filter.every((matcher) => matcher.matches(labels.get(matcher.name))));
      if (series.length === 0) continue;
      // The puller reads its batch at once, and the storage has counted it already.
      const held = reader === puller ? 0 : bytes;
      if (reader.waitingBytes + held > MOST_WAITING_BYTES) {
        this.#leave(reader);
        continue;
      }
      reader.waiting.push({ series, bytes: held });
      reader.waitingBytes += held;
      this.#account.take(held);
    }
  }

  #bytesOf(batch: readonly Series[]): number {
    const { fetched } = this.#set;
    if (fetched === undefined) return batch.length * GUESSED_SERIES_BYTES;
    const bytes = fetched.bytes - this.#countedBytes;
    this.#countedBytes = fetched.bytes;
    return bytes;
  }

  /** Nothing waits for this one any more. */
  #leave(reader: Reader): void {
    reader.hasLeft = true;
    this.#account.give(reader.waitingBytes);
    reader.waitingBytes = 0;
    reader.waiting.length = 0;
  }
}

/** The shared fetches of one query, each made when its first selector is read. */
export class SharedSelects {
  readonly #selects = new Map<number, Select[]>();
  readonly #open = new Map<number, SharedSelect>();

  /** `selects`: those of the plan that share. */
  constructor(selects: readonly Select[]) {
    for (const select of selects) {
      const number = select.shared?.number ?? -1;
      this.#selects.set(number, [...(this.#selects.get(number) ?? []), select]);
    }
  }

  /** The fetch of a selector; undefined when it has none to share. */
  of(select: Select, open: (selects: readonly Select[]) => SharedSelect): SharedSelect | undefined {
    if (select.shared === undefined) return undefined;
    const { number } = select.shared;
    let shared = this.#open.get(number);
    if (shared === undefined) this.#open.set(number, (shared = open(this.#selects.get(number) ?? [select])));
    return shared;
  }

  async close(): Promise<void> {
    for (const shared of this.#open.values()) await shared.close();
  }
}
