// Options of the store gateway and their defaults.

import { MAX_TIME, MIN_TIME } from '../model/time.ts';

export interface BucketStoreConfig {
  /** Both inclusive, ms: requests are cut to this time. Asked at each request, since flags may be relative to now. */
  readonly minTime: () => number;
  readonly maxTime: () => number;
  /** Series calls served at once; others wait. 0 means no bound. */
  readonly seriesConcurrency: number;
  /** Bytes of chunks that all requests together may hold. */
  readonly chunkBytes: number;
}

export interface GatewayConfig {
  readonly syncIntervalMs: number;
  /** Blocks loaded at once. */
  readonly blockSyncConcurrency: number;
}

export const defaultBucketStoreConfig: BucketStoreConfig = {
  minTime: () => MIN_TIME,
  maxTime: () => MAX_TIME,
  seriesConcurrency: 20,
  chunkBytes: 2 * 1024 ** 3,
};

export const defaultGatewayConfig: GatewayConfig = { syncIntervalMs: 15 * 60_000, blockSyncConcurrency: 20 };
