// The engine as scripts of the test language expect it: everything on.

import type { RequestContext } from '../../async/request.ts';
import { Engine } from '../engine.ts';
import type { Evaluate } from './run.ts';

/** Evaluates each query within `timeoutMs`, and not after the request's signal has aborted. */
export function everythingOn(request: RequestContext, timeoutMs = 100_000): Evaluate {
  const engine = new Engine({
    lookbackMs: 300_000,
    timeoutMs,
    defaultEvaluationIntervalMs: 60_000,
    experimentalFunctions: true,
    extendedRangeSelectors: true,
    fillModifiers: true,
    delayedNameRemoval: true,
    startTimestamps: true,
  });
  return (queryable, expression, times) =>
    'timeMs' in times
      ? engine.instant(request, queryable, { expression, timeMs: times.timeMs })
      : engine.range(request, queryable, { expression, ...times });
}
