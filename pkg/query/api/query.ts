// /api/v1/query: an expression at one time.

import type { ApiAnswer, ApiRequest } from '../../net/http/api.ts';
import { timeParameter } from '../../net/http/params.ts';
import type { QueryEngine } from '../engine.ts';
import type { QuerierConfig } from '../querier-config.ts';
import { answerOf } from './answer.ts';
import {
  checkEngine,
  limitParameter,
  lookbackFor,
  maxResolutionParameter,
  selectOptions,
  timeoutParameter,
} from './parameters.ts';

export interface QueryHandlerDeps {
  readonly engine: QueryEngine;
  /** The clock, for `time` left out. */
  readonly now: () => number;
}

/** `/query`. Throws `invalid` for a parameter that is missing or wrong. */
export async function handleQuery(
  { engine, now }: QueryHandlerDeps,
  config: QuerierConfig,
  { parameters, context }: ApiRequest,
): Promise<ApiAnswer> {
  const timeMs = timeParameter(parameters, 'time', now());
  const timeoutMs = timeoutParameter(parameters, config);
  const instantDefault = config.instantMaxResolutionMs;
  const maxResolutionMs = maxResolutionParameter(parameters, {
    byDefault: config.autoDownsampling ? instantDefault : 0,
    automatic: instantDefault,
  });
  const options = selectOptions(parameters, config, maxResolutionMs);
  checkEngine(parameters);
  const result = await engine.instant(context, options, {
    expression: parameters.text('query'),
    timeMs,
    timeoutMs,
    lookbackMs: lookbackFor(parameters, config, maxResolutionMs),
  });
  return answerOf(result, { limit: limitParameter(parameters), withStats: parameters.text('stats') !== '' });
}
