// Endpoints that no query can ask, remembered for the people who look for them: those that are configured and do not
// answer, and those that left.

import type { StoreInfo } from '../store/store.ts';

/** An endpoint that is not a member of the set. */
export interface AbsentEndpoint {
  readonly address: string;
  /** True: it is configured or discovered and does not answer. False: it left configuration or discovery. */
  readonly isExpected: boolean;
  /** Its address came out of a look-up. */
  readonly isDiscovered: boolean;
  /** What it said of itself last; undefined when it never answered. */
  readonly info: StoreInfo | undefined;
  /** Unix ms of that answer; undefined when there was none. */
  readonly lastGoodMs: number | undefined;
  /** Unix ms of the last try, or of its leaving. */
  readonly sinceMs: number;
  readonly lastError: string | undefined;
}

/** How long somebody may still ask where an endpoint went. */
const LEFT_MS = 24 * 3_600_000;
/** A rollout every few minutes leaves that many addresses behind. */
const MOST_LEFT = 200;

export class EndpointMemory {
  readonly #absent = new Map<string, AbsentEndpoint>();

  /** It does not answer and is not kept for that reason. What is known of it from before stays known. */
  failed(
    address: string,
    at: { readonly nowMs: number; readonly error: string; readonly isDiscovered: boolean },
    before?: Partial<AbsentEndpoint>,
  ): void {
    const known = this.#absent.get(address);
    this.#absent.set(address, {
      address,
      isExpected: true,
      isDiscovered: at.isDiscovered,
      info: before?.info ?? known?.info,
      lastGoodMs: before?.lastGoodMs ?? known?.lastGoodMs,
      sinceMs: at.nowMs,
      lastError: at.error,
    });
  }

  /** It is gone from configuration or discovery. */
  left(
    address: string,
    nowMs: number,
    before: Pick<AbsentEndpoint, 'info' | 'lastGoodMs' | 'lastError' | 'isDiscovered'>,
  ): void {
    this.#absent.delete(address); // The newest stand last.
    this.#absent.set(address, { ...before, address, isExpected: false, sinceMs: nowMs });
    const left = [...this.#absent.values()].filter(({ isExpected }) => !isExpected);
    for (const { address: oldest } of left.slice(0, -MOST_LEFT)) this.#absent.delete(oldest);
  }

  answered(address: string): void {
    this.#absent.delete(address);
  }

  /** Drops what left long ago; what did not answer and is not expected any more has left. */
  tidy(nowMs: number, isExpected: (address: string) => boolean): void {
    for (const absent of [...this.#absent.values()]) {
      if (absent.isExpected && !isExpected(absent.address)) {
        // One that never answered was a mistake in the configuration, and is mended.
        if (absent.info === undefined) this.#absent.delete(absent.address);
        else this.left(absent.address, nowMs, absent);
      } else if (!absent.isExpected && nowMs - absent.sinceMs > LEFT_MS) this.#absent.delete(absent.address);
    }
  }

  /** Those of now, in no order that matters. */
  list(): readonly AbsentEndpoint[] {
    return [...this.#absent.values()];
  }
}
