// /api/v1/series: the label sets that match, each once.

import { Fault } from '../../errors/fault.ts';
import { compareLabels, type Labels } from '../../model/labels.ts';
import { MAX_TIME } from '../../model/time.ts';
import type { ApiAnswer, ApiRequest } from '../../net/http/api.ts';
import type { QuerierConfig } from '../querier-config.ts';
import { type FanOutDeps, FanOutQueryable } from '../queryable.ts';
import { TRUNCATED } from './answer.ts';
import { limitParameter, matcherSets, metadataWindow, selectOptions } from './parameters.ts';

export interface MetadataHandlerDeps extends FanOutDeps {
  /** The clock, for a window that ends now. */
  readonly now: () => number;
}

/** `/series`. Throws `invalid` without a selector. */
export async function handleSeries(
  deps: MetadataHandlerDeps,
  config: QuerierConfig,
  { parameters, context }: ApiRequest,
): Promise<ApiAnswer> {
  if (!parameters.has('match[]')) throw new Fault('invalid', 'no match[] parameter provided');
  const window = metadataWindow(parameters, config, deps.now());
  const sets = matcherSets(parameters);
  const limit = limitParameter(parameters);
  const queryable = new FanOutQueryable(deps, selectOptions(parameters, config, MAX_TIME));
  const found = new Map<string, Labels>();
  const warnings = new Set<string>();
  for (const matchers of sets) {
    // One more than wanted shows that there are more.
    const answer = await queryable.series(context, { ...window, matchers, limit: limit === 0 ? 0 : limit + 1 });
    for (const labels of answer.series) found.set(labels.key, labels);
    for (const warning of answer.warnings) warnings.add(warning);
  }
  const sorted = [...found.values()].sort(compareLabels);
  if (limit > 0 && sorted.length > limit) warnings.add(TRUNCATED);
  const data = (limit > 0 ? sorted.slice(0, limit) : sorted).map((labels) => labels.toRecord());
  return { data, warnings: [...warnings] };
}
