// What runs now, and what waits for its turn: listed, and ended from outside.

import type { ByteAccount } from '../async/byte-budget.ts';
import { Fault } from '../errors/fault.ts';
import { newUlid } from '../model/ulid.ts';
import type { QueryProgress } from '../promql/query-stats.ts';
import type { ActiveQueryFile } from './active-query-file.ts';

/** What is known of a query when it comes. */
export interface QueryFacts {
  readonly expression: string;
  readonly kind: 'instant' | 'range';
  readonly startMs: number;
  readonly endMs: number;
  /** 0 for an instant query. */
  readonly stepMs: number;
  readonly timeoutMs: number;
  readonly tenant: string;
  readonly requestId: string | undefined;
  readonly bytes: ByteAccount;
}

/** How a query is as it runs. */
export interface ActiveQuery extends Omit<QueryFacts, 'bytes'> {
  readonly id: string;
  readonly isWaiting: boolean;
  /** When it came, ms. */
  readonly arrivedMs: number;
  readonly durationMs: number;
  readonly queuedMs: number;
  readonly seriesCount: number;
  readonly sampleCount: number;
  readonly usedBytes: number;
  readonly peakBytes: number;
}

/** One query from its coming to its end. */
export interface Ticket {
  /** It has its turn; gives how long it waited, ms. */
  admitted(): number;
  /** What it has done so far can be seen here from now on. */
  watch(progress: QueryProgress): void;
  /** Call it in `finally`. */
  end(): void;
}

interface Entry {
  readonly id: string;
  readonly facts: QueryFacts;
  readonly arrivedMs: number;
  /** On the clock that never jumps. */
  readonly since: number;
  readonly cancel: (why: Fault) => void;
  queuedMs: number | undefined;
  progress: QueryProgress | undefined;
}

export class ActiveQueries {
  readonly #entries = new Map<string, Entry>();
  readonly #file: ActiveQueryFile | undefined;

  /** With a file, what runs is written there too. */
  constructor(file?: ActiveQueryFile) {
    this.#file = file;
  }

  /** A query comes. `cancel` ends it. */
  begin(facts: QueryFacts, cancel: (why: Fault) => void): Ticket {
    const arrivedMs = Date.now();
    const entry: Entry = {
      id: newUlid(arrivedMs),
      facts,
      arrivedMs,
      since: performance.now(),
      cancel,
      queuedMs: undefined,
      progress: undefined,
    };
    this.#entries.set(entry.id, entry);
    let strike = (): void => {};
    return {
      admitted: () => {
        entry.queuedMs = performance.now() - entry.since;
        strike = this.#file?.insert(facts.expression, arrivedMs) ?? strike;
        return entry.queuedMs;
      },
      watch: (progress) => {
        entry.progress = progress;
      },
      end: () => {
        this.#entries.delete(entry.id);
        strike();
      },
    };
  }

  /** Oldest first. */
  list(): readonly ActiveQuery[] {
    return [...this.#entries.values()].map((entry) => {
      const { bytes, ...facts } = entry.facts;
      const { progress } = entry;
      const durationMs = performance.now() - entry.since;
      return {
        ...facts,
        id: entry.id,
        isWaiting: entry.queuedMs === undefined,
        arrivedMs: entry.arrivedMs,
        durationMs,
        queuedMs: entry.queuedMs ?? durationMs,
        seriesCount: progress?.selects.reduce((sum, { seriesCount }) => sum + seriesCount, 0) ?? 0,
        sampleCount: progress?.samples.total ?? 0,
        usedBytes: bytes.usedBytes,
        peakBytes: bytes.peakBytes,
      };
    });
  }

  /** Ends a query; false when it does not run. */
  cancel(id: string): boolean {
    const entry = this.#entries.get(id);
    if (entry === undefined) return false;
    entry.cancel(new Fault('canceled', 'query was canceled through the API', { facts: { endedBy: 'api' } }));
    return true;
  }
}
