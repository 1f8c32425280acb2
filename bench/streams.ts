// The raw stream of a store: everything it has of the buckets, as a querier receives it, counted and thrown away.

import { backgroundRequest } from '../pkg/async/request.ts';
import { Matcher } from '../pkg/model/matcher.ts';
import { GrpcClient } from '../pkg/net/grpc/client.ts';
import { GrpcStoreClient } from '../pkg/store/grpc-client.ts';
import { Aggregate, type SeriesRequest } from '../pkg/store/store.ts';
import { chunkSampleCount } from '../pkg/tsdb/chunkenc/encoding.ts';
import { END_MS, START_MS } from './data.ts';

export interface StreamResult {
  readonly samples: number;
  readonly seconds: number;
}

const query: SeriesRequest = {
  minTime: START_MS,
  maxTime: END_MS - 1,
  matchers: [new Matcher('=', '__name__', 'http_request_duration_seconds_bucket')],
  maxResolutionMs: 0,
  aggregates: [Aggregate.raw],
  skipChunks: false,
  partialResponse: 'abort',
  withoutReplicaLabels: ['replica'],
  limit: 0,
  responseBatchSize: 64,
};

/** Reads the stream of one store to its end. */
export async function readStream(address: string): Promise<StreamResult> {
  const client = new GrpcClient({}, { address });
  const store = new GrpcStoreClient(client);
  try {
    const since = performance.now();
    let samples = 0;
    for await (const { series } of store.series(backgroundRequest(), query)) {
      for (const { chunks } of series) {
        for (const { table, from, to } of chunks) {
          for (let part = table.firstPart[from]; part < table.firstPart[to]; part++) {
            samples += chunkSampleCount(table.bytes, table.partOffset[part], table.partLength[part]);
          }
        }
      }
    }
    return { samples, seconds: (performance.now() - since) / 1000 };
  } finally {
    client.close();
  }
}
