// When a request to a bucket is sent again: for failures that pass, a few times, with growing pauses, never faster than
// the bucket lets us, and only while most requests succeed. A bucket that is down is not hammered.

import { type Clock, systemClock } from '../async/clock.ts';
import { sharedSignal } from '../async/deadline.ts';
import { retry } from '../async/retry.ts';
import { Fault, type FaultKind, kindOf, messageOf } from '../errors/fault.ts';
import type { Logger } from '../telemetry/logger.ts';
import { AdaptiveRate } from './adaptive-rate.ts';

/** Facts a provider puts on a Fault when the bucket refused for speed. */
export const THROTTLED_FACT = 'throttled';
export const RETRY_AFTER_FACT = 'retryAfterMs';
/** Set on what a policy gave up on, so that an outer one does not begin anew. */
const GIVEN_UP_FACT = 'retriesSpent';

export interface RetryPolicyConfig {
  /** Tries of one request, the first included. */
  readonly attempts: number;
  readonly minDelayMs: number;
  readonly maxDelayMs: number;
}

export const defaultRetries: RetryPolicyConfig = { attempts: 6, minDelayMs: 100, maxDelayMs: 10_000 };

const passingKinds: readonly FaultKind[] = ['unavailable', 'timeout'];
/** Retries in stock at first; each costs one, each success gives a tenth back. */
const FULL_BUDGET = 100;
const BUDGET_PER_SUCCESS = 0.1;

export class RetryPolicy {
  readonly #config: RetryPolicyConfig;
  readonly #logger: Logger;
  readonly #clock: Clock;
  readonly #random: (() => number) | undefined;
  readonly #rate: AdaptiveRate;
  #budget = FULL_BUDGET;
  /** Requests that went through, of all callers. */
  #successes = 0;

  /** `random`, 0 to 1, draws the length of the pauses. */
  constructor(
    deps: { readonly logger: Logger; readonly clock?: Clock; readonly random?: () => number },
    config: RetryPolicyConfig = defaultRetries,
  ) {
    this.#logger = deps.logger;
    this.#random = deps.random;
    this.#clock = deps.clock ?? systemClock;
    this.#rate = new AdaptiveRate(this.#clock);
    this.#config = config;
  }

  /** Whether requests are held back because the bucket refused some for speed of late. */
  get isThrottled(): boolean {
    return this.#rate.limitPerSecond !== undefined;
  }

  /**
   * The result of `work`, tried again while that may help. `what` names it in logs. With `canRepeat: false` it is paced
   * like the others but tried once.
   */
  async run<T>(
    signal: AbortSignal,
    what: string,
    work: () => Promise<T>,
    options: { readonly canRepeat?: boolean } = {},
  ): Promise<T> {
    // Many requests of one caller wait on one signal.
    sharedSignal(signal);
    const attempts = options.canRepeat === false ? 1 : this.#config.attempts;
    let tries = 0;
    try {
      return await retry(
        signal,
        {
          ...this.#config,
          attempts,
          kinds: passingKinds,
          clock: this.#clock,
          ...(this.#random === undefined ? {} : { random: this.#random }),
          onRetry: (thrown, attempt, delayMs) =>
            this.#logger.debug('bucket request is tried again', {
              what,
              attempt,
              delayMs: Math.round(delayMs),
              err: messageOf(thrown),
            }),
        },
        async (attempt) => {
          tries = attempt;
          return await this.#whileOthersProgress(signal, attempt, work, options.canRepeat !== false);
        },
      );
    } catch (failure) {
      const thrown = failure instanceof Final ? failure.thrown : failure;
      if (tries <= 1 || !(thrown instanceof Fault) || !passingKinds.includes(thrown.kind)) throw thrown;
      throw new Fault(thrown.kind, `${thrown.message} (after ${tries} tries)`, {
        cause: thrown,
        facts: { ...thrown.facts, [GIVEN_UP_FACT]: true },
      });
    }
  }

  /**
   * A refusal for speed is no failure while requests go through: the common rate has slowed down, and our turn comes. Only
   * when none went through since the last try does it count as one.
   */
  async #whileOthersProgress<T>(
    signal: AbortSignal,
    attempt: number,
    work: () => Promise<T>,
    canRepeat: boolean,
  ): Promise<T> {
    for (;;) {
      const before = this.#successes;
      try {
        return await this.#once(signal, attempt, work);
      } catch (thrown) {
        const isThrottled = thrown instanceof Fault && thrown.facts[THROTTLED_FACT] === true;
        const isSpent = thrown instanceof Fault && thrown.facts[GIVEN_UP_FACT] === true;
        if (!isThrottled || isSpent || !canRepeat || this.#successes === before || signal.aborted) throw thrown;
      }
    }
  }

  async #once<T>(signal: AbortSignal, attempt: number, work: () => Promise<T>): Promise<T> {
    await this.#rate.admit(signal);
    try {
      const result = await work();
      this.#rate.succeeded();
      this.#successes++;
      this.#budget = Math.min(FULL_BUDGET, this.#budget + BUDGET_PER_SUCCESS);
      return result;
    } catch (thrown) {
      const facts = thrown instanceof Fault ? thrown.facts : {};
      // Refusals for speed cost no budget: the rate answers them.
      if (facts[THROTTLED_FACT] === true) this.#rate.refused(Number(facts[RETRY_AFTER_FACT] ?? 0));
      else if (passingKinds.includes(kindOf(thrown)) && attempt < this.#config.attempts) this.#spend(facts, thrown);
      throw thrown;
    }
  }

  /** Pays for the retry that follows; without means, or when an inner policy gave up, the failure is made final. */
  #spend(facts: Fault['facts'], thrown: unknown): void {
    const isFinal = facts[GIVEN_UP_FACT] === true || this.#budget < 1;
    if (isFinal) throw new Final(thrown);
    this.#budget -= 1;
  }
}

/** Carries a failure past the retries, which look at kinds only. */
class Final {
  readonly thrown: unknown;

  constructor(thrown: unknown) {
    this.thrown = thrown;
  }
}
