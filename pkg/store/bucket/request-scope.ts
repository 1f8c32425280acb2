// A request under a signal of its own, so that what it holds on to of the caller's can be let go.

import { linked } from '../../async/deadline.ts';
import type { RequestContext } from '../../async/request.ts';

export interface RequestScope {
  readonly request: RequestContext;
  /** Lets go of the caller's signal. Call it in `finally`. */
  release(): void;
}

/** The same request; its signal aborts when the caller's does. */
export function scopeOf(request: RequestContext): RequestScope {
  const link = linked(request.signal);
  return { request: { ...request, signal: link.signal }, release: () => link.release() };
}
