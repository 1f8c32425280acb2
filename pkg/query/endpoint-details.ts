// What is known of one endpoint, and what of it is shown.

import type { RequestContext } from '../async/request.ts';
import type { Labels } from '../model/labels.ts';
import { MAX_TIME, MIN_TIME } from '../model/time.ts';
import type { Store, StoreInfo } from '../store/store.ts';
import type { TsdbStatisticsAnswer, TsdbStatisticsQuery } from '../store/tsdb-statistics.ts';
import type { AbsentEndpoint } from './endpoint-memory.ts';

/** One address the configuration or discovery names. */
export interface EndpointSpec {
  readonly address: string;
  /** Always used, also when it does not answer. */
  readonly strict: boolean;
  /** Came out of a look-up: when it is gone from there, it is still expected for a while. */
  readonly dynamic: boolean;
}

/** A connection to one endpoint. */
export interface EndpointClient extends Store {
  info(request: RequestContext): Promise<StoreInfo>;
  /** Of its databases' heads; only asked for where the endpoint says that it has the Status API. */
  tsdbStatistics?(request: RequestContext, query: TsdbStatisticsQuery): Promise<TsdbStatisticsAnswer>;
  close(): Promise<void>;
}

/** One endpoint from its first dial to its removal. */
export interface Member {
  readonly spec: EndpointSpec;
  readonly client: EndpointClient;
  info: StoreInfo | undefined;
  isHealthy: boolean;
  lastGoodMs: number;
  lastTriedMs: number;
  lastError: string | undefined;
}

/** What `/api/v1/stores` shows of one endpoint. */
export interface EndpointStatus {
  /** The address. */
  readonly name: string;
  /** Key of the answer: `sidecar`, `store`, ... or `unknown-store-api`. */
  readonly component: string;
  readonly labelSets: readonly Labels[];
  readonly minTime: number;
  readonly maxTime: number;
  readonly lastCheckMs: number;
  readonly lastError: string | undefined;
}

/** What the stores page shows besides. */
export interface EndpointDetails extends EndpointStatus {
  /** Unix ms of the last answer; undefined when there never was one. */
  readonly lastGoodMs: number | undefined;
  /** `up`; `down`: asked for, and does not answer; `left`: gone from configuration or discovery. */
  readonly state: 'up' | 'down' | 'left';
  readonly isStrict: boolean;
  readonly isDiscovered: boolean;
  /** False: it has no data of its own to ask for, such as a ruler without a database. */
  readonly hasStore: boolean;
  /** What each database behind it covers. */
  readonly tsdbInfos: NonNullable<StoreInfo['store']>['tsdbInfos'];
}

const UNKNOWN_COMPONENT = 'unknown-store-api';
const knownComponents: ReadonlySet<string> = new Set(['sidecar', 'rule', 'query', 'store', 'receive', 'debug']);

/** What an endpoint that has answered is in the reference's list. */
export function statusOf({ spec, info, lastGoodMs, lastError }: Member): EndpointStatus {
  const { component, labelSets, minTime, maxTime } = announced(info);
  return { name: spec.address, component, labelSets, minTime, maxTime, lastCheckMs: lastGoodMs, lastError };
}

/** What a member is in ours. */
export function detailsOf({ spec, info, isHealthy, lastGoodMs, lastTriedMs, lastError }: Member): EndpointDetails {
  return {
    name: spec.address,
    ...announced(info),
    lastCheckMs: lastTriedMs,
    lastGoodMs: info === undefined ? undefined : lastGoodMs,
    lastError,
    state: isHealthy ? 'up' : 'down',
    isStrict: spec.strict,
    isDiscovered: spec.dynamic,
  };
}

/** What one that is no member is. */
export function absentDetails({
  address,
  isExpected,
  isDiscovered,
  info,
  lastGoodMs,
  sinceMs,
  lastError,
}: AbsentEndpoint): EndpointDetails {
  return {
    name: address,
    ...announced(info),
    lastCheckMs: sinceMs,
    lastGoodMs,
    lastError,
    state: isExpected ? 'down' : 'left',
    isStrict: false,
    isDiscovered,
  };
}

function announced(info: StoreInfo | undefined) {
  return {
    component: info === undefined ? UNKNOWN_COMPONENT : componentOf(info),
    labelSets: info?.labelSets ?? [],
    minTime: info?.store?.minTime ?? MIN_TIME,
    maxTime: info?.store?.maxTime ?? MAX_TIME,
    hasStore: info?.store !== undefined,
    tsdbInfos: info?.store?.tsdbInfos ?? [],
  };
}

/** The component in the words of the list. */
export function componentOf(info: StoreInfo): string {
  return knownComponents.has(info.component) ? info.component : UNKNOWN_COMPONENT;
}
