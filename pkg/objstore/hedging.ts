// Reads that take unusually long are asked a second time, and the first answer counts: the slowest of the many small reads
// of a query decides how long it takes, and what is slow about it is rarely the object.
//
//   hedging_config:
//     enabled: true
//     up_to: 3         # requests for one read at once, the first included
//     quantile: 0.9    # what lasts longer than that share of the reads of its size is asked again
//
// A bucket that is slow as a whole must not get a multiple of its load: further requests are at most the share of reads that
// the quantile leaves over, and none are sent while the bucket refuses for speed.

import { type Clock, systemClock } from '../async/clock.ts';
import { faultOf, linked } from '../async/deadline.ts';
import type { RequestContext } from '../async/request.ts';
import { strict, z } from '../config/shape.ts';
import { Fault, type FaultKind, kindOf } from '../errors/fault.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import type {
  Bucket,
  ConditionalWrites,
  ListedObject,
  ListOptions,
  ObjectAttributes,
  UploadOptions,
} from './bucket.ts';
import { LatencyQuantile } from './latency-quantile.ts';

export interface HedgingConfig {
  readonly enabled: boolean;
  readonly up_to: number;
  readonly quantile: number;
}

export const hedgingShape = strict({
  enabled: z.boolean().default(false),
  up_to: z.int('must be a whole number from 1').min(1, 'must be a whole number from 1').default(3),
  quantile: z.number().gt(0, 'must be between 0 and 1').lt(1, 'must be between 0 and 1').default(0.9),
});

export interface HedgingDeps {
  readonly metrics: Metrics;
  readonly clock?: Clock;
  /** Whether the bucket is refusing requests for speed these days. */
  isThrottled(): boolean;
}

/** Reads of a kind that are only timed at first: a quantile of fewer says nothing. */
const LEAST_SEEN = 64;
/** Further requests in stock, for a moment in which many reads hang at once. */
const MOST_TOKENS = 16;
/** Answers of the object, not of the moment: asking again changes nothing. */
const finalKinds: ReadonlySet<FaultKind> = new Set(['not-found', 'denied', 'invalid', 'unsupported']);

export class HedgingBucket implements Bucket {
  readonly name: string;
  readonly conditional?: ConditionalWrites;
  readonly #inner: Bucket;
  readonly #config: HedgingConfig;
  readonly #clock: Clock;
  readonly #isThrottled: () => boolean;
  readonly #latencies = new Map<string, LatencyQuantile>();
  readonly #meters: ReturnType<typeof metersOf>;
  #tokens = MOST_TOKENS;

  /** Closing this closes the inner bucket. */
  constructor(deps: HedgingDeps, config: HedgingConfig, inner: Bucket) {
    this.name = inner.name;
    this.#inner = inner;
    this.#config = config;
    this.#clock = deps.clock ?? systemClock;
    this.#isThrottled = () => deps.isThrottled();
    this.#meters = metersOf(deps.metrics, inner.name);
    if (inner.conditional !== undefined) this.conditional = inner.conditional;
  }

  getRange(request: RequestContext, name: string, offset: number, length: number): Promise<Uint8Array> {
    // Reads within a factor of four take about as long.
    const kind = `get_range ${Math.floor(Math.log2(Math.max(1, length)) / 2)}`;
    return this.#hedged(request, kind, (attempt) => this.#inner.getRange(attempt, name, offset, length));
  }

  exists(request: RequestContext, name: string): Promise<boolean> {
    return this.#hedged(request, 'exists', (attempt) => this.#inner.exists(attempt, name));
  }

  attributes(request: RequestContext, name: string): Promise<ObjectAttributes> {
    return this.#hedged(request, 'attributes', (attempt) => this.#inner.attributes(attempt, name));
  }

  get(request: RequestContext, name: string): Promise<AsyncIterable<Uint8Array>> {
    return this.#inner.get(request, name);
  }

  list(request: RequestContext, directory: string, options?: ListOptions): AsyncIterable<ListedObject> {
    return this.#inner.list(request, directory, options);
  }

  upload(
    request: RequestContext,
    name: string,
    body: AsyncIterable<Uint8Array>,
    options?: UploadOptions,
  ): Promise<void> {
    return this.#inner.upload(request, name, body, options);
  }

  delete(request: RequestContext, name: string): Promise<void> {
    return this.#inner.delete(request, name);
  }

  close(): Promise<void> {
    return this.#inner.close();
  }

  #hedged<T>(request: RequestContext, kind: string, send: (request: RequestContext) => Promise<T>): Promise<T> {
    let latency = this.#latencies.get(kind);
    if (latency === undefined) {
      latency = new LatencyQuantile(this.#config.quantile);
      this.#latencies.set(kind, latency);
    }
    this.#tokens = Math.min(MOST_TOKENS, this.#tokens + 1 - this.#config.quantile);
    return latency.seen < LEAST_SEEN ? this.#timed(request, latency, send) : this.#race(request, latency, send);
  }

  async #timed<T>(
    request: RequestContext,
    latency: LatencyQuantile,
    send: (request: RequestContext) => Promise<T>,
  ): Promise<T> {
    const begun = this.#clock.now();
    const result = await send(request);
    latency.observe(this.#clock.now() - begun);
    return result;
  }

  #race<T>(
    request: RequestContext,
    latency: LatencyQuantile,
    send: (request: RequestContext) => Promise<T>,
  ): Promise<T> {
    const begun = this.#clock.now();
    const all = linked(request.signal);
    return new Promise<T>((resolve, reject) => {
      let inFlight = 0;
      let firstFailure: unknown;
      const end = (settle: () => void): void => {
        settle();
        // Frees the sockets of the others, and the timer.
        all.abort(new Fault('canceled', 'the read is over'));
        all.release();
      };
      const attempt = (onAnswer: () => void): void => {
        inFlight++;
        send({ ...request, signal: all.signal }).then(
          (result) => {
            if (all.signal.aborted) return;
            // Since the first request, even when another one answered: that it lasted is what the quantile has to know.
            latency.observe(this.#clock.now() - begun);
            onAnswer();
            end(() => resolve(result));
          },
          (thrown) => {
            inFlight--;
            firstFailure ??= thrown;
            if (finalKinds.has(kindOf(thrown))) end(() => reject(thrown));
            else if (inFlight === 0) end(() => reject(firstFailure));
          },
        );
      };
      all.signal.addEventListener('abort', () => end(() => reject(faultOf(all.signal))), { once: true });
      attempt(() => {});
      this.#sendFurther(all.signal, latency.valueMs, () => attempt(this.#meters.won)).catch(() => {}); // The read is over.
    });
  }

  /** One request more after each delay, as long as they can be paid for, until the signal aborts. */
  async #sendFurther(signal: AbortSignal, delayMs: number, send: () => void): Promise<void> {
    let waitMs = delayMs;
    for (let sent = 1; sent < this.#config.up_to; ) {
      await this.#clock.sleep(waitMs, signal);
      if (this.#tokens < 1 || this.#isThrottled()) {
        this.#meters.withheld();
        waitMs *= 2;
        continue;
      }
      this.#tokens--;
      this.#meters.sent();
      send();
      sent++;
      waitMs = delayMs;
    }
  }
}

function metersOf(metrics: Metrics, bucket: string) {
  const count = (name: string, help: string): (() => void) => {
    const counter = metrics.counter(name, help, ['bucket']);
    counter.inc({ bucket }, 0);
    return () => counter.inc({ bucket });
  };
  return {
    sent: count('tributary_objstore_hedges_total', 'Further requests sent for reads of the bucket that lasted long.'),
    won: count('tributary_objstore_hedges_won_total', 'Of these, those that answered first.'),
    withheld: count(
      'tributary_objstore_hedges_withheld_total',
      'Further requests not sent, because there were too many or the bucket refused for speed.',
    ),
  };
}
