// The Info service: what this process is, and which services it has. A client takes a service for present exactly when
// its message is, so the empty ones are there too.

import { Fault } from '../errors/fault.ts';
import { bindUnary, type GrpcService } from '../net/grpc/service.ts';
import type { Init } from '../proto/codec.ts';
import { INFO_SERVICE, type InfoResponse, infoMethod } from '../proto/info-service.ts';
import { int64Field, numberOf } from '../proto/int64.ts';
import { labelMessages, labelsOf } from '../proto/labels.ts';
import type { StoreInfo } from './store.ts';

/** What Info says while the process is not ready: clients leave the endpoint alone, where a guess would draw queries. */
export function notReady(): Fault {
  return new Fault('unavailable', 'Not ready', { facts: { grpcCode: 2 } });
}

/** Asks `info` anew for each call; what it throws is the answer (`notReady()` while there is nothing to say). */
export function infoService(info: () => StoreInfo | Promise<StoreInfo>): GrpcService {
  return {
    name: INFO_SERVICE,
    methods: [bindUnary(infoMethod, async () => infoMessage(await info()))],
  };
}

/** Names of `otherApis` and their fields. */
const apis = [
  ['rules', 'rules'],
  ['metadata', 'metric_metadata'],
  ['targets', 'targets'],
  ['exemplars', 'exemplars'],
  ['query', 'query'],
  ['status', 'status'],
] as const;

/** The answer to an Info call. */
export function infoMessage(info: StoreInfo): Init<InfoResponse> {
  const { store } = info;
  const others: { [field in (typeof apis)[number][1]]?: object } = {};
  for (const [name, field] of apis) if (info.otherApis.includes(name)) others[field] = {};
  return {
    label_sets: info.labelSets.map((labels) => ({ labels: labelMessages(labels) })),
    ComponentType: info.component || undefined,
    store: store && {
      min_time: int64Field(store.minTime),
      max_time: int64Field(store.maxTime),
      supports_sharding: store.supportsSharding || undefined,
      supports_without_replica_labels: store.supportsWithoutReplicaLabels || undefined,
      tsdb_infos: store.tsdbInfos.map(({ labels, minTime, maxTime }) => ({
        labels: { labels: labelMessages(labels) },
        min_time: int64Field(minTime),
        max_time: int64Field(maxTime),
      })),
    },
    ...others,
  };
}

/** Label sets without labels say nothing and are left out. */
export function infoOf(message: InfoResponse): StoreInfo {
  const { store } = message;
  return {
    component: message.ComponentType,
    labelSets: message.label_sets.map((set) => labelsOf(set.labels)).filter((labels) => labels.size > 0),
    ...(store === null
      ? {}
      : {
          store: {
            minTime: numberOf(store.min_time),
            maxTime: numberOf(store.max_time),
            supportsSharding: store.supports_sharding,
            supportsWithoutReplicaLabels: store.supports_without_replica_labels,
            tsdbInfos: store.tsdb_infos.map((tsdb) => ({
              labels: labelsOf(tsdb.labels?.labels ?? []),
              minTime: numberOf(tsdb.min_time),
              maxTime: numberOf(tsdb.max_time),
            })),
          },
        }),
    otherApis: apis.filter(([, field]) => message[field] !== null).map(([name]) => name),
  };
}
