// What a querier announces of itself to queriers above it: everything its own endpoints announce.

import { Labels } from '../model/labels.ts';
import { MAX_TIME, MIN_TIME } from '../model/time.ts';
import type { Endpoint } from '../store/endpoint.ts';
import type { StoreInfo, TsdbInfo } from '../store/store.ts';

/** `selectorLabels` stand on every label set; without any endpoint they are the only set. */
export function querierInfo(endpoints: readonly Endpoint[], selectorLabels: Labels): StoreInfo {
  const present = endpoints.filter((endpoint) => endpoint.missing === undefined);
  const tsdbInfos: TsdbInfo[] = present.flatMap(({ labelSets, mayHoldOthers, minTime, maxTime }) =>
    [...labelSets, ...(mayHoldOthers === true ? [Labels.empty] : [])].map((labels) => ({
      labels: labels.with(selectorLabels),
      minTime,
      maxTime,
    })),
  );
  const named = tsdbInfos.filter(({ labels }) => labels.size > 0);
  const labelSets = new Map(named.map(({ labels }) => [labels.key, labels]));
  if (present.length === 0 && selectorLabels.size > 0) labelSets.set(selectorLabels.key, selectorLabels);
  return {
    component: 'query',
    labelSets: [...labelSets.values()],
    store: {
      minTime: present.length === 0 ? MIN_TIME : Math.min(...present.map(({ minTime }) => minTime)),
      maxTime: present.length === 0 ? MAX_TIME : Math.max(...present.map(({ maxTime }) => maxTime)),
      supportsSharding: true,
      supportsWithoutReplicaLabels: true,
      tsdbInfos,
    },
    otherApis: [],
  };
}
