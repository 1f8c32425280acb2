// /api/v1/stores: every endpoint and its state, by component.

import { int64Text } from '../../model/time.ts';
import { type ApiAnswer, apiJson } from '../../net/http/api.ts';
import type { EndpointStatus } from '../endpoint-set.ts';

/** Times of the int64 limits are written in full, which a JSON number of ours cannot hold: so the text is made here. */
export async function handleStores(statuses: () => readonly EndpointStatus[]): Promise<ApiAnswer> {
  const byComponent = new Map<string, string[]>();
  for (const status of statuses()) {
    const texts = byComponent.get(status.component) ?? [];
    texts.push(statusJson(status));
    byComponent.set(status.component, texts);
  }
  const members = [...byComponent].map(([component, texts]) => `${apiJson(component)}:[${texts.join(',')}]`);
  return { chunks: [`{${members.join(',')}}`] };
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
