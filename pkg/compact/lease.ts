// One compactor for a bucket: whoever changes blocks holds the lease, an object that its holder writes again and again.
//
//   tributary/lease.json   {"version":1,"holder":"host-1234-5f…","fence":7,"at":"…","ttlMs":60000,"isReleased":false}
//
// Clocks of machines are not compared: a lease is given up for lost when its object has not changed for `ttlMs` of the
// watcher's own time. Where the bucket writes on condition, two can never both get it; elsewhere a write is read back after
// a pause, and again before each change. `fence` grows with every change of holder.

import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { type Clock, systemClock } from '../async/clock.ts';
import { throwIfAborted } from '../async/deadline.ts';
import type { RequestContext } from '../async/request.ts';
import { md5 } from '../bytes/md5.ts';
import { encodeUtf8 } from '../bytes/utf8.ts';
import { during, Fault, kindOf } from '../errors/fault.ts';
import { printRules, type SelectorRule } from '../model/relabel.ts';
import { newUlid } from '../model/ulid.ts';
import { type Bucket, bodyOf, readAll } from '../objstore/bucket.ts';
import { keepsConditions } from '../objstore/conditional-writes.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { Metrics } from '../telemetry/metrics.ts';

export const LEASE_OBJECT = 'tributary/lease.json';

const LEASE_VERSION = 1;
const MAX_BYTES = 64 * 1024;
const ULID_LENGTH = 26;

export interface LeaseDeps {
  readonly bucket: Bucket;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly clock?: Clock;
  /** Milliseconds of a clock that never jumps. */
  readonly elapsed?: () => number;
}

export interface LeaseConfig {
  /** Stays the same over restarts of one compactor, so that it need not wait for itself. */
  readonly holder: string;
  /** Without a sign of life for so long a lease is lost. */
  readonly ttlMs: number;
  /** The rules by which several compactors share a bucket. Those of equal rules share a lease; none is the whole bucket. */
  readonly shard?: readonly SelectorRule[];
}

interface LeaseRecord {
  readonly holder: string;
  readonly fence: number;
  readonly isReleased: boolean;
  readonly ttlMs: number;
}

/** What was read: the record, undefined when there is none to respect, and what tells this write from any other. */
interface Seen {
  readonly record: LeaseRecord | undefined;
  readonly version: string | undefined;
}

/** `tributary/lease.json`, or for the compactors of one shard an object named after a hash of its rules. */
function leaseObject(shard: readonly SelectorRule[] = []): string {
  if (shard.length === 0) return LEASE_OBJECT;
  const hash = Buffer.from(md5(encodeUtf8(printRules(shard)))).toString('hex');
  return LEASE_OBJECT.replace('.json', `-${hash}.json`);
}

/** What changes blocks asks before each change. */
export interface Guard {
  /** Returns while no one else can hold the lease; `conflict` otherwise. Cheap: asks the bucket now and then only. */
  ensure(request: RequestContext): Promise<void>;
}

/** For those who work on a bucket nobody else changes. */
export const noGuard: Guard = { ensure: async () => {} };

export class Lease implements Guard {
  readonly #deps: LeaseDeps;
  readonly #config: LeaseConfig;
  readonly #object: string;
  readonly #clock: Clock;
  readonly #elapsed: () => number;
  readonly #held: { set(value: number): void };
  /** Whether the bucket writes on condition; undefined before it was tried. */
  #isConditional: boolean | undefined;
  #fence = 0;
  /** Of our own last write; undefined when we do not hold the lease. */
  #version: string | undefined;
  #confirmedAt = 0;
  /** Our clock at our last write. */
  #writtenAtMs = 0;
  /** Renewals come one after the other. */
  #last: Promise<void> = Promise.resolve();

  constructor(deps: LeaseDeps, config: LeaseConfig) {
    this.#deps = deps;
    this.#config = config;
    this.#object = leaseObject(config.shard);
    this.#clock = deps.clock ?? systemClock;
    this.#elapsed = deps.elapsed ?? (() => performance.now());
    this.#held = deps.metrics.gauge('tributary_compact_lease_held', '1 while this compactor may change the bucket.');
    this.#held.set(0);
  }

  /** Whether we had it when we looked last. */
  get isHeld(): boolean {
    return this.#version !== undefined;
  }

  /** How often a holder should renew it, ms. */
  get renewMs(): number {
    return this.#config.ttlMs / 4;
  }

  /** Of this holder's turn; grows with every change of holder. */
  get fence(): number {
    return this.#fence;
  }

  /**
   * Gets the lease, or keeps it. Waits for one that may be lost, `ttlMs` at most; `conflict` when its holder shows a sign
   * of life meanwhile, naming it.
   */
  async acquire(request: RequestContext): Promise<void> {
    if (this.#version !== undefined) return this.ensure(request);
    const { bucket } = this.#deps;
    this.#isConditional ??= bucket.conditional?.isCertain === true || (await keepsConditions(request, bucket));
    const seen = await this.#awaitFree(request);
    const fence = (seen.record?.fence ?? 0) + 1;
    try {
      await this.#write(request, fence, seen.version);
    } catch (thrown) {
      if (kindOf(thrown) !== 'conflict') throw thrown;
      throw new Fault('conflict', 'another compactor took over the bucket at the same time', { cause: thrown });
    }
    this.#fence = fence;
    this.#deps.logger.info('this compactor holds the lease of the bucket', { holder: this.#config.holder, fence });
  }

  async ensure(request: RequestContext): Promise<void> {
    // A third of the time is for the change itself, a third for whoever reads the clock a little later.
    if (this.#version !== undefined && this.#elapsed() - this.#confirmedAt < this.#config.ttlMs / 3) return;
    await this.renew(request);
  }

  /** Shows that we are alive; `conflict` when somebody else has taken over, after which we hold nothing. */
  renew(request: RequestContext): Promise<void> {
    const renewal = this.#last.then(() => this.#renew(request));
    this.#last = renewal.catch(() => {}); // Whoever asked for it hears of the failure.
    return renewal;
  }

  /** How far our clock was ahead of the bucket's when we wrote the lease last, ms; below 0 when it was behind. */
  async clockLeadMs(request: RequestContext): Promise<number> {
    if (this.#version === undefined) return 0;
    const { lastModified } = await this.#deps.bucket.attributes(request, this.#object);
    return this.#writtenAtMs - lastModified;
  }

  /** Lets the next one start at once. A failure only makes it wait. */
  async release(request: RequestContext): Promise<void> {
    await this.#last;
    if (this.#version === undefined) return;
    try {
      await this.#write(request, this.#fence, this.#version, true);
    } catch (thrown) {
      this.#deps.logger.debug('the lease was not released', { err: String(thrown) });
    }
    this.#lose();
  }

  async #renew(request: RequestContext): Promise<void> {
    const version = this.#version;
    if (version === undefined) throw new Fault('conflict', 'this compactor does not hold the lease of the bucket');
    try {
      await this.#write(request, this.#fence, version);
    } catch (thrown) {
      if (kindOf(thrown) !== 'conflict') throw during('renew the lease of the bucket', thrown);
      const { record, version: found } = await this.#read(request);
      if (record?.holder === this.#config.holder && record.fence === this.#fence) {
        // A write of ours that seemed to fail was made after all.
        this.#version = found;
        return this.#write(request, this.#fence, found);
      }
      this.#lose();
      throw new Fault('conflict', `another compactor, ${record?.holder}, has taken over the bucket`);
    }
  }

  #lose(): void {
    this.#version = undefined;
    this.#held.set(0);
  }

  /** Watches the object until it is free; gives what it holds then. */
  async #awaitFree(request: RequestContext): Promise<Seen> {
    const { holder, ttlMs } = this.#config;
    const first = await this.#read(request);
    const { record } = first;
    if (record === undefined || record.isReleased || record.holder === holder) return first;
    this.#deps.logger.warn('another compactor has, or had, the lease of the bucket: waiting for a sign of life', {
      holder: record.holder,
    });
    const until = this.#elapsed() + record.ttlMs;
    for (;;) {
      await this.#clock.sleep(Math.min(record.ttlMs, ttlMs) / 10, request.signal);
      const seen = await this.#read(request);
      if (seen.record?.isReleased === true) return seen;
      if (seen.version !== first.version) {
        throw new Fault('conflict', `another compactor, ${seen.record?.holder}, works on this bucket`);
      }
      if (this.#elapsed() >= until) return seen;
    }
  }

  async #write(
    request: RequestContext,
    fence: number,
    expected: string | undefined,
    isReleased = false,
  ): Promise<void> {
    const { holder, ttlMs } = this.#config;
    const nowMs = this.#clock.now();
    const at = new Date(nowMs).toISOString();
    const text = JSON.stringify({ version: LEASE_VERSION, holder, fence, at, ttlMs, isReleased, write: newUlid() });
    const bytes = Buffer.from(text, 'utf8');
    const { bucket } = this.#deps;
    // Counted from before the write: that is when others may have seen it.
    const since = this.#elapsed();
    if (this.#isConditional === true) {
      this.#version = await bucket.conditional!.write(request, this.#object, bytes, expected);
    } else {
      if ((await this.#read(request)).version !== expected) throw new Fault('conflict', 'the lease has changed');
      await bucket.upload(request, this.#object, bodyOf(bytes), { sizeBytes: bytes.length });
      // Whoever wrote at the same time has written by now: the last one has it.
      if (this.#version === undefined) await this.#clock.sleep(ttlMs / 30, request.signal);
      if ((await this.#read(request)).version !== text)
        throw new Fault('conflict', 'the lease was taken at the same time');
      this.#version = text;
    }
    this.#confirmedAt = since;
    this.#writtenAtMs = nowMs;
    this.#held.set(isReleased ? 0 : 1);
  }

  async #read(request: RequestContext): Promise<Seen> {
    throwIfAborted(request.signal);
    const { bucket } = this.#deps;
    if (this.#isConditional === true) {
      const found = await bucket.conditional!.read(request, this.#object);
      if (found === undefined) return { record: undefined, version: undefined };
      return { record: parseRecord(Buffer.from(found.bytes).toString('utf8')), version: found.version };
    }
    try {
      const text = Buffer.from(await readAll(request, bucket, this.#object, MAX_BYTES)).toString('utf8');
      return { record: parseRecord(text), version: text };
    } catch (thrown) {
      if (kindOf(thrown) === 'not-found') return { record: undefined, version: undefined };
      throw thrown;
    }
  }
}

/**
 * The name of the compactor that works in a local directory: made once, and kept there. A directory that came from another
 * machine, or is shared with one, gets a new name: the other may be at work under the old one.
 */
export async function holderIn(directory: string, host: string = hostname()): Promise<string> {
  const path = join(directory, 'compactor-name');
  try {
    const name = (await readFile(path, 'utf8')).trim();
    if (name.slice(0, -ULID_LENGTH) === `${host}-`) return name;
  } catch (thrown) {
    if (kindOf(thrown) !== 'not-found') throw during(`read ${path}`, thrown);
  }
  const name = `${host}-${newUlid()}`;
  await mkdir(directory, { recursive: true });
  await writeFile(path, `${name}\n`);
  return name;
}

/** What cannot be read binds nobody. */
function parseRecord(text: string): LeaseRecord | undefined {
  try {
    const { version, holder, fence, isReleased, ttlMs } = JSON.parse(text) as Record<string, unknown>;
    if (version !== LEASE_VERSION || typeof holder !== 'string' || !Number.isSafeInteger(fence)) return undefined;
    if (typeof ttlMs !== 'number' || !(ttlMs > 0)) return undefined;
    return { holder, fence: fence as number, isReleased: isReleased === true, ttlMs };
  } catch {
    return undefined;
  }
}
