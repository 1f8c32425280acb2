// /api/v1/labels and /api/v1/label/<name>/values: names and values over every endpoint.

import { compareUtf8 } from '../../bytes/compare.ts';
import { Fault } from '../../errors/fault.ts';
import type { Matcher } from '../../model/matcher.ts';
import type { ApiAnswer, ApiRequest } from '../../net/http/api.ts';
import type { LabelAnswer, LabelQuery } from '../../storage/querier.ts';
import type { QuerierConfig } from '../querier-config.ts';
import { FanOutQueryable } from '../queryable.ts';
import { TRUNCATED } from './answer.ts';
import { limitParameter, matcherSets, metadataWindow, selectOptions } from './parameters.ts';
import type { MetadataHandlerDeps } from './series.ts';

/** `/labels`. */
export function handleLabelNames(
  deps: MetadataHandlerDeps,
  config: QuerierConfig,
  request: ApiRequest,
): Promise<ApiAnswer> {
  return labelAnswer(deps, config, request, (queryable, query) => queryable.labelNames(request.context, query));
}

/** `/label/<name>/values`. Throws `invalid` for a name that cannot be one. */
export async function handleLabelValues(
  deps: MetadataHandlerDeps,
  config: QuerierConfig,
  request: ApiRequest,
): Promise<ApiAnswer> {
  const name = request.pathParameters['name'] ?? '';
  if (name === '' || name.includes('\ufffd')) {
    throw new Fault('invalid', `invalid label name: ${JSON.stringify(name)}`);
  }
  return labelAnswer(deps, config, request, (queryable, query) => queryable.labelValues(request.context, name, query));
}

async function labelAnswer(
  deps: MetadataHandlerDeps,
  config: QuerierConfig,
  { parameters }: ApiRequest,
  ask: (queryable: FanOutQueryable, query: LabelQuery) => Promise<LabelAnswer>,
): Promise<ApiAnswer> {
  const window = metadataWindow(parameters, config, deps.now());
  const limit = limitParameter(parameters);
  const sets: readonly (readonly Matcher[])[] = parameters.has('match[]') ? matcherSets(parameters) : [[]];
  const queryable = new FanOutQueryable(deps, selectOptions(parameters, config, 0));
  const values = new Set<string>();
  const warnings = new Set<string>();
  for (const matchers of sets) {
    // One more than wanted shows that there are more.
    const answer = await ask(queryable, { ...window, matchers, limit: limit === 0 ? 0 : limit + 1 });
    for (const value of answer.values) values.add(value);
    for (const warning of answer.warnings) warnings.add(warning);
  }
  const sorted = [...values].sort(compareUtf8);
  if (limit > 0 && sorted.length > limit) warnings.add(TRUNCATED);
  return { data: limit > 0 ? sorted.slice(0, limit) : sorted, warnings: [...warnings] };
}
