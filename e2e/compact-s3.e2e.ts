// Compactors on a real S3 server. One lease, written on condition, keeps them apart: a second one changes nothing, one that
// was given up for dead and comes back changes nothing any more, and whoever takes over comes to the end.

import assert from 'node:assert/strict';
import { afterAll, describe, onTestFailed, test } from 'vitest';
import { peer } from '../dev/peers.ts';
import { backgroundRequest } from '../pkg/async/request.ts';
import { addBlock, metasOf, samplesOf } from '../pkg/compact/bucket-fixture.ts';
import { isUlid, newUlid } from '../pkg/model/ulid.ts';
import { type Bucket, readAll } from '../pkg/objstore/bucket.ts';
import { openBucket } from '../pkg/objstore/factory.ts';
import { silentLogger } from '../pkg/telemetry/logger.ts';
import { Metrics } from '../pkg/telemetry/metrics.ts';
import { complaintsOfVerify } from './harness/bucket-tool.ts';
import { Cluster, type Server } from './harness/cluster.ts';
import { waitUntil } from './harness/process.ts';
import { ours } from './harness/programs.ts';
import { startS3 } from './harness/s3-server.ts';
import { SlowLink } from './harness/slow-link.ts';

const [minio, thanos] = await Promise.all([peer('minio'), peer('thanos')]);
const isSoak = process.env['TRIBUTARY_SOAK'] === '1';
const WAIT_MS = 90_000;
const BYTES_PER_SECOND = 64 << 20;
/** So long that a live one is taken for one on any machine. */
const LONG_TTL = '12s';
/** For those that are to be taken over from. */
const SHORT_TTL = '3s';

function startCompact(cluster: Cluster, name: string, yaml: string, ttl: string): Promise<Server> {
  return cluster.start({
    name: `compact ${name}`,
    command: ours.command,
    args: [
      ...ours.args,
      'compact',
      '--http-address=127.0.0.1:0',
      '--http-grace-period=1s',
      `--objstore.config=${yaml}`,
      `--data-dir=${cluster.path(`data-${name}`)}`,
      '--consistency-delay=0s',
      '--delete-delay=0s',
      '--downsampling.disable',
      `--debug.lease-ttl=${ttl}`,
    ],
  });
}

async function holderOf(bucket: Bucket): Promise<{ readonly holder: string; readonly fence: number }> {
  return JSON.parse(Buffer.from(await readAll(backgroundRequest(), bucket, 'tributary/lease.json')).toString());
}

/** Six blocks of two hours, of which four make one. */
async function fill(bucket: Bucket): Promise<void> {
  const series = Array.from({ length: 12 }, (_, i) => `metric_${i}`);
  for (let i = 0; i < 6; i++) {
    await addBlock(bucket, { ulid: newUlid(), labels: { a: '1' }, hours: [2 * i, 2], series, stepMs: 15_000 });
  }
}

async function levelsIn(bucket: Bucket): Promise<number[]> {
  return [...(await metasOf(bucket)).values()].map(({ compaction }) => compaction.level).sort();
}

function isOfBlock(name: string): boolean {
  return isUlid(name.split('/')[0]);
}

/** What a link has seen of blocks: nothing of it when whoever is behind it has left the bucket alone. */
function changesOf({ begun, deleted }: SlowLink): string[] {
  return [...begun, ...deleted].filter((name) => !name.startsWith('tributary/'));
}

describe.skipIf(minio === undefined)('compactors that meet in a bucket of a real S3 server', () => {
  const cluster = new Cluster('compact-s3');
  afterAll(() => cluster.close());

  test('are kept apart by the lease, whichever of them is paused or killed', async () => {
    onTestFailed(() => console.error(cluster.logs));
    const s3 = await startS3(cluster, minio!);
    const bucket = await openBucket({ logger: silentLogger, metrics: new Metrics(), env: {} }, s3.yaml());
    cluster.onClose(async () => bucket.close());
    await fill(bucket);
    const before = await samplesOf(bucket);
    /** Whoever is behind it gets nowhere with the first block it uploads. */
    const holdingLink = async (): Promise<SlowLink> => {
      const opened = await SlowLink.open(s3.endpoint, BYTES_PER_SECOND);
      cluster.onClose(() => opened.close());
      opened.holds = isOfBlock;
      return opened;
    };
    const hasBegun = ({ begun }: SlowLink, count = 1) => begun.filter(isOfBlock).length >= count;

    const firstLink = await holdingLink();
    const earlier = await startCompact(cluster, 'first', s3.yaml(firstLink.endpoint), LONG_TTL);
    await waitUntil('the first uploads its merger', WAIT_MS, async () => hasBegun(firstLink));
    const { holder } = await holderOf(bucket);

    const secondLink = await holdingLink();
    const second = await startCompact(cluster, 'second', s3.yaml(secondLink.endpoint), LONG_TTL);
    assert.equal(await second.process.ended(WAIT_MS), 1);
    assert.match(second.log, new RegExp(`another compactor, ${holder}, works on this bucket`));
    assert.deepEqual(changesOf(secondLink), []);

    // It need not wait for its former self.
    await earlier.kill();
    const first = await startCompact(cluster, 'first', s3.yaml(firstLink.endpoint), SHORT_TTL);
    await waitUntil('the first uploads its merger again', WAIT_MS, async () => hasBegun(firstLink, 2));
    assert.doesNotMatch(first.log, /waiting for a sign of life/);
    first.process.signal('SIGSTOP');
    const lease = await holderOf(bucket);
    assert.equal(lease.holder, holder);
    const thirdLink = await holdingLink();
    const third = await startCompact(cluster, 'third', s3.yaml(thirdLink.endpoint), SHORT_TTL);
    await waitUntil('the third has taken over', WAIT_MS, async () => hasBegun(thirdLink));
    const taken = await holderOf(bucket);
    assert.notEqual(taken.holder, holder);
    assert.ok(taken.fence > lease.fence);
    await third.kill();
    assert.deepEqual(await samplesOf(bucket), before);

    // The one that was paused finds out: what it was uploading is never to be seen, and it touches nothing else.
    firstLink.holds = () => false;
    first.process.signal('SIGCONT');
    assert.equal(await first.process.ended(WAIT_MS), 1);
    assert.match(first.log, new RegExp(`another compactor, ${taken.holder}, has taken over the bucket`));
    assert.deepEqual(
      changesOf(firstLink).filter((name) => !/\/(chunks\/\d+|index)$/.test(name)),
      [],
    );
    assert.deepEqual(
      firstLink.deleted.filter((name) => !name.startsWith('tributary/')),
      [],
    );
    assert.deepEqual(await samplesOf(bucket), before);

    // With the local directory of the one that was killed there is nobody to wait for.
    const fourth = await startCompact(cluster, 'third', s3.yaml(), SHORT_TTL);
    assert.equal(await fourth.process.ended(WAIT_MS), 0);
    assert.doesNotMatch(fourth.log, /waiting for a sign of life/);
    assert.deepEqual(await samplesOf(bucket), before);
    assert.deepEqual(await levelsIn(bucket), [1, 1, 2]);
    if (thanos !== undefined) assert.equal(await complaintsOfVerify(thanos, s3.yaml()), undefined);
  });
});

// A long list: it has no place in the short run, where it would count as skipped.
if (isSoak) {
  describe.skipIf(minio === undefined)('a compactor that is killed before each of its changes in turn', () => {
    const cluster = new Cluster('compact-s3-kill');
    afterAll(() => cluster.close());

    test('loses no sample at any of them, and the next one comes to the end', async () => {
      onTestFailed(() => console.error(cluster.logs));
      const s3 = await startS3(cluster, minio!);
      let killCount = 0;
      for (let fatal = 0, isPast = false; !isPast; fatal++) {
        const at = (yaml: string) => `${yaml}prefix: run-${fatal}\n`;
        const bucket = await openBucket({ logger: silentLogger, metrics: new Metrics(), env: {} }, at(s3.yaml()));
        await fill(bucket);
        const before = await samplesOf(bucket);
        const link = await SlowLink.open(s3.endpoint, BYTES_PER_SECOND);
        link.holds = (_name, number) => number >= fatal;
        const mortal = await startCompact(cluster, `kill-${fatal}`, at(s3.yaml(link.endpoint)), SHORT_TTL);
        await waitUntil('it is at the change, or past all of them', WAIT_MS, async () => {
          return mortal.process.hasExited || link.changeCount > fatal;
        });
        isPast = mortal.process.hasExited;
        if (isPast) assert.equal(await mortal.process.ended(), 0);
        else killCount++;
        await mortal.kill();
        await link.close();
        assert.deepEqual(await samplesOf(bucket), before, `killed before change ${fatal}`);
        const next = await startCompact(cluster, `kill-${fatal}`, at(s3.yaml()), SHORT_TTL);
        assert.equal(await next.process.ended(WAIT_MS), 0);
        assert.deepEqual(await levelsIn(bucket), [1, 1, 2]);
        assert.deepEqual(await samplesOf(bucket), before, `after the kill before change ${fatal}`);
        await bucket.close();
      }
      // The lease with its trial, three files, four marks, and four blocks of four files each.
      assert.ok(killCount >= 25, `${killCount} kills`);
      console.info(`${killCount} kills, one before each change`);
    }, 1_800_000);
  });
}
