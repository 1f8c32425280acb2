import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, test } from 'vitest';
import { backgroundRequest } from '../../async/request.ts';
import { Labels } from '../../model/labels.ts';
import { Matcher } from '../../model/matcher.ts';
import { FilesystemBucket } from '../../objstore/filesystem.ts';
import { seriesQuery, storeConformance } from '../conformance.ts';
import { type FakeSeries, FakeStore } from '../fake-store.ts';
import { TWO_HOURS_MS, writeBlock } from './block-fixture.ts';
import { plainSeries } from './golden-calls.ts';
import { testGateway } from './test-gateway.ts';

const scratch = mkdtempSync(join(tmpdir(), 'bucket-store-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

storeConformance('a bucket of one block', async (series, externalLabels) => {
  const directory = mkdtempSync(join(scratch, 'conformance-'));
  const minTime = Math.min(...series.map(({ samples }) => samples[0][0]));
  writeBlock(directory, series, externalLabels, { minTime, maxTime: minTime + TWO_HOURS_MS });
  const { gateway, close } = await testGateway(new FilesystemBucket(directory));
  return { store: gateway.store, close };
});

/** A number generator with a fixed start, so that a failure can be seen again. */
function randomFrom(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

describe('the order of series', () => {
  const START = 1_700_006_400_000;
  const names = ['A', '__name__', 'a', 'b', 'c', 'd', 'ü'];

  for (let seed = 1; seed <= 40; seed++) {
    test(`is that of final labels, whatever is added, replaced and dropped (${seed})`, async () => {
      const random = randomFrom(seed);
      const series = new Map<string, FakeSeries>();
      for (let i = 0; i < 50; i++) {
        const pairs = names.filter(() => random(2) === 0).map((name) => [name, String(random(2))] as const);
        const labels = Labels.from(pairs.length === 0 ? [['only', String(i)]] : pairs);
        series.set(labels.key, { labels, samples: [[START + i, i]] });
      }
      // Some external names are new, some replace labels; some dropped ones are external, some are not there at all.
      const pick = (from: readonly string[], share: number) => from.filter(() => random(share) === 0);
      const external = Labels.from(
        pick(['B', '_', 'aa', 'bb', 'cc', 'zz', ...(seed % 2 ? ['b'] : [])], 2).map((name) => [name, 'x']),
      );
      const withoutReplicaLabels = seed % 3 === 0 ? pick([...names, 'aa', 'zz', 'nowhere'], 3) : [];

      const directory = mkdtempSync(join(scratch, 'order-'));
      writeBlock(directory, [...series.values()], external, { minTime: START, maxTime: START + TWO_HOURS_MS });
      const { gateway, close } = await testGateway(new FilesystemBucket(directory));
      try {
        const query = seriesQuery({ matchers: [new Matcher('!=', 'nothing', 'at all')], withoutReplicaLabels });
        const expected = await plainSeries(
          backgroundRequest(),
          new FakeStore([...series.values()], { externalLabels: external }),
          query,
        );
        assert.deepEqual(await plainSeries(backgroundRequest(), gateway.store, query), sortChunks(expected));
        assert.ok(expected.length > 5);
      } finally {
        await close();
      }
    });
  }
});

function sortChunks(series: Awaited<ReturnType<typeof plainSeries>>): typeof series {
  for (const { chunks } of series) chunks.sort((a, b) => a.minTime - b.minTime);
  return series;
}
