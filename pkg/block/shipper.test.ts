import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'vitest';
import { goldenDir } from '../../dev/golden.ts';
import { peer } from '../../dev/peers.ts';
import { collectAll } from '../async/batches.ts';
import { backgroundRequest, type RequestContext } from '../async/request.ts';
import { MemorySource } from '../bytes/byte-source.ts';
import { Fault, kindOf, messageOf } from '../errors/fault.ts';
import { Labels } from '../model/labels.ts';
import { newUlid } from '../model/ulid.ts';
import { type Bucket, bodyOf, readAll, type UploadOptions } from '../objstore/bucket.ts';
import { FilesystemBucket } from '../objstore/filesystem.ts';
import { MemoryBucket } from '../objstore/memory.ts';
import { silentLogger } from '../telemetry/logger.ts';
import { Metrics } from '../telemetry/metrics.ts';
import { ChunkView, SegmentReader } from '../tsdb/chunks/segment-reader.ts';
import { IndexReader } from '../tsdb/index/reader.ts';
import { SeriesEntry } from '../tsdb/index/series-entry.ts';
import { writeStartTimestampBlock } from '../tsdb/start-timestamps-fixture.ts';
import { deleteBlock } from './delete.ts';
import { parseMeta } from './meta.ts';
import { Shipper, type ShipperConfig } from './shipper.ts';
import { uploadBlock } from './upload.ts';

const request = backgroundRequest();
const labels = Labels.of({ cluster: 'ha', replica: 'A' });
const T0 = Date.parse('2024-06-18T00:00:00Z');
const HOUR = 3_600_000;

interface LocalBlock {
  readonly ulid: string;
  readonly segments?: readonly string[];
  readonly minTime: number;
  readonly maxTime: number;
  readonly level?: number;
  readonly numSamples?: number;
}

let serial = 0;
function local(given: Partial<LocalBlock> = {}): LocalBlock {
  const minTime = T0 + serial++ * 2 * HOUR;
  return { ulid: newUlid(), minTime, maxTime: minTime + 2 * HOUR, ...given };
}

function writeBlock(directory: string, block: LocalBlock): void {
  const { ulid, minTime, maxTime, segments = ['000001', '000002'], level = 1, numSamples = 10 } = block;
  mkdirSync(join(directory, ulid, 'chunks'), { recursive: true });
  for (const segment of segments) writeFileSync(join(directory, ulid, 'chunks', segment), `${ulid} chunks ${segment}`);
  writeFileSync(join(directory, ulid, 'index'), `${ulid} index`);
  writeFileSync(join(directory, ulid, 'tombstones'), 'tombstones');
  const meta = { ulid, minTime, maxTime, stats: { numSamples }, compaction: { level, sources: [ulid] }, version: 1 };
  writeFileSync(join(directory, ulid, 'meta.json'), JSON.stringify(meta, undefined, '\t'));
}

async function objects(bucket: Bucket): Promise<string[]> {
  return (await collectAll(bucket.list(request, '', { recursive: true }))).map(({ name }) => name).sort();
}

const fullBlock = ({ ulid }: LocalBlock): string[] =>
  ['chunks/000001', 'chunks/000002', 'index', 'meta.json'].map((file) => `${ulid}/${file}`);

/** Logs writes; at one call it stops for ever, before or after doing it, as if the process had been killed there. */
class MortalBucket extends MemoryBucket {
  readonly log: string[] = [];
  dieAt: { readonly call: number; readonly when: 'before' | 'after' } | undefined;
  #calls = 0;
  #died: (() => void) | undefined;
  readonly death = new Promise<void>((resolve) => {
    this.#died = resolve;
  });

  override exists(context: RequestContext, name: string): Promise<boolean> {
    return this.#mortal(() => super.exists(context, name));
  }

  override upload(context: RequestContext, name: string, body: AsyncIterable<Uint8Array>, options?: UploadOptions) {
    return this.#mortal(async () => {
      await super.upload(context, name, body, options);
      this.log.push(name);
    });
  }

  async #mortal<T>(work: () => Promise<T>): Promise<T> {
    const isLast = ++this.#calls === this.dieAt?.call;
    const isAfter = isLast && this.dieAt?.when === 'after';
    const result = !isLast || isAfter ? await work() : undefined;
    if (!isLast) return result as T;
    this.#died?.();
    return new Promise<T>(() => {});
  }
}

describe('the shipper', () => {
  let directory: string;
  let bucket: MortalBucket;
  let metrics: Metrics;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'shipper-'));
    bucket = new MortalBucket();
    metrics = new Metrics();
  });
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  const shipper = (config: Partial<ShipperConfig> = {}, to: Bucket = bucket): Shipper =>
    new Shipper(
      { bucket: to, logger: silentLogger, metrics, labels: () => labels, now: () => T0 },
      { directory, source: 'sidecar', ...config },
    );
  const state = (): unknown => JSON.parse(readFileSync(join(directory, 'thanos.shipper.json'), 'utf8'));
  const metric = async (name: string): Promise<number> =>
    Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(await metrics.text())?.[1]);

  test('uploads oldest first, chunks, then index, then meta.json, and remembers it', async () => {
    const later = local();
    const earlier = local({ minTime: T0 - 2 * HOUR, maxTime: T0 });
    for (const block of [later, earlier]) writeBlock(directory, block);
    mkdirSync(join(directory, 'wal'));
    mkdirSync(join(directory, `${newUlid()}.tmp-for-creation`));
    mkdirSync(join(directory, newUlid())); // Being written: no meta.json yet.
    assert.equal(await shipper().sync(request), 2);
    assert.deepEqual(bucket.log, [...fullBlock(earlier), ...fullBlock(later)]);
    assert.equal(
      readFileSync(join(directory, 'thanos.shipper.json'), 'utf8'),
      `{\n\t"version": 1,\n\t"uploaded": [\n\t\t"${earlier.ulid}",\n\t\t"${later.ulid}"\n\t]\n}`,
    );
    assert.deepEqual(readdirSync(join(directory, 'thanos', 'upload')), []);
    assert.equal(await shipper().sync(request), 0);
    assert.equal(bucket.log.length, 8);
    assert.equal(await metric('thanos_shipper_uploads_total'), 2);
    assert.equal(await metric('thanos_shipper_dir_syncs_total'), 2);
  });

  test('rewrites meta.json in the bucket and leaves the local one alone', async () => {
    const block = local();
    writeBlock(directory, block);
    const path = join(directory, block.ulid, 'meta.json');
    const before = readFileSync(path, 'utf8');
    await shipper({ hashFunc: 'SHA256' }).sync(request);
    assert.equal(readFileSync(path, 'utf8'), before);
    const { thanos } = parseMeta(await readAll(request, bucket, `${block.ulid}/meta.json`));
    assert.equal(thanos.labels.toString(), '{cluster="ha", replica="A"}');
    assert.equal(thanos.source, 'sidecar');
    assert.deepEqual(thanos.segmentFiles, ['000001', '000002']);
    assert.equal(thanos.uploadTime, '2024-06-18T00:00:00Z');
    const sha256 = (file: string) =>
      createHash('sha256')
        .update(readFileSync(join(directory, block.ulid, file)))
        .digest('hex');
    assert.deepEqual(thanos.files, [
      { relPath: 'chunks/000001', sizeBytes: 40, sha256: sha256('chunks/000001') },
      { relPath: 'chunks/000002', sizeBytes: 40, sha256: sha256('chunks/000002') },
      { relPath: 'index', sizeBytes: 32, sha256: sha256('index') },
      { relPath: 'meta.json', sizeBytes: 0, sha256: '' },
    ]);
  });

  test('overlays the labels a block has with those of now', async () => {
    const block = local();
    writeBlock(directory, block);
    const path = join(directory, block.ulid, 'meta.json');
    const meta = JSON.parse(readFileSync(path, 'utf8'));
    writeFileSync(path, JSON.stringify({ ...meta, thanos: { labels: { replica: 'old', zone: 'z' } } }));
    await shipper().sync(request);
    const uploaded = parseMeta(await readAll(request, bucket, `${block.ulid}/meta.json`));
    assert.equal(uploaded.thanos.labels.toString(), '{cluster="ha", replica="A", zone="z"}');
  });

  for (const [keepStartTimestamps, encodings] of [
    [false, [1, 2, 3, 1]],
    [true, [4, 5, 6, 1]],
  ] as const) {
    test(`${keepStartTimestamps ? 'keeps start timestamps where it is told to' : 'brings chunks with start timestamps to older encodings'}`, async () => {
      const ulid = newUlid();
      writeStartTimestampBlock(directory, ulid);
      const local = join(directory, ulid);
      const chunksBefore = readFileSync(join(local, 'chunks', '000001'));
      assert.equal(await shipper({ keepStartTimestamps, hashFunc: 'SHA256' }).sync(request), 1);
      // Prometheus' own files are as they were.
      assert.ok(readFileSync(join(local, 'chunks', '000001')).equals(chunksBefore));
      assert.deepEqual(readdirSync(join(directory, 'thanos', 'upload')), []);
      assert.deepEqual(
        await objects(bucket),
        ['chunks/000001', 'index', 'meta.json'].map((file) => `${ulid}/${file}`),
      );

      const index = new IndexReader(new MemorySource(await readAll(request, bucket, `${ulid}/index`)));
      const chunks = await readAll(request, bucket, `${ulid}/chunks/000001`);
      assert.equal(chunksBefore.equals(chunks), keepStartTimestamps);
      const segments = new SegmentReader([new MemorySource(chunks)]);
      const entry = new SeriesEntry();
      const view = new ChunkView();
      const found: number[] = [];
      for (const id of index.walk()) {
        index.series(id, entry);
        segments.read(entry.segments[0], entry.offsets[0], view);
        found.push(view.encoding);
      }
      assert.deepEqual(found, encodings);
      const { thanos } = parseMeta(await readAll(request, bucket, `${ulid}/meta.json`));
      assert.deepEqual(
        thanos.files?.map(({ relPath, sizeBytes, sha256 }) => [relPath, sizeBytes, sha256 !== '']),
        [
          ['chunks/000001', chunks.length, true],
          ['index', readFileSync(join(local, 'index')).length, true],
          ['meta.json', 0, false],
        ],
      );
    });
  }

  for (const when of ['before', 'after'] as const) {
    test(`killed ${when} any call to the bucket, a restart loses nothing and uploads nothing twice`, async () => {
      for (let call = 1; ; call++) {
        rmSync(directory, { recursive: true, force: true });
        mkdirSync(directory);
        bucket = new MortalBucket();
        const blocks = [local(), local()];
        for (const block of blocks) writeBlock(directory, block);
        bucket.dieAt = { call, when };
        const killed = shipper({ uploadConcurrency: call % 3 }).sync(request);
        const end = await Promise.race([killed, bucket.death.then(() => 'killed' as const)]);
        // A block that readers can see is always a whole one.
        const seen = await objects(bucket);
        for (const block of blocks) {
          if (seen.includes(`${block.ulid}/meta.json`))
            for (const name of fullBlock(block)) assert.ok(seen.includes(name));
        }
        if (end !== 'killed') {
          assert.ok(call > 8, `${call} calls`);
          return;
        }
        const metasBefore = bucket.log.filter((name) => name.endsWith('meta.json'));
        await shipper().sync(request);
        assert.deepEqual(await objects(bucket), blocks.flatMap(fullBlock).sort());
        const metas = bucket.log.filter((name) => name.endsWith('meta.json'));
        assert.equal(new Set(metas).size, metas.length, 'no meta.json was written twice');
        assert.deepEqual(metas.slice(0, metasBefore.length), metasBefore);
        assert.deepEqual(state(), { version: 1, uploaded: blocks.map(({ ulid }) => ulid) });
        assert.deepEqual(
          readdirSync(join(directory, 'thanos'), { recursive: true })
            .map(String)
            .filter((name) => name !== 'upload'),
          [],
        );
      }
    });
  }

  test('a partial upload with other bytes is overwritten', async () => {
    const block = local();
    writeBlock(directory, block);
    for (const file of ['index', 'chunks/000001']) {
      await bucket.upload(request, `${block.ulid}/${file}`, bodyOf(Buffer.from('half')));
    }
    await shipper().sync(request);
    const index = Buffer.from(await readAll(request, bucket, `${block.ulid}/index`)).toString();
    assert.equal(index, `${block.ulid} index`);
  });

  for (const [what, text] of [
    ['missing', undefined],
    ['empty', ''],
    ['half written', '{"version":1,"uplo'],
    ['of another version', '{"version":2,"uploaded":[]}'],
    ['a list', '[1,2]'],
    ['full of what is no identifier', '{"version":1,"uploaded":["x"]}'],
    ['the null of a Go program', '{"version":1,"uploaded":null}'],
  ] as const) {
    test(`a state file that is ${what} is empty: the bucket decides`, async () => {
      const [there, fresh] = [local(), local()];
      writeBlock(directory, there);
      await shipper().sync(request);
      writeBlock(directory, fresh);
      const path = join(directory, 'thanos.shipper.json');
      if (text === undefined) rmSync(path);
      else writeFileSync(path, text);
      assert.equal(await shipper().sync(request), 1);
      assert.deepEqual(bucket.log, [...fullBlock(there), ...fullBlock(fresh)]);
      assert.deepEqual(state(), { version: 1, uploaded: [there.ulid, fresh.ulid] });
    });
  }

  test('a block deleted remotely is not uploaded again; one deleted locally leaves the state', async () => {
    const [a, b] = [local(), local()];
    for (const block of [a, b]) writeBlock(directory, block);
    await shipper().sync(request);
    await deleteBlock(request, bucket, a.ulid);
    assert.deepEqual(await objects(bucket), fullBlock(b));
    rmSync(join(directory, b.ulid), { recursive: true });
    assert.equal(await shipper().sync(request), 0);
    assert.deepEqual(await objects(bucket), fullBlock(b));
    assert.deepEqual(state(), { version: 1, uploaded: [a.ulid] });
  });

  test('empty and compacted blocks stay here, compacted ones unless asked for', async () => {
    const [empty, compacted, plain] = [local({ numSamples: 0 }), local({ level: 2 }), local()];
    for (const block of [empty, compacted, plain]) writeBlock(directory, block);
    assert.equal(await shipper().sync(request), 1);
    assert.deepEqual(await objects(bucket), fullBlock(plain));
    assert.equal(await shipper({ uploadCompacted: true }).sync(request), 1);
    assert.deepEqual(await objects(bucket), [...fullBlock(compacted), ...fullBlock(plain)].sort());
  });

  test('a compacted block that overlaps one of its stream is refused, of another stream or next to it is not', async () => {
    const remote = local({ minTime: T0, maxTime: T0 + 10 });
    writeBlock(directory, remote);
    await shipper().sync(request);
    rmSync(join(directory, remote.ulid), { recursive: true });
    const beside = local({ level: 2, minTime: T0 + 10, maxTime: T0 + 20 });
    writeBlock(directory, beside);
    assert.equal(await shipper({ uploadCompacted: true }).sync(request), 1);
    const over = local({ level: 2, minTime: T0 + 9, maxTime: T0 + 12 });
    writeBlock(directory, over);
    await assert.rejects(shipper({ uploadCompacted: true }).sync(request), (thrown) => kindOf(thrown) === 'conflict');
    assert.equal(await bucket.exists(request, `${over.ulid}/index`), false);
    const other = new Shipper(
      { bucket, logger: silentLogger, metrics, labels: () => Labels.of({ cluster: 'other' }) },
      { directory, source: 'sidecar', uploadCompacted: true },
    );
    assert.equal(await other.sync(request), 1);
    rmSync(join(directory, 'thanos.shipper.json'));
    const again = local({ level: 2, minTime: T0 + 9, maxTime: T0 + 12 });
    writeBlock(directory, again);
    assert.equal(await shipper({ uploadCompacted: true, allowOutOfOrderUploads: true }).sync(request), 1);
  });

  test('without external labels nothing is uploaded', async () => {
    writeBlock(directory, local());
    const deps = { bucket, logger: silentLogger, metrics, labels: () => Labels.empty };
    await assert.rejects(new Shipper(deps, { directory, source: 'sidecar' }).sync(request), /no external labels/);
    assert.deepEqual(await objects(bucket), []);
  });

  test('a failing block holds back later ones and the state, unless out-of-order uploads are allowed', async () => {
    const blocks = Array.from({ length: 10 }, () => local());
    for (const block of blocks) writeBlock(directory, block);
    rmSync(join(directory, blocks[0].ulid, 'index'));
    await assert.rejects(shipper().sync(request), (thrown) => kindOf(thrown) === 'not-found');
    assert.equal(existsSync(join(directory, 'thanos.shipper.json')), false);
    assert.deepEqual(await objects(bucket), []);
    assert.equal(await metric('thanos_shipper_upload_failures_total'), 1);
    assert.equal(await metric('tributary_shipper_oldest_failed_block_timestamp_seconds'), blocks[0].minTime / 1000);
    await assert.rejects(shipper({ allowOutOfOrderUploads: true }).sync(request));
    assert.deepEqual(await objects(bucket), blocks.slice(1).flatMap(fullBlock).sort());
    assert.deepEqual(state(), { version: 1, uploaded: blocks.slice(1).map(({ ulid }) => ulid) });
    assert.deepEqual(readdirSync(join(directory, 'thanos', 'upload')), []);
    assert.equal(await metric('thanos_shipper_dir_sync_failures_total'), 2);
  });

  test('a block with a corrupt meta.json stops the sync, unless corrupt ones are skipped: nine of ten arrive', async () => {
    const blocks = Array.from({ length: 10 }, () => local());
    for (const block of blocks) writeBlock(directory, block);
    writeFileSync(join(directory, blocks[0].ulid, 'meta.json'), '');
    await assert.rejects(shipper().sync(request), (thrown) => {
      assert.equal(kindOf(thrown), 'corrupt');
      assert.match(messageOf(thrown), new RegExp(`read block ${blocks[0].ulid}, which holds back all others until`));
      return true;
    });
    assert.equal(await shipper({ skipCorruptedBlocks: true }).sync(request), 9);
    assert.deepEqual(await objects(bucket), blocks.slice(1).flatMap(fullBlock).sort());
    assert.equal(await metric('thanos_shipper_corrupted_blocks_total'), 2);
  });

  test('a bucket that fails is tried again with the next sync', async () => {
    const block = local();
    writeBlock(directory, block);
    class FailingBucket extends MemoryBucket {
      isDown = true;
      override async upload(...given: Parameters<MemoryBucket['upload']>): Promise<void> {
        if (this.isDown && given[1].endsWith('index')) throw new Fault('unavailable', 'the bucket is down');
        return super.upload(...given);
      }
    }
    const failing = new FailingBucket();
    await assert.rejects(shipper({}, failing).sync(request), /the bucket is down/);
    assert.deepEqual(readdirSync(join(directory, 'thanos', 'upload')), []);
    assert.equal(await failing.exists(request, `${block.ulid}/meta.json`), false);
    failing.isDown = false;
    assert.equal(await shipper({}, failing).sync(request), 1);
    assert.equal(await metric('tributary_shipper_oldest_failed_block_timestamp_seconds'), 0);
  });

  test('ends when its signal aborts, without counting it as a failure', async () => {
    writeBlock(directory, local());
    await assert.rejects(shipper().sync(backgroundRequest(AbortSignal.abort())), { kind: 'canceled' });
    assert.equal(await metric('thanos_shipper_dir_sync_failures_total'), 0);
  });
});

test('deleting takes meta.json first and the deletion mark last', async () => {
  const log: string[] = [];
  class LoggedBucket extends MemoryBucket {
    override async delete(context: RequestContext, name: string): Promise<void> {
      log.push(name);
      return super.delete(context, name);
    }
  }
  const bucket = new LoggedBucket();
  for (const name of ['b/chunks/000001', 'b/deletion-mark.json', 'b/index', 'b/meta.json', 'b/no-compact-mark.json']) {
    await bucket.upload(request, name, bodyOf(Buffer.from('x')));
  }
  await deleteBlock(request, bucket, 'b');
  assert.equal(log[0], 'b/meta.json');
  assert.equal(log.at(-1), 'b/deletion-mark.json');
  assert.deepEqual(await objects(bucket), []);
});

test('a block without external labels is refused before anything is uploaded', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'upload-'));
  try {
    const block = local();
    writeBlock(directory, block);
    const bucket = new MemoryBucket();
    await assert.rejects(
      uploadBlock(request, bucket, join(directory, block.ulid), { concurrency: 1, hashFunc: '', nowMs: 0 }),
      (thrown) => kindOf(thrown) === 'invalid',
    );
    assert.deepEqual(await objects(bucket), []);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});

const thanos = await peer('thanos');
const golden = goldenDir();

describe.skipIf(golden === undefined)('shipping the golden blocks (needs golden data)', () => {
  let work: string;
  beforeEach(async () => {
    work = mkdtempSync(join(tmpdir(), 'shipper-golden-'));
    cpSync(join(golden ?? '', 'blocks', 'ha-A'), join(work, 'blocks'), { recursive: true });
    for (const path of readdirSync(work, { recursive: true })) chmodSync(join(work, String(path)), 0o755);
    await new Shipper(
      {
        bucket: new FilesystemBucket(join(work, 'bucket')),
        logger: silentLogger,
        metrics: new Metrics(),
        labels: () => labels,
      },
      { directory: join(work, 'blocks'), source: 'bucket.upload', uploadConcurrency: 4 },
    ).sync(request);
  });
  afterEach(() => rmSync(work, { recursive: true, force: true }));

  test('gives what `tools bucket upload-blocks` of the reference made, but for the upload time', () => {
    const theirs = join(golden ?? '', 'bucket', 'dedup', 'before');
    const blocks = readdirSync(join(work, 'bucket'));
    assert.equal(blocks.length, 6);
    const withoutTime = (text: Buffer) => text.toString().replace(/"upload_time": ".*"/, '');
    for (const block of blocks) {
      const files = readdirSync(join(theirs, block), { recursive: true }).sort();
      assert.deepEqual(readdirSync(join(work, 'bucket', block), { recursive: true }).sort(), files);
      for (const file of files.map(String).filter((name) => name !== 'chunks')) {
        const [ours, reference] = [join(work, 'bucket', block, file), join(theirs, block, file)].map((path) =>
          readFileSync(path),
        );
        if (file === 'meta.json') assert.equal(withoutTime(ours), withoutTime(reference));
        else assert.ok(ours.equals(reference), `${block}/${file}`);
      }
    }
  });

  test.skipIf(thanos === undefined)('passes `tools bucket verify` of a real Thanos (needs thanos)', () => {
    const config = JSON.stringify({ type: 'FILESYSTEM', config: { directory: join(work, 'bucket') } });
    const output = execFileSync(
      thanos ?? '',
      [
        'tools',
        'bucket',
        'verify',
        '--objstore.config',
        config,
        '--issues=index_known_issues',
        '--issues=overlapped_blocks',
        '--issues=duplicated_compaction',
        '--log.format=json',
      ],
      { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] },
    );
    assert.ok(!/level":"(warn|error)/.test(output), output);
  });
});
