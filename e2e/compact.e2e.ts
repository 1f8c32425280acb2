// The compactor is killed after its first change of the bucket, then after its third, its fifth, and so on. What is left is
// what the reference made of the same bucket, and the reference's own tools, store and querier find nothing wrong with it.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, describe, onTestFailed, test } from 'vitest';
import { goldenDir } from '../dev/golden.ts';
import { peer } from '../dev/peers.ts';
import { parseMeta } from '../pkg/block/meta.ts';
import { randomFrom } from '../pkg/bytes/damage-fixture.ts';
import { isUlid } from '../pkg/model/ulid.ts';
import { complaintsOfVerify } from './harness/bucket-tool.ts';
import { Cluster, type Server } from './harness/cluster.ts';
import { difference, readGoldenRecords, replay } from './harness/golden-records.ts';
import { waitUntil } from './harness/process.ts';
import { filesystemYaml, ours, reference, startQuery, startStore } from './harness/programs.ts';

const golden = goldenDir();
const [thanos, promtool] = await Promise.all([peer('thanos'), peer('promtool')]);

const isSoak = process.env['TRIBUTARY_SOAK'] === '1';
const MOST_KILLS = 12;
/** At moments anywhere in a run, on top of those after changes: only in a soak, which begins anew until there were so many. */
const RANDOM_KILLS = 100;
const LONGEST_LIFE_MS = 2_500;
const END_MS = 60_000;
const KILLED_WITHIN_MS = 60_000;

describe.skipIf(golden === undefined)('a compactor that is killed again and again while it changes the bucket', () => {
  for (const [name, flags] of [
    ['default', []],
    ['penalty', ['--deduplication.func=penalty']],
  ] as const) {
    const cluster = new Cluster(`compact-${name}`);
    afterAll(() => cluster.close());

    test(`comes to the end the reference came to, with de-duplication by ${name}`, async () => {
      onTestFailed(() => console.error(cluster.logs));
      const bucket = cluster.path('bucket');
      cpSync(join(golden!, 'bucket', 'dedup', 'before'), bucket, { recursive: true });
      const kills = await compactWithKills(cluster, bucket, flags);
      assert.ok(kills >= 3, `${kills} kills`);
      removePartialUploads(bucket);
      assert.deepEqual(outline(bucket), outline(join(golden!, 'bucket', 'dedup', `after-${name}`)));

      if (promtool !== undefined) {
        for (const ulid of blocksOf(bucket)) {
          assert.match(
            execFileSync(promtool, ['tsdb', 'analyze', bucket, ulid], { encoding: 'utf8' }),
            /Total Series: /,
          );
        }
      }
      if (thanos === undefined) return;
      const yaml = filesystemYaml(bucket);
      assert.equal(await complaintsOfVerify(thanos, yaml), undefined);
      const store = await startStore(cluster, reference(thanos), name, yaml);
      const query = await startQuery(cluster, reference(thanos), name, [store]);
      const records = readGoldenRecords(join(golden!, 'queries', 'queries.jsonl.gz'));
      const asked = records.filter(({ querier }) => querier === `dedup-${name}`);
      assert.ok(asked.length > 5);
      for (const record of asked) {
        assert.equal(difference(record, await replay(query.url, record)), undefined, record.id);
      }
    });
  }
});

// A long list: it has no place in the short run, where it would count as skipped.
if (isSoak) {
  describe.skipIf(golden === undefined)('a compactor that is killed at any moment', () => {
    const cluster = new Cluster('compact-soak');
    afterAll(() => cluster.close());

    test('comes to the end the reference came to, every time', async () => {
      onTestFailed(() => console.error(cluster.logs));
      const random = randomFrom(6);
      for (let kills = 0, run = 0; kills < RANDOM_KILLS; run++) {
        const bucket = cluster.path(`bucket-${run}`);
        cpSync(join(golden!, 'bucket', 'dedup', 'before'), bucket, { recursive: true });
        for (;;) {
          const server = await startCompact(cluster, bucket, [], `data-${run}`);
          await waitUntil('it has started', KILLED_WITHIN_MS, async () => {
            return server.process.hasExited || server.log.includes('msg=ready');
          });
          for (const end = Date.now() + random(LONGEST_LIFE_MS); Date.now() < end && !server.process.hasExited; )
            await pause(5);
          if (server.process.hasExited) {
            assert.equal(await server.process.ended(END_MS), 0);
            break;
          }
          await server.kill();
          kills++;
        }
        removePartialUploads(bucket);
        assert.deepEqual(outline(bucket), outline(join(golden!, 'bucket', 'dedup', 'after-default')));
      }
    }, 1_800_000);
  });
}

function startCompact(cluster: Cluster, bucket: string, flags: readonly string[], data = 'data'): Promise<Server> {
  return cluster.start({
    name: 'compact',
    command: ours.command,
    args: [
      ...ours.args,
      'compact',
      '--http-address=127.0.0.1:0',
      `--objstore.config=${filesystemYaml(bucket)}`,
      `--data-dir=${cluster.path(data)}`,
      '--consistency-delay=0s',
      '--delete-delay=0s',
      '--downsampling.disable',
      '--deduplication.replica-label=replica',
      ...flags,
    ],
  });
}

/** Runs the compactor until one run ends by itself; how often it was killed before. */
async function compactWithKills(cluster: Cluster, bucket: string, flags: readonly string[]): Promise<number> {
  for (let kills = 0; ; kills++) {
    const server = await startCompact(cluster, bucket, flags);
    if (kills < MOST_KILLS && (await hasChanged(server, bucket, 1 + 2 * kills))) {
      await server.kill();
      continue;
    }
    assert.equal(await server.process.ended(END_MS), 0);
    return kills;
  }
}

/** Waits until the bucket was seen to change so many times; false when the process ends first. */
async function hasChanged(server: Server, bucket: string, changes: number): Promise<boolean> {
  const end = Date.now() + KILLED_WITHIN_MS;
  let last = filesOf(bucket);
  for (let left = changes; left > 0; ) {
    if (server.process.hasExited) return false;
    if (Date.now() > end) throw new Error('the compactor neither ends nor does anything');
    await pause(2);
    const now = filesOf(bucket);
    if (now !== last) left--;
    last = now;
  }
  return true;
}

/** Every file, as far as it stays while one looks. */
function filesOf(directory: string): string {
  try {
    const entries = readdirSync(directory, { withFileTypes: true });
    const ofBlocks = entries.filter(({ name }) => name !== 'tributary' && !name.startsWith('.'));
    return ofBlocks.map((entry) => (entry.isDirectory() ? filesOf(join(directory, entry.name)) : entry.name)).join();
  } catch {
    return '';
  }
}

/** What a kill left of an upload stays for two days, for there is no telling whose it is. */
function removePartialUploads(bucket: string): void {
  for (const ulid of blocksOf(bucket)) {
    if (!existsSync(join(bucket, ulid, 'meta.json'))) rmSync(join(bucket, ulid), { recursive: true });
  }
}

/** Beside blocks there are our own objects, and uploads under way. */
function blocksOf(bucket: string): string[] {
  return readdirSync(bucket).filter(isUlid);
}

/** The blocks of a bucket by what does not differ from run to run. */
function outline(bucket: string): string[] {
  return blocksOf(bucket)
    .map((ulid) => parseMeta(readFileSync(join(bucket, ulid, 'meta.json'))))
    .map(({ minTime, maxTime, stats, compaction, thanos: { labels, resolutionMs } }) =>
      JSON.stringify([String(labels), minTime, maxTime, resolutionMs, stats, compaction.level, compaction.sources]),
    )
    .sort();
}
