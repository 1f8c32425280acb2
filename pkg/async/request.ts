// What travels with one request, through every layer and over every hop.

import type { ByteAccount } from './byte-budget.ts';
import { sharedSignal } from './deadline.ts';

export interface RequestContext {
  /** Aborts when the caller leaves, the deadline passes, or the process stops. Always passed on, never stored. */
  readonly signal: AbortSignal;
  /** For logs, metrics and limits; never decides what is visible by itself. */
  readonly tenant: string;
  /** Carried from hop to hop in `request-id`; absent for work that no request started. */
  readonly requestId?: string;
  /** Where the request counts the bytes it holds; absent where nobody set a budget. */
  readonly bytes?: ByteAccount;
}

export const DEFAULT_TENANT = 'default-tenant';

/** A context for work that no caller asked for: a sync loop, a test, a tool. Any number may listen to its signal. */
export function backgroundRequest(signal: AbortSignal = new AbortController().signal): RequestContext {
  return { signal: sharedSignal(signal), tenant: DEFAULT_TENANT };
}
