// The sidecar is killed in the middle of uploads, again and again. A store gateway that looks into the bucket all the
// time never serves a part of a block, and in the end every block is in the bucket once, byte for byte.
// TRIBUTARY_SOAK=1 kills it a hundred times.

import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, describe, onTestFailed, test } from 'vitest';
import { peer } from '../dev/peers.ts';
import { backgroundRequest } from '../pkg/async/request.ts';
import { randomFrom } from '../pkg/bytes/damage-fixture.ts';
import { type Bucket, readAll } from '../pkg/objstore/bucket.ts';
import { openBucket } from '../pkg/objstore/factory.ts';
import { silentLogger } from '../pkg/telemetry/logger.ts';
import { Metrics } from '../pkg/telemetry/metrics.ts';
import { BLOCK_BYTES, Watcher, writeBlock } from './harness/block-watcher.ts';
import { complaintsOfVerify } from './harness/bucket-tool.ts';
import { Cluster } from './harness/cluster.ts';
import { waitUntil } from './harness/process.ts';
import { filesystemYaml, ours, startSidecar, startStore } from './harness/programs.ts';
import { startPrometheus } from './harness/prometheus.ts';
import { startS3 } from './harness/s3-server.ts';
import { SlowLink } from './harness/slow-link.ts';

const [prometheus, thanos, minio] = await Promise.all([peer('prometheus'), peer('thanos'), peer('minio')]);

const isSoak = process.env['TRIBUTARY_SOAK'] === '1';
const KILL_COUNT = isSoak ? 100 : 8;
const BYTES_PER_SECOND = 4 << 20;
const WAIT_MS = 60_000;
const random = randomFrom(3);

/** What a story looks at to choose the moment of a kill. */
interface Progress {
  /** Call it when a life begins: the function waits until the moment has come in that life. */
  begin(moment: Moment): () => Promise<void>;
  /** Uploads that were begun and never finished, of all lives. */
  unfinishedCount(): number;
}

type Moment =
  | { readonly kind: 'bytes'; readonly count: number }
  | { readonly kind: 'meta-begun' }
  | { readonly kind: 'meta-uploaded' };

describe.skipIf(prometheus === undefined)('a sidecar that is killed while it uploads', () => {
  for (const kind of ['FILESYSTEM', 'S3'] as const) {
    describe.skipIf(kind === 'S3' && minio === undefined)(`to a bucket of type ${kind}`, () => {
      const cluster = new Cluster(`kill-${kind.toLowerCase()}`);
      afterAll(() => cluster.close());

      test(
        'leaves no part of a block to be served, loses nothing and uploads nothing twice',
        async () => {
          onTestFailed(() => console.error(cluster.logs));
          if (kind === 'S3') {
            const s3 = await startS3(cluster, minio!);
            const link = await SlowLink.open(s3.endpoint, BYTES_PER_SECOND);
            cluster.onClose(() => link.close());
            await killAndCheck(cluster, s3.yaml(), s3.yaml(link.endpoint), progressOfLink(link));
            const metas = link.uploaded.filter((name) => name.endsWith('/meta.json'));
            assert.equal(metas.length, new Set(metas).size, `a meta.json was uploaded twice: ${metas}`);
          } else {
            const directory = cluster.path('bucket');
            const yaml = filesystemYaml(directory);
            await killAndCheck(cluster, yaml, yaml, progressOfDirectory(directory));
          }
        },
        isSoak ? 1_800_000 : 300_000,
      );
    });
  }
});

/** `directYaml` is the bucket itself, `uploadYaml` how the sidecar reaches it. */
async function killAndCheck(
  cluster: Cluster,
  directYaml: string,
  uploadYaml: string,
  progress: Progress,
): Promise<void> {
  const bucket = await openBucket({ logger: silentLogger, metrics: new Metrics(), env: {} }, directYaml);
  cluster.onClose(async () => bucket.close());
  const { url, directory } = await startPrometheus(cluster, prometheus!, {
    name: 'p',
    externalLabels: { cluster: 'kill', replica: '0' },
    targets: [],
    scrapeInterval: '1m',
    blockDuration: '2h',
    retention: '100y',
    directory: cluster.path('prometheus'),
  });
  const store = await startStore(cluster, ours, 's', directYaml);
  const blocks: string[] = [writeBlock(directory, 0)];
  const watcher = new Watcher(store.grpc, () => blocks.length);
  const sidecar = await startSidecar(cluster, ours, {
    name: 'p',
    prometheusUrl: url,
    directory,
    bucketYaml: uploadYaml,
  });
  await waitUntil('the first block is uploaded', WAIT_MS, () => isUploaded(bucket, blocks[0]));
  await sidecar.server.kill();

  /** When a block's meta.json came into the bucket: it must not come again. */
  const cameAt = new Map<string, number>();
  let cutOffCount = 0;
  for (let i = 0; i < KILL_COUNT; i++) {
    while ((await pendingOf(bucket, blocks)).length < 2) blocks.push(writeBlock(directory, blocks.length));
    const unfinishedBefore = progress.unfinishedCount();
    const reach = progress.begin(momentOf(i));
    await sidecar.server.start({ awaitsReady: false });
    await reach();
    await sidecar.server.kill();
    if (progress.unfinishedCount() > unfinishedBefore || (await partialIn(bucket)).length > 0) cutOffCount++;
    await expectWhole(bucket, cameAt);
  }
  await sidecar.server.start();
  await waitUntil('all blocks are uploaded', WAIT_MS, async () => (await pendingOf(bucket, blocks)).length === 0);
  await waitUntil('the sidecar has written down what it did', WAIT_MS, async () => {
    return stateOf(directory).length === blocks.length;
  });
  assert.equal(await sidecar.server.stop(), 0);
  await expectWhole(bucket, cameAt);
  assert.deepEqual(stateOf(directory), [...blocks].sort(), 'each block is written down once');
  await expectEqualTo(bucket, directory, blocks);
  assert.deepEqual(readdirSync(join(directory, 'thanos', 'upload')), [], 'nothing stays staged');
  if (thanos !== undefined) assert.equal(await complaintsOfVerify(thanos, directYaml), undefined);
  await watcher.stop();
  await waitUntil('the store serves all blocks', WAIT_MS, async () => (await watcher.look(0)) === blocks.length);
  watcher.close();
  assert.deepEqual(watcher.complaints, []);
  assert.ok(watcher.looks > KILL_COUNT, `the store was asked ${watcher.looks} times only`);
  // Else the moments were not in the middle of anything.
  assert.ok(cutOffCount >= KILL_COUNT / 8, `only ${cutOffCount} of ${KILL_COUNT} kills cut an upload off`);
}

/** The two moments around the last step come often; the others lie anywhere in the first two blocks. */
function momentOf(i: number): Moment {
  if (i % 4 === 1) return { kind: 'meta-begun' };
  if (i % 4 === 3) return { kind: 'meta-uploaded' };
  return { kind: 'bytes', count: random(1.5 * BLOCK_BYTES) };
}

function progressOfLink(link: SlowLink): Progress {
  return {
    begin: (moment) => {
      const { uploadedBytes } = link;
      const list = moment.kind === 'meta-uploaded' ? link.uploaded : link.begun;
      const from = list.length;
      return () =>
        until(() =>
          moment.kind === 'bytes'
            ? link.uploadedBytes - uploadedBytes >= moment.count
            : list.slice(from).some((name) => name.endsWith('/meta.json')),
        );
    },
    unfinishedCount: () => link.begun.length - link.uploaded.length,
  };
}

/** A directory takes all bytes at once: after the first sign of an upload a random part of its usual time passes. */
function progressOfDirectory(directory: string): Progress {
  const aside = join(directory, '.tributary-uploads');
  const metas = (): number =>
    readdirSync(directory).filter((name) => existsSync(join(directory, name, 'meta.json'))).length;
  const entries = (): string => readdirSync(directory, { recursive: true }).join();
  return {
    begin: (moment) => {
      const [metasBefore, entriesBefore] = [metas(), entries()];
      return async () => {
        await until(() => (moment.kind === 'meta-uploaded' ? metas() > metasBefore : entries() !== entriesBefore));
        // An upload takes from some to some tens of milliseconds: at once, or after a while that is short more often.
        if (moment.kind === 'bytes') await pause((random(1000) / 1000) ** 3 * 30);
      };
    },
    unfinishedCount: () => (existsSync(aside) ? readdirSync(aside).length : 0),
  };
}

/** As waitUntil, for what may be over within milliseconds. */
async function until(holds: () => boolean): Promise<void> {
  const end = Date.now() + WAIT_MS;
  while (!holds()) {
    if (Date.now() > end) throw new Error('the sidecar has not come to the moment of its kill');
    await pause(1);
  }
}

function isUploaded(bucket: Bucket, ulid: string): Promise<boolean> {
  return bucket.exists(backgroundRequest(), `${ulid}/meta.json`);
}

async function pendingOf(bucket: Bucket, blocks: readonly string[]): Promise<string[]> {
  const there = await Promise.all(blocks.map((ulid) => isUploaded(bucket, ulid)));
  return blocks.filter((_ulid, i) => !there[i]);
}

/** Blocks that have objects but no meta.json. */
async function partialIn(bucket: Bucket): Promise<string[]> {
  const names = await namesIn(bucket);
  return [...new Set(names.map((name) => name.split('/')[0]))].filter((ulid) => !names.includes(`${ulid}/meta.json`));
}

/** Every block with a meta.json has the files that it lists, at their size, and its meta.json has not come again. */
async function expectWhole(bucket: Bucket, cameAt: Map<string, number>): Promise<void> {
  const request = backgroundRequest();
  for (const name of await namesIn(bucket)) {
    if (!name.endsWith('/meta.json')) continue;
    const { lastModified } = await bucket.attributes(request, name);
    assert.equal(cameAt.get(name) ?? lastModified, lastModified, `${name} was uploaded again`);
    cameAt.set(name, lastModified);
    const meta = JSON.parse(Buffer.from(await readAll(request, bucket, name)).toString()) as {
      readonly thanos: { readonly files: readonly { readonly rel_path: string; readonly size_bytes?: number }[] };
    };
    const [ulid] = name.split('/');
    assert.deepEqual(
      meta.thanos.files.map(({ rel_path }) => rel_path),
      ['chunks/000001', 'index', 'meta.json'],
    );
    for (const { rel_path, size_bytes } of meta.thanos.files) {
      if (size_bytes === undefined) continue;
      const { sizeBytes } = await bucket.attributes(request, `${ulid}/${rel_path}`);
      assert.equal(sizeBytes, size_bytes, `${ulid}/${rel_path} is not whole`);
    }
  }
}

/** The bucket has the blocks and nothing else, with the bytes of the local files. */
async function expectEqualTo(bucket: Bucket, directory: string, blocks: readonly string[]): Promise<void> {
  const files = ['chunks/000001', 'index', 'meta.json'];
  const wanted = blocks.flatMap((ulid) => files.map((file) => `${ulid}/${file}`));
  assert.deepEqual(await namesIn(bucket), wanted.sort());
  for (const name of wanted) {
    if (name.endsWith('/meta.json')) continue;
    const uploaded = await readAll(backgroundRequest(), bucket, name);
    assert.ok(Buffer.from(uploaded).equals(readFileSync(join(directory, name))), `${name} is not as it is locally`);
  }
}

/** Names of all objects of blocks, sorted. */
async function namesIn(bucket: Bucket): Promise<string[]> {
  const names: string[] = [];
  for await (const { name } of bucket.list(backgroundRequest(), '', { recursive: true })) names.push(name);
  return names.filter((name) => !name.startsWith('.tributary-uploads/')).sort();
}

/** What the sidecar says it has uploaded, sorted. */
function stateOf(directory: string): string[] {
  const path = join(directory, 'thanos.shipper.json');
  if (!existsSync(path)) return [];
  const state = JSON.parse(readFileSync(path, 'utf8')) as { readonly uploaded: readonly string[] | null };
  return [...(state.uploaded ?? [])].sort();
}
