// /api/v1/query: an expression at one time.

import type { ApiAnswer, ApiRequest } from '../../net/http/api.ts';
import { type Parameters, timeParameter } from '../../net/http/params.ts';
import type { InstantSpec } from '../../promql/query-spec.ts';
import type { SelectOptions } from '../config.ts';
import type { QueryEngine } from '../engine.ts';
import type { EngineName, QuerierConfig } from '../querier-config.ts';
import { answerOf } from './answer.ts';
import {
  analyzeParameter,
  engineParameter,
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
  const { options, spec, engineName } = readInstant(parameters, config, now);
  const asksAnalysis = analyzeParameter(parameters);
  const result = await engine.instant(context, options, { ...spec, analyzes: asksAnalysis && engineName === 'thanos' });
  return answerOf(result, {
    limit: limitParameter(parameters),
    withStats: parameters.text('stats') !== '',
    asksAnalysis,
  });
}

export interface ReadInstant {
  readonly options: SelectOptions;
  readonly spec: InstantSpec;
  readonly engineName: EngineName;
}

/** What the parameters of an instant query say. */
export function readInstant(parameters: Parameters, config: QuerierConfig, now: () => number): ReadInstant {
  const timeMs = timeParameter(parameters, 'time', now());
  const timeoutMs = timeoutParameter(parameters, config);
  const instantDefault = config.instantMaxResolutionMs;
  const maxResolutionMs = maxResolutionParameter(parameters, {
    byDefault: config.autoDownsampling ? instantDefault : 0,
    automatic: instantDefault,
  });
  const options = selectOptions(parameters, config, maxResolutionMs);
  const engineName = engineParameter(parameters, config);
  const lookbackMs = lookbackFor(parameters, config, maxResolutionMs);
  return { options, spec: { expression: parameters.text('query'), timeMs, timeoutMs, lookbackMs }, engineName };
}
