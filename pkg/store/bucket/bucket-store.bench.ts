// Raw Series streams of the gateway over blocks on disk: `npx vitest bench pkg/store/bucket`.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, bench, describe } from 'vitest';
import { backgroundRequest } from '../../async/request.ts';
import { Labels } from '../../model/labels.ts';
import { Matcher } from '../../model/matcher.ts';
import { FilesystemBucket } from '../../objstore/filesystem.ts';
import { seriesQuery } from '../conformance.ts';
import { framesOf } from '../response-batcher.ts';
import { TWO_HOURS_MS, writeBlock } from './block-fixture.ts';
import { type TestGateway, testGateway } from './test-gateway.ts';

const START = 1_700_006_400_000;
const scratch = mkdtempSync(join(tmpdir(), 'bucket-store-bench-'));
const gateways: TestGateway[] = [];
afterAll(async () => {
  for (const made of gateways) await made.close();
  rmSync(scratch, { recursive: true, force: true });
});

/** Blocks that follow one another, each with all the series; labels are ten and partly of many values. */
async function gatewayOver(
  blockCount: number,
  seriesCount: number,
  samples: number,
  stepMs: number,
): Promise<TestGateway> {
  const directory = mkdtempSync(join(scratch, 'bucket-'));
  for (let b = 0; b < blockCount; b++) {
    const minTime = START + b * TWO_HOURS_MS;
    const series = Array.from({ length: seriesCount }, (_, i) => ({
      labels: Labels.of({
        __name__: ['http_request_duration_seconds_bucket', 'http_requests_total', 'container_cpu_usage_seconds_total'][
          i % 3
        ],
        code: String(200 + (i % 5)),
        id: String(i),
        instance: `10.0.0.${i % 250}:9090`,
        job: `job-${i % 12}`,
        le: String(i % 13),
        method: ['GET', 'POST', 'PUT'][i % 3],
        namespace: `ns-${i % 40}`,
        path: `/api/v1/path-${i % 97}`,
        pod: `pod-${i % 3000}`,
      }),
      samples: Array.from({ length: samples }, (_, k) => [minTime + k * stepMs, i + ((k * i) % 7)] as const),
    }));
    writeBlock(directory, series, Labels.of({ cluster: 'eu', replica: 'r0' }), {
      minTime,
      maxTime: minTime + TWO_HOURS_MS,
    });
  }
  const made = await testGateway(new FilesystemBucket(directory), { readerBytes: 64 * 1024 * 1024 });
  gateways.push(made);
  return made;
}

const instant = await gatewayOver(1, 20_000, 120, 60_000);
const range = await gatewayOver(6, 1000, 480, 15_000);
const query = seriesQuery({ matchers: [new Matcher('=~', '__name__', '.+')], withoutReplicaLabels: ['replica'] });

async function drain(made: TestGateway, skipChunks: boolean): Promise<void> {
  for await (const _ of framesOf(made.gateway.store.series(backgroundRequest(), { ...query, skipChunks }), 64));
}

describe('a Series call, frames included', () => {
  bench('20,000 series of one chunk', () => drain(instant, false), { time: 2000 });
  bench('20,000 series, labels only', () => drain(instant, true), { time: 2000 });
  bench('1,000 series of 24 chunks in 6 blocks', () => drain(range, false), { time: 2000 });
});
