// How fast a bucket lets us go, learnt from its refusals: nobody knows the limit of a bucket, and it changes.
//
// Unlimited until the first refusal. Then half of what went through lately, rising by one in a hundred each second until
// the next one. A pause that the bucket asks for is kept by everybody.

import type { Clock } from '../async/clock.ts';

const WINDOW_MS = 1000;
const LOWEST_PER_SECOND = 1;
const GROWTH_PER_SECOND = 0.01;
/** Refusals this close together are one event: requests already under way must not halve the rate again and again. */
const ONE_EVENT_MS = 1000;
/** No limit is worth keeping past this. */
const FORGET_PER_SECOND = 20_000;

export class AdaptiveRate {
  readonly #clock: Clock;
  /** Requests a second; undefined = no limit known. */
  #rate: number | undefined;
  #raisedAt = 0;
  #loweredAt = Number.NEGATIVE_INFINITY;
  #pausedUntil = Number.NEGATIVE_INFINITY;
  /** When the next request may start. */
  #nextStart = 0;
  #windowStart = 0;
  #windowCount = 0;
  #lastWindowRate = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Requests a second allowed now; undefined while there is no limit. */
  get limitPerSecond(): number | undefined {
    return this.#rate;
  }

  /** Waits for its turn. Gives up when the signal aborts; the turn is lost then. */
  async admit(signal: AbortSignal): Promise<void> {
    const now = this.#clock.now();
    this.#raise(now);
    let start = Math.max(now, this.#pausedUntil);
    if (this.#rate !== undefined) {
      start = Math.max(start, this.#nextStart);
      this.#nextStart = start + 1000 / this.#rate;
    }
    if (start > now) await this.#clock.sleep(start - now, signal);
  }

  /** A request went through. */
  succeeded(): void {
    this.#roll(this.#clock.now());
    this.#windowCount++;
  }

  /** The bucket said that we are too fast, and maybe for how long it wants to be left alone. */
  refused(retryAfterMs = 0): void {
    const now = this.#clock.now();
    this.#roll(now);
    this.#pausedUntil = Math.max(this.#pausedUntil, now + retryAfterMs);
    if (now - this.#loweredAt < ONE_EVENT_MS) return;
    this.#loweredAt = now;
    const seen = Math.max(this.#windowCount, this.#lastWindowRate, LOWEST_PER_SECOND);
    this.#rate = Math.max(LOWEST_PER_SECOND, Math.min(this.#rate ?? seen, seen) / 2);
    this.#raisedAt = now;
    this.#nextStart = Math.max(now, this.#pausedUntil);
  }

  #raise(now: number): void {
    if (this.#rate === undefined) return;
    const seconds = Math.max(0, now - this.#raisedAt) / 1000;
    this.#raisedAt = now;
    this.#rate *= (1 + GROWTH_PER_SECOND) ** seconds;
    if (this.#rate > FORGET_PER_SECOND) this.#rate = undefined;
  }

  #roll(now: number): void {
    if (now - this.#windowStart < WINDOW_MS) return;
    this.#lastWindowRate = now - this.#windowStart < 2 * WINDOW_MS ? this.#windowCount : 0;
    this.#windowStart = now;
    this.#windowCount = 0;
  }
}
