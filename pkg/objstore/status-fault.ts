// What a status of HTTP means for a bucket, as a Fault that retries and callers understand.

import { Fault, type FaultKind } from '../errors/fault.ts';
import { RETRY_AFTER_FACT, THROTTLED_FACT } from './retry-policy.ts';

export interface RefusedAnswer {
  readonly status: number;
  /** The server's own word for it; '' = none. */
  readonly code: string;
  readonly words: string;
  /** Whether the code says that we are too fast; status 429 says so by itself. */
  readonly isThrottled?: boolean;
  readonly retryAfterMs?: number;
  readonly cause?: unknown;
}

/** A Fault whose facts carry the status, the server's code, and whether it found us too fast. */
export function statusFault(what: string, answer: RefusedAnswer): Fault {
  const { status, code, words, cause, retryAfterMs = 0 } = answer;
  const isThrottled = status === 429 || answer.isThrottled === true;
  return new Fault(kindOfStatus(status, code), `${what}: ${code === '' ? `status ${status}` : code}: ${words}`, {
    cause,
    facts: {
      status,
      ...(code === '' ? {} : { code }),
      ...(isThrottled ? { [THROTTLED_FACT]: true, [RETRY_AFTER_FACT]: retryAfterMs } : {}),
    },
  });
}

function kindOfStatus(status: number, code: string): FaultKind {
  if (status === 404) return 'not-found';
  if (status === 401 || status === 403) return 'denied';
  if (status === 409 || status === 412) return 'conflict';
  if (status === 408 || status === 429 || status >= 499 || code === 'RequestTimeout') return 'unavailable';
  return 'invalid';
}
