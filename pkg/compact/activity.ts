// What the compactor has done lately and is doing now: how fast it is, when it last got on, and whether that is well.

export interface CompactionRecord {
  readonly groupId: string;
  /** Of the sources, as their metas record it. */
  readonly sizeBytes: number;
  readonly startMs: number;
  readonly endMs: number;
}

export interface PassRecord {
  readonly isRunning: boolean;
  /** Passes begun. */
  readonly count: number;
  readonly startMs: number | undefined;
  readonly endMs: number | undefined;
  /** Of the last pass that ended; '' when it went well. */
  readonly error: string;
}

export interface DamagedBlock {
  readonly ulid: string;
  readonly reason: string;
  readonly problem: string;
}

export interface ActivityConfig {
  /** So many passes that failed without getting anything done, while there was something to do, are not healthy. */
  readonly passesTolerated: number;
  /** A pass that has not got on for so long is not healthy, ms. */
  readonly silenceMs: number;
}

export const defaultActivity: ActivityConfig = { passesTolerated: 2, silenceMs: 3_600_000 };

/** Compactions that count for the throughput. */
const REMEMBERED = 32;

export class Activity {
  readonly #config: ActivityConfig;
  readonly #now: () => number;
  readonly #recent: CompactionRecord[] = [];
  readonly #lastAdvances = new Map<string, number>();
  readonly #running = new Set<string>();
  readonly #damaged = new Map<string, DamagedBlock>();
  #pass: PassRecord = { isRunning: false, count: 0, startMs: undefined, endMs: undefined, error: '' };
  #halt: string | undefined;
  #hasAdvanced = false;
  #idlePasses = 0;
  #lastSignMs = 0;

  constructor(now: () => number, config: ActivityConfig = defaultActivity) {
    this.#now = now;
    this.#config = config;
  }

  get pass(): PassRecord {
    return this.#pass;
  }

  /** Blocks found broken by this process, by identifier. */
  get damaged(): readonly DamagedBlock[] {
    return [...this.#damaged.values()].sort((a, b) => (a.ulid < b.ulid ? -1 : 1));
  }

  isRunning(groupId: string): boolean {
    return this.#running.has(groupId);
  }

  /** When a group's last compaction ended, Unix ms; undefined when this process has made none. */
  lastAdvance(groupId: string): number | undefined {
    return this.#lastAdvances.get(groupId);
  }

  beginPass(): void {
    this.#lastSignMs = this.#now();
    this.#hasAdvanced = false;
    this.#pass = { ...this.#pass, isRunning: true, count: this.#pass.count + 1, startMs: this.#now() };
  }

  /** `error` is '' for a pass that went well; `hasWork` says whether something was left to do that could be done. */
  endPass(error: string, hasWork: boolean): void {
    this.#pass = { ...this.#pass, isRunning: false, endMs: this.#now(), error };
    this.#idlePasses = this.#hasAdvanced || !hasWork || error === '' ? 0 : this.#idlePasses + 1;
  }

  /** Nothing is done any more, until somebody has looked at it and started the process anew. */
  halt(why: string): void {
    this.#halt = why;
  }

  /** Something was got from the bucket, put there, or made. */
  sign(): void {
    this.#lastSignMs = this.#now();
  }

  begin(groupId: string): void {
    this.sign();
    this.#running.add(groupId);
  }

  /** A group is no longer at work; `done` when a compaction of so many bytes, begun then, has succeeded. */
  end(groupId: string, done?: { readonly sizeBytes: number; readonly startMs: number }): void {
    this.sign();
    this.#running.delete(groupId);
    if (done === undefined) return;
    const endMs = this.#now();
    this.#hasAdvanced = true;
    this.#lastAdvances.set(groupId, endMs);
    this.#recent.push({ groupId, ...done, endMs });
    if (this.#recent.length > REMEMBERED) this.#recent.shift();
  }

  foundDamaged(block: DamagedBlock): void {
    this.#damaged.set(block.ulid, block);
  }

  /** Bytes compacted for each second in which at least one group was at work; undefined before the first compaction. */
  get bytesPerSecond(): number | undefined {
    if (this.#recent.length === 0) return undefined;
    let bytes = 0;
    let busyMs = 0;
    let end = Number.NEGATIVE_INFINITY;
    for (const { sizeBytes, startMs, endMs } of [...this.#recent].sort((a, b) => a.startMs - b.startMs)) {
      bytes += sizeBytes;
      busyMs += Math.max(0, endMs - Math.max(startMs, end));
      end = Math.max(end, endMs);
    }
    return bytes / (Math.max(busyMs, 1) / 1000);
  }

  /** What is wrong, in words; undefined while all is well. */
  get problem(): string | undefined {
    const { isRunning, error } = this.#pass;
    if (this.#halt !== undefined) return this.#halt;
    if (this.#idlePasses >= this.#config.passesTolerated) {
      return `nothing was compacted in ${this.#idlePasses} passes although there is something to do: ${error}`;
    }
    const silentMs = this.#now() - this.#lastSignMs;
    if (isRunning && silentMs > this.#config.silenceMs) {
      return `the pass has shown no sign of progress for ${Math.round(silentMs / 1000)}s`;
    }
    return undefined;
  }
}
