// /api/v1/query_range: an expression at every step from start to end.

import { Fault } from '../../errors/fault.ts';
import type { ApiAnswer, ApiRequest } from '../../net/http/api.ts';
import { durationParameter, type Parameters, parseTime } from '../../net/http/params.ts';
import type { RangeSpec } from '../../promql/query-spec.ts';
import type { SelectOptions } from '../config.ts';
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
import type { QueryHandlerDeps } from './query.ts';

/** More points a series than a graph has pixels: refused, so that a slip of the step does not fill memory. */
const MOST_POINTS = 11_000;

/** `/query_range`. Throws `invalid` for a parameter that is missing or wrong. */
export async function handleQueryRange(
  { engine }: Pick<QueryHandlerDeps, 'engine'>,
  config: QuerierConfig,
  { parameters, context }: ApiRequest,
): Promise<ApiAnswer> {
  const { options, spec, engineName } = readRange(parameters, config);
  const asksAnalysis = analyzeParameter(parameters);
  const result = await engine.range(context, options, { ...spec, analyzes: asksAnalysis && engineName === 'thanos' });
  return answerOf(result, {
    limit: limitParameter(parameters),
    withStats: parameters.text('stats') !== '',
    asksAnalysis,
  });
}

export interface ReadRange {
  readonly options: SelectOptions;
  readonly spec: RangeSpec;
  readonly engineName: EngineName;
}

/** What the parameters of a range query say. */
export function readRange(parameters: Parameters, config: QuerierConfig): ReadRange {
  const startMs = parseTime(parameters.text('start'));
  const endMs = parseTime(parameters.text('end'));
  if (endMs < startMs) throw new Fault('invalid', 'end timestamp must not be before start time');
  const stepMs = stepParameter(parameters, config, endMs - startMs);
  if ((endMs - startMs) / stepMs > MOST_POINTS) {
    throw new Fault(
      'invalid',
      'exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)',
    );
  }
  const timeoutMs = timeoutParameter(parameters, config);
  const automatic = stepMs / 5;
  const maxResolutionMs = maxResolutionParameter(parameters, {
    byDefault: config.autoDownsampling ? automatic : 0,
    automatic,
  });
  const options = selectOptions(parameters, config, maxResolutionMs);
  const engineName = engineParameter(parameters, config);
  const lookbackMs = lookbackFor(parameters, config, maxResolutionMs);
  const expression = parameters.text('query');
  return { options, spec: { expression, startMs, endMs, stepMs, timeoutMs, lookbackMs }, engineName };
}

/** Whole milliseconds above 0. Without the parameter: 250 steps of whole seconds, none under the configured least. */
function stepParameter(parameters: Parameters, config: QuerierConfig, rangeMs: number): number {
  const byDefault = Math.max(Math.floor(rangeMs / 1000 / 250) * 1000, config.defaultStepMs);
  const stepMs = Math.trunc(durationParameter(parameters, 'step', byDefault));
  if (stepMs <= 0) {
    throw new Fault(
      'invalid',
      'zero or negative query resolution step widths are not accepted. Try a positive integer',
    );
  }
  return stepMs;
}
