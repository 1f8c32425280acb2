// What a sidecar announces of itself.

import type { StoreInfo } from '../store/store.ts';
import type { PrometheusState } from './prometheus-state.ts';

/** The Info answer. Throws `unavailable` while Prometheus does not answer, so that queriers leave us out. */
export function sidecarInfo(state: PrometheusState): StoreInfo {
  state.mustBeReady();
  const labels = state.externalLabels;
  const { minTime, maxTime } = state;
  return {
    component: 'sidecar',
    labelSets: [labels],
    store: {
      minTime,
      maxTime,
      supportsSharding: true,
      supportsWithoutReplicaLabels: true,
      tsdbInfos: [{ labels, minTime, maxTime }],
    },
    otherApis: ['status'],
  };
}
