// Prometheus remote read: codecs of the request and of both kinds of answer. Frames of a streamed answer that must not
// become an object per chunk are read by chunked-read-frame.ts.

import { codecOf } from './codec.ts';
import type * as prometheus from './generated/prometheus.ts';

export type ReadRequest = prometheus.ReadRequest;
export type ReadResponse = prometheus.ReadResponse;
export type ChunkedReadResponse = prometheus.ChunkedReadResponse;
export type TimeSeries = prometheus.TimeSeries;
export type Histogram = prometheus.Histogram;

/** Numbers of ReadRequest.ResponseType. */
export const ReadResponseType = { samples: 0, streamedXorChunks: 1 } as const;

export const readRequestCodec = codecOf<ReadRequest>('prometheus.ReadRequest');
export const readResponseCodec = codecOf<ReadResponse>('prometheus.ReadResponse');
export const chunkedReadResponseCodec = codecOf<ChunkedReadResponse>('prometheus.ChunkedReadResponse');
