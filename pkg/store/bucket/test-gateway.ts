// Tests: a gateway over a directory of blocks, without the parts that decide what is listed.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '../../async/clock.ts';
import { backgroundRequest, type RequestContext } from '../../async/request.ts';
import type { FetchedBlocks } from '../../block/fetcher.ts';
import { ReaderPool } from '../../block/index-header/reader-pool.ts';
import { type BlockMeta, parseMeta } from '../../block/meta.ts';
import { IndexCache } from '../../cache/index-cache.ts';
import { type Bucket, readAll } from '../../objstore/bucket.ts';
import type { Logger } from '../../telemetry/logger.ts';
import { silentLogger } from '../../telemetry/logger.ts';
import { Metrics } from '../../telemetry/metrics.ts';
import { type BucketStoreConfig, defaultBucketStoreConfig, defaultGatewayConfig } from '../config.ts';
import { StoreGateway } from '../gateway.ts';

export interface TestGateway {
  readonly gateway: StoreGateway;
  readonly metrics: Metrics;
  readonly pool: ReaderPool;
  readonly dataDir: string;
  close(): Promise<void>;
}

export interface TestGatewayOptions extends Partial<BucketStoreConfig> {
  readonly logger?: Logger;
  /** Changes metas on their way. */
  readonly meta?: (meta: BlockMeta) => BlockMeta;
  readonly readerBytes?: number;
  /** What is to be served, in place of every block. */
  readonly fetch?: (request: RequestContext) => Promise<FetchedBlocks>;
  readonly clock?: Clock;
}

/** Every block with a meta.json. */
export async function fetchAll(
  request: RequestContext,
  bucket: Bucket,
  change: (meta: BlockMeta) => BlockMeta = (meta) => meta,
): Promise<FetchedBlocks> {
  const metas = new Map<string, BlockMeta>();
  for await (const { name } of bucket.list(request, '')) {
    if (!name.endsWith('/') || !(await bucket.exists(request, `${name}meta.json`))) continue;
    const meta = change(parseMeta(await readAll(request, bucket, `${name}meta.json`)));
    metas.set(meta.ulid, meta);
  }
  return { metas, partial: new Map(), unseen: new Map(), incomplete: undefined };
}

export async function testGateway(bucket: Bucket, options: TestGatewayOptions = {}): Promise<TestGateway> {
  const dataDir = mkdtempSync(join(tmpdir(), 'store-gateway-'));
  const metrics = new Metrics();
  const logger = options.logger ?? silentLogger;
  const pool = new ReaderPool(
    { bucket, logger },
    {
      directory: dataDir,
      pageCacheBytes: 1024 * 1024,
      readerBytes: options.readerBytes ?? 16 * 1024 * 1024,
      keepFiles: true,
    },
  );
  const gateway = new StoreGateway(
    {
      bucket,
      fetcher: { fetch: options.fetch ?? ((request) => fetchAll(request, bucket, options.meta)) },
      pool,
      cache: new IndexCache({ maxBytes: 4 * 1024 * 1024, maxItemBytes: 1024 * 1024 }, metrics),
      logger,
      metrics,
      clock: options.clock,
    },
    { ...defaultGatewayConfig, ...defaultBucketStoreConfig, ...options },
  );
  pool.start();
  await gateway.sync(backgroundRequest());
  return {
    gateway,
    metrics,
    pool,
    dataDir,
    async close() {
      await gateway.stop();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}
