// /api/v1/stores: every endpoint and its state, by component. With `details=true`, what the stores page shows: also the
// endpoints that do not answer or have left, and what each database covers.

import { int64Text } from '../../model/time.ts';
import { type ApiAnswer, type ApiRequest, apiJson } from '../../net/http/api.ts';
import { boolParameter } from '../../net/http/params.ts';
import type { EndpointDetails, EndpointStatus } from '../endpoint-details.ts';

export interface StoresHandlerDeps {
  readonly statuses: () => readonly EndpointStatus[];
  readonly details: () => readonly EndpointDetails[];
}

/** Times of the int64 limits are written in full, which a JSON number of ours cannot hold: so the text is made here. */
export async function handleStores(deps: StoresHandlerDeps, { parameters }: ApiRequest): Promise<ApiAnswer> {
  const isDetailed = boolParameter(parameters, 'details', false);
  return { chunks: [isDetailed ? byComponent(deps.details(), detailsJson) : byComponent(deps.statuses(), statusJson)] };
}

function byComponent<T extends EndpointStatus>(endpoints: readonly T[], json: (endpoint: T) => string): string {
  const lists = new Map<string, string[]>();
  for (const endpoint of endpoints) {
    const texts = lists.get(endpoint.component) ?? [];
    texts.push(json(endpoint));
    lists.set(endpoint.component, texts);
  }
  return `{${[...lists].map(([component, texts]) => `${apiJson(component)}:[${texts.join(',')}]`).join(',')}}`;
}

function statusJson({ name, lastCheckMs, lastError, labelSets, minTime, maxTime }: EndpointStatus): string {
  const head = apiJson({
    name,
    lastCheck: new Date(lastCheckMs).toISOString(),
    lastError: lastError ?? null,
    labelSets: labelSets.map((labels) => labels.toRecord()),
  });
  return `${head.slice(0, -1)},"minTime":${int64Text(minTime)},"maxTime":${int64Text(maxTime)}}`;
}

/** The reference's members, then ours. */
function detailsJson(details: EndpointDetails): string {
  const { lastGoodMs, state, isStrict, isDiscovered, hasStore, tsdbInfos } = details;
  const more = apiJson({
    lastAnswer: lastGoodMs === undefined ? null : new Date(lastGoodMs).toISOString(),
    state,
    isStrict,
    isDiscovered,
    hasStore,
  });
  const ranges = tsdbInfos.map(
    ({ labels, minTime, maxTime }) =>
      `{"labels":${apiJson(labels.toRecord())},"minTime":${int64Text(minTime)},"maxTime":${int64Text(maxTime)}}`,
  );
  return `${statusJson(details).slice(0, -1)},${more.slice(1, -1)},"ranges":[${ranges.join(',')}]}`;
}
