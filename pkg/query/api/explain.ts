// /api/v1/query_explain and /api/v1/query_range_explain: the plan of a query, without running it.

import { Fault } from '../../errors/fault.ts';
import type { ApiAnswer, ApiRequest } from '../../net/http/api.ts';
import type { EngineName, QuerierConfig } from '../querier-config.ts';
import { type QueryHandlerDeps, readInstant } from './query.ts';
import { readRange } from './query-range.ts';

/** `/query_explain`. Throws `invalid` for a parameter that is wrong, and for the engine that explains nothing. */
export async function handleExplain(
  { engine, now }: QueryHandlerDeps,
  config: QuerierConfig,
  { parameters }: ApiRequest,
): Promise<ApiAnswer> {
  const { options, spec, engineName } = readInstant(parameters, config, now);
  checkExplains(engineName);
  return { data: engine.explainInstant(options, spec) };
}

/** `/query_range_explain`. */
export async function handleRangeExplain(
  { engine }: Pick<QueryHandlerDeps, 'engine'>,
  config: QuerierConfig,
  { parameters }: ApiRequest,
): Promise<ApiAnswer> {
  const { options, spec, engineName } = readRange(parameters, config);
  checkExplains(engineName);
  return { data: engine.explainRange(options, spec) };
}

function checkExplains(engineName: EngineName): void {
  if (engineName !== 'thanos') throw new Fault('invalid', "engine type must be 'thanos'");
}
