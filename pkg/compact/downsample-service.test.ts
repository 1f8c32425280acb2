import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, test } from 'vitest';
import { backgroundRequest } from '../async/request.ts';
import { MetaFetcher } from '../block/fetcher.ts';
import { DeduplicateFilter } from '../block/filters/deduplicate.ts';
import { Fault } from '../errors/fault.ts';
import type { Bucket } from '../objstore/bucket.ts';
import { MemoryBucket } from '../objstore/memory.ts';
import { silentLogger } from '../telemetry/logger.ts';
import { Metrics } from '../telemetry/metrics.ts';
import { aggregatesOf } from './aggregates-fixture.ts';
import { addBlock, compactorOver, metasOf, samplesOf, withDirectory } from './bucket-fixture.ts';
import { DownsampleService } from './downsample-service.ts';
import { type DownsampleThreads, noThreads } from './downsample-threads.ts';
import { Downsampler } from './downsampler.ts';
import { noGuard } from './lease.ts';
import { compactMeters } from './meters.ts';

const HOUR_MS = 3_600_000;
const forever = new AbortController().signal;
const downsample = {
  concurrency: 1,
  fileConcurrency: 1,
  hashFunc: 'SHA256',
  acceptsMalformedIndex: false,
  damagedBlocks: 'mark',
} as const;

test('downsampling goes on pass after pass, also after one that failed, until it is stopped', () =>
  withDirectory(async (directory) => {
    const bucket = new MemoryBucket();
    const block = { labels: { stream: '1' }, series: ['a'], stepMs: HOUR_MS };
    await addBlock(bucket, { ...block, ulid: '01HZP0000000000000000000AA', hours: [0, 264] });
    let fails = true;
    const flaky: Bucket = new Proxy(bucket, {
      get(target, key) {
        if (key === 'list' && fails) {
          return () => {
            fails = false;
            throw new Fault('unavailable', 'no bucket just now');
          };
        }
        const value: unknown = Reflect.get(target, key, target);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
    const stop = new AbortController();
    const counts: number[] = [];
    const clock = {
      now: () => 0,
      sleep: async (ms: number) => {
        assert.equal(ms, 5);
        counts.push((await metasOf(bucket)).size);
        if (counts.length === 3) stop.abort();
      },
    };
    const logger = silentLogger;
    const metrics = new Metrics();
    const service = new DownsampleService(
      { bucket: flaky, logger, metrics, threads: noThreads, clock },
      {
        downsample: { ...downsample, workDir: join(directory, 'downsample') },
        waitIntervalMs: 5,
        metaConcurrency: 4,
        dataDir: directory,
      },
    );
    const tasks: Promise<void>[] = [];
    await service.start({
      signal: stop.signal,
      spawn: (_name, task) => tasks.push(task(stop.signal)),
      ready: () => {},
      unready: () => {},
    });
    await Promise.all(tasks);
    await service.stop();
    assert.deepEqual(counts, [1, 3, 3]);
    const made = [...(await metasOf(bucket)).values()].filter(({ thanos }) => thanos.resolutionMs > 0);
    assert.ok(
      made.every(({ thanos }) => thanos.files.every(({ relPath, sha256 }) => relPath === 'meta.json' || sha256 !== '')),
    );
    const text = await metrics.text();
    assert.match(text, /^thanos_compact_downsample_total\{resolution="0"\} 1$/m);
    assert.match(text, /^thanos_compact_downsample_total\{resolution="300000"\} 1$/m);
    assert.match(text, /^thanos_compact_downsample_failures_total\{resolution="0"\} 0$/m);
  }));

describe('downsampling without a lease', () => {
  const ulid = (n: number): string => `01HZP000000000000000000A${String(n).padStart(2, '0')}`;

  /** Eight blocks of two days: seven make one of two weeks, and the last settles them. */
  async function compactable(): Promise<MemoryBucket> {
    const bucket = new MemoryBucket();
    for (let i = 0; i < 8; i++) {
      const block = { labels: { stream: '1' }, series: ['a', 'b'], stepMs: HOUR_MS, ulid: ulid(i) };
      await addBlock(bucket, { ...block, hours: [48 * i, 48] as const });
    }
    return bucket;
  }

  /** Blocks as a reader sees them, the hidden ones left out, with all that they hold. */
  async function visible(bucket: Bucket): Promise<readonly string[]> {
    const metas = await metasOf(bucket);
    await new DeduplicateFilter().filter(backgroundRequest(), metas, { state: () => {}, modified: () => {} });
    const lines: string[] = [];
    for (const [name, { thanos, minTime, maxTime }] of metas) {
      const held = thanos.resolutionMs === 0 ? '' : (await aggregatesOf(bucket, name)).join('\n');
      lines.push(`${thanos.resolutionMs} ${minTime}-${maxTime} ${held}`);
    }
    return [...lines, ...(await samplesOf(bucket))].sort();
  }

  /** What comes of it when nobody is in the way. */
  async function undisturbed(make: () => Promise<MemoryBucket>): Promise<readonly string[]> {
    return withDirectory(async (workDir) => {
      const bucket = await make();
      await compactorOver(bucket, workDir, { downsamples: true }).pass(forever);
      return visible(bucket);
    });
  }

  /** Threads that wait for something before the first job. */
  function waiting(before: () => Promise<void>): DownsampleThreads {
    let isFirst = true;
    return {
      ...noThreads,
      run: async (signal, job, onProgress) => {
        if (isFirst) {
          isFirst = false;
          await before();
        }
        return noThreads.run(signal, job, onProgress);
      },
    };
  }

  test('twice at once makes blocks twice, of which one is seen, and the compactor takes the other away', () =>
    withDirectory(async (workDir) => {
      const make = async (): Promise<MemoryBucket> => {
        const bucket = new MemoryBucket();
        const block = { labels: { stream: '1' }, series: ['a', 'b'], stepMs: HOUR_MS, ulid: ulid(0) };
        await addBlock(bucket, { ...block, hours: [0, 48] });
        return bucket;
      };
      const wanted = await undisturbed(make);
      const bucket = await make();
      let arrived = 0;
      let open: () => void = () => {};
      const both = new Promise<void>((resolve) => {
        open = resolve;
      });
      const passes = ['a', 'b'].map((name) => {
        const downsampleThreads = waiting(async () => {
          if (++arrived === 2) open();
          await both;
        });
        return compactorOver(bucket, join(workDir, name), { downsamples: true, downsampleThreads }).pass(forever);
      });
      await Promise.all(passes);
      assert.equal((await metasOf(bucket)).size, 3);
      assert.deepEqual(await visible(bucket), wanted);
      await compactorOver(bucket, workDir, { downsamples: true }).pass(forever);
      assert.equal((await metasOf(bucket)).size, 2);
      assert.deepEqual(await visible(bucket), wanted);
    }));

  test('of blocks that the compactor merges and deletes meanwhile leaves nothing twice and blames no block', () =>
    withDirectory(async (workDir) => {
      const wanted = await undisturbed(compactable);
      const bucket = await compactable();
      const downsampleThreads = waiting(() => compactorOver(bucket, join(workDir, 'c')).pass(forever));
      // Blocks that are gone when their turn comes fail, and are not marked.
      const metrics = new Metrics();
      const marker = { bucket, logger: silentLogger, meters: compactMeters(metrics), now: () => 0, guard: noGuard };
      const fetcher = new MetaFetcher(
        { bucket, logger: silentLogger, metrics, filters: [new DeduplicateFilter()] },
        { strategy: 'concurrent', concurrency: 4 },
      );
      const downsampler = new Downsampler(
        {
          marker,
          metrics,
          threads: downsampleThreads,
          sync: async (context) => ({
            metas: (await fetcher.fetch(context)).metas,
            noCompactMarks: new Map(),
            noDownsampleMarks: new Map(),
          }),
        },
        { ...downsample, workDir: join(workDir, 'downsample') },
      );
      await downsampler.pass(backgroundRequest(), []);
      const names: string[] = [];
      for await (const { name } of bucket.list(backgroundRequest(), '', { recursive: true })) names.push(name);
      assert.deepEqual(
        names.filter((name) => name.includes('-mark')),
        [],
      );
      await compactorOver(bucket, workDir, { downsamples: true }).pass(forever);
      assert.deepEqual(await visible(bucket), wanted);
    }));
});
