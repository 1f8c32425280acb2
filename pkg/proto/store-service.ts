// The Store service: its methods and messages. Series answers travel as raw frames: series-frame.ts reads and writes them.

import { codecOf, type Init, rawCodec } from './codec.ts';
import type * as thanos from './generated/thanos.ts';
import type { Method } from './method.ts';

export type LabelMatcher = thanos.LabelMatcher;
export type Label = thanos.Label;
export type SeriesRequest = thanos.SeriesRequest;
export type SeriesResponse = thanos.SeriesResponse;
export type LabelNamesRequest = thanos.LabelNamesRequest;
export type LabelNamesResponse = thanos.LabelNamesResponse;
export type LabelValuesRequest = thanos.LabelValuesRequest;
export type LabelValuesResponse = thanos.LabelValuesResponse;

/** Numbers of PartialResponseStrategy. */
export const PartialResponse = { warn: 0, abort: 1 } as const;

export const STORE_SERVICE = 'thanos.Store';

/** A whole Series frame through protobufjs: for tests, and for frames that carry no series. */
export const seriesResponseCodec = codecOf<SeriesResponse>('thanos.SeriesResponse');

export const seriesMethod: Method<SeriesRequest, Uint8Array, Init<SeriesRequest>, Uint8Array> = {
  path: '/thanos.Store/Series',
  kind: 'server-stream',
  request: codecOf<SeriesRequest>('thanos.SeriesRequest'),
  response: rawCodec,
};

export const labelNamesMethod: Method<LabelNamesRequest, LabelNamesResponse> = {
  path: '/thanos.Store/LabelNames',
  kind: 'unary',
  request: codecOf<LabelNamesRequest>('thanos.LabelNamesRequest'),
  response: codecOf<LabelNamesResponse>('thanos.LabelNamesResponse'),
};

export const labelValuesMethod: Method<LabelValuesRequest, LabelValuesResponse> = {
  path: '/thanos.Store/LabelValues',
  kind: 'unary',
  request: codecOf<LabelValuesRequest>('thanos.LabelValuesRequest'),
  response: codecOf<LabelValuesResponse>('thanos.LabelValuesResponse'),
};
