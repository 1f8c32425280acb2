// The Status service: its method and messages.

import { codecOf } from './codec.ts';
import type * as thanos from './generated/thanos.ts';
import type { Method } from './method.ts';

export type TSDBStatisticsRequest = thanos.TSDBStatisticsRequest;
export type TSDBStatisticsResponse = thanos.TSDBStatisticsResponse;
export type TSDBStatisticsEntry = thanos.TSDBStatisticsEntry;
export type Statistic = thanos.Statistic;

export const STATUS_SERVICE = 'thanos.Status';

export const tsdbStatisticsMethod: Method<TSDBStatisticsRequest, TSDBStatisticsResponse> = {
  path: '/thanos.Status/TSDBStatistics',
  kind: 'server-stream',
  request: codecOf<TSDBStatisticsRequest>('thanos.TSDBStatisticsRequest'),
  response: codecOf<TSDBStatisticsResponse>('thanos.TSDBStatisticsResponse'),
};
