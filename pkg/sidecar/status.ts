// What the head of the Prometheus beside us holds most of.

import type { RequestContext } from '../async/request.ts';
import { tsdbStatusOf } from '../promclient/admin-api.ts';
import type { PrometheusClient } from '../promclient/client.ts';
import { parseTsdbStatus, type TsdbStatisticsAnswer, type TsdbStatisticsQuery } from '../store/tsdb-statistics.ts';
import type { PrometheusState } from './prometheus-state.ts';

/** Nothing when the external labels do not fit, or the Prometheus is too old to tell. */
export async function headStatistics(
  request: RequestContext,
  deps: { readonly client: PrometheusClient; readonly state: Pick<PrometheusState, 'mustBeReady' | 'externalLabels'> },
  { limit, matchers }: TsdbStatisticsQuery,
): Promise<TsdbStatisticsAnswer> {
  deps.state.mustBeReady();
  const labels = deps.state.externalLabels;
  if (!matchers.every((matcher) => matcher.matches(labels.get(matcher.name)))) return { databases: [], warnings: [] };
  const status = await tsdbStatusOf(request, deps.client, limit > 0 ? limit : DEFAULT_LIMIT);
  return { databases: status === undefined ? [] : [parseTsdbStatus(status)], warnings: [] };
}

const DEFAULT_LIMIT = 10;
