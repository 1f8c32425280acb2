import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'vitest';
import { Fault } from '../errors/fault.ts';
import type { Bucket } from '../objstore/bucket.ts';
import { MemoryBucket } from '../objstore/memory.ts';
import { silentLogger } from '../telemetry/logger.ts';
import { Metrics } from '../telemetry/metrics.ts';
import { addBlock, metasOf, withDirectory } from './bucket-fixture.ts';
import { DownsampleService } from './downsample-service.ts';
import { noThreads } from './downsample-threads.ts';

const HOUR_MS = 3_600_000;

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
        downsample: {
          workDir: join(directory, 'downsample'),
          concurrency: 1,
          fileConcurrency: 1,
          hashFunc: 'SHA256',
          acceptsMalformedIndex: false,
          damagedBlocks: 'mark',
        },
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
