import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import {
  cpSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'vitest';
import { backgroundRequest } from '../async/request.ts';
import { kindOf } from '../errors/fault.ts';
import { type Bucket, bodyOf } from '../objstore/bucket.ts';
import { FilesystemBucket } from '../objstore/filesystem.ts';
import { MemoryBucket } from '../objstore/memory.ts';
import { downloadBlock } from './download.ts';
import { type BlockFile, emptyThanos, printMeta } from './meta.ts';

const ULID = '01HF7YAT00AAAAAAAAAAAAAAAA';
const request = backgroundRequest();
const index = Buffer.from('the index');
const chunks = Buffer.from('the chunks');
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

let directory: string;
let bucket: MemoryBucket;
let fetched: string[];
let counted: Bucket;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'download-'));
  bucket = new MemoryBucket();
  fetched = [];
  counted = Object.assign(Object.create(bucket) as Bucket, {
    get: (context: typeof request, name: string) => {
      fetched.push(name.slice(ULID.length + 1));
      return bucket.get(context, name);
    },
    list: bucket.list.bind(bucket),
  });
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

async function fill(files: readonly BlockFile[]): Promise<void> {
  const stats = {
    numSamples: 1,
    numFloatSamples: 1,
    numHistogramSamples: 0,
    numSeries: 1,
    numChunks: 1,
    numTombstones: 0,
  };
  const compaction = { level: 1, sources: [ULID], deletable: false, parents: [], failed: false, hints: [] };
  const meta = { ulid: ULID, minTime: 0, maxTime: 1, stats, compaction, thanos: { ...emptyThanos, files } };
  for (const [name, bytes] of [
    ['index', index],
    ['chunks/000001', chunks],
    ['meta.json', Buffer.from(printMeta(meta))],
    ['no-compact-mark.json', Buffer.from('{}')],
  ] as const) {
    await bucket.upload(request, `${ULID}/${name}`, bodyOf(bytes));
  }
}

const recorded = (hashes: { index?: string; chunks?: string } = {}): BlockFile[] => [
  { relPath: 'chunks/000001', sizeBytes: chunks.length, sha256: hashes.chunks ?? '' },
  { relPath: 'index', sizeBytes: index.length, sha256: hashes.index ?? '' },
  { relPath: 'meta.json', sizeBytes: 0, sha256: '' },
];

describe('a download', () => {
  for (const [what, files] of [
    ['that records its files', recorded()],
    ['that records no files', []],
    ['that records fingerprints', recorded({ index: sha256(index), chunks: sha256(chunks) })],
  ] as const) {
    test(`of a block ${what} brings chunks, index and meta.json, and no marks`, async () => {
      await fill(files);
      const meta = await downloadBlock(request, counted, ULID, directory, { concurrency: 2 });
      assert.equal(meta.ulid, ULID);
      assert.deepEqual(readdirSync(directory).sort(), ['chunks', 'index', 'meta.json']);
      assert.deepEqual(readFileSync(join(directory, 'index')), index);
      assert.deepEqual(readFileSync(join(directory, 'chunks', '000001')), chunks);
      fetched = [];
      await downloadBlock(request, counted, ULID, directory, { concurrency: 2 });
      assert.deepEqual(fetched, ['meta.json'], 'what is there is not fetched again');
    });
  }

  test('fetches a file again whose size or fingerprint is not the one recorded', async () => {
    await fill(recorded({ index: sha256(index) }));
    await downloadBlock(request, counted, ULID, directory, { concurrency: 1 });
    writeFileSync(join(directory, 'index'), 'THE INDEX');
    writeFileSync(join(directory, 'chunks', '000001'), 'half');
    await downloadBlock(request, counted, ULID, directory, { concurrency: 1 });
    assert.deepEqual(readFileSync(join(directory, 'index')), index);
    assert.deepEqual(readFileSync(join(directory, 'chunks', '000001')), chunks);
  });

  for (const [what, files, change, kind] of [
    ['without meta.json', recorded(), (b: Bucket) => b.delete(request, `${ULID}/meta.json`), 'not-found'],
    ['without its index', recorded(), (b: Bucket) => b.delete(request, `${ULID}/index`), 'not-found'],
    ['of old without an index', [], (b: Bucket) => b.delete(request, `${ULID}/index`), 'not-found'],
    ['without a segment', recorded(), (b: Bucket) => b.delete(request, `${ULID}/chunks/000001`), 'not-found'],
    [
      'with a shorter file',
      recorded(),
      (b: Bucket) => b.upload(request, `${ULID}/index`, bodyOf(Buffer.from('x'))),
      'corrupt',
    ],
    [
      'with a longer file',
      recorded(),
      (b: Bucket) => b.upload(request, `${ULID}/index`, bodyOf(Buffer.alloc(99))),
      'corrupt',
    ],
    ['with another fingerprint', recorded({ index: sha256(chunks) }), async () => {}, 'corrupt'],
  ] as const) {
    test(`of a block ${what} is ${kind}, and leaves no file that looks whole`, async () => {
      await fill(files);
      await change(bucket);
      await assert.rejects(
        downloadBlock(request, counted, ULID, directory, { concurrency: 1 }),
        (thrown) => kindOf(thrown) === kind,
      );
      const names = readdirSync(directory, { recursive: true }).map(String);
      assert.ok(!names.some((name) => name.endsWith('.part')), names.join());
      if (kind === 'corrupt') assert.ok(!names.includes('index'));
    });
  }

  test('takes no name that leads out of the directory', async () => {
    await fill([...recorded(), { relPath: '../outside', sizeBytes: 3, sha256: '' }]);
    await downloadBlock(request, counted, ULID, directory, { concurrency: 1 });
    assert.deepEqual(fetched.sort(), ['chunks/000001', 'index', 'meta.json']);
  });
});

describe('what is only read for a while, out of a bucket on the same disk,', () => {
  const scratch = { concurrency: 1, isScratch: true };
  const there = (): string => join(directory, 'bucket');
  const here = (): string => join(directory, 'here');

  async function files(recordedFiles: readonly BlockFile[]): Promise<FilesystemBucket> {
    await fill(recordedFiles);
    const local = new FilesystemBucket(there());
    for (const name of ['index', 'chunks/000001', 'meta.json']) {
      await local.upload(request, `${ULID}/${name}`, await bucket.get(request, `${ULID}/${name}`));
    }
    return local;
  }

  const bucketFile = (name: string): string => join(there(), ULID, name);
  const isSame = (name: string): boolean => statSync(join(here(), name)).ino === statSync(bucketFile(name)).ino;

  for (const [what, hashes] of [
    ['', {}],
    [' with fingerprints', { index: sha256(index), chunks: sha256(chunks) }],
  ] as const) {
    test(`is not copied${what}, and stays when the bucket loses it`, async () => {
      const local = await files(recorded(hashes));
      await downloadBlock(request, local, ULID, here(), scratch);
      assert.deepEqual([isSame('index'), isSame('chunks/000001'), isSame('meta.json')], [true, true, false]);
      assert.deepEqual(readdirSync(here()).sort(), ['chunks', 'index', 'meta.json']);
      await local.delete(request, `${ULID}/index`);
      assert.deepEqual(readFileSync(join(here(), 'index')), index);
    });
  }

  test('is copied where it cannot be linked', async () => {
    const local = await files(recorded());
    const elsewhere = Object.assign(Object.create(local) as Bucket, {
      get: local.get.bind(local),
      linkTo: async () => false,
    });
    await downloadBlock(request, elsewhere, ULID, here(), scratch);
    assert.equal(isSame('index'), false);
    assert.deepEqual(readFileSync(join(here(), 'index')), index);
  });

  for (const [what, wrong] of [
    ['size', [{ relPath: 'index', sizeBytes: 3, sha256: '' }]],
    ['fingerprint', recorded({ index: sha256(chunks) })],
  ] as const) {
    test(`is corrupt when it has another ${what} than recorded, and nothing is left of it`, async () => {
      const local = await files(wrong);
      await assert.rejects(
        downloadBlock(request, local, ULID, here(), scratch),
        (thrown) => kindOf(thrown) === 'corrupt',
      );
      assert.equal(readdirSync(here()).includes('index'), false);
      assert.equal(readdirSync(here()).includes('index.part'), false);
      assert.deepEqual(readFileSync(bucketFile('index')), index);
    });
  }

  test('is never written into, whatever a crash or a copy gone bad left here', async () => {
    const local = await files(recorded());
    mkdirSync(join(here(), 'chunks'), { recursive: true });
    linkSync(bucketFile('index'), join(here(), 'index.part'));
    linkSync(bucketFile('chunks/000001'), join(here(), 'chunks', '000001.part'));
    await downloadBlock(request, local, ULID, here(), { concurrency: 1 });
    assert.deepEqual([isSame('index'), isSame('chunks/000001')], [false, false]);
    writeFileSync(join(here(), 'index'), 'broken');
    await downloadBlock(request, local, ULID, here(), scratch);
    assert.deepEqual([isSame('index'), isSame('chunks/000001')], [true, false]);
    cpSync(here(), join(directory, 'copy'), { recursive: true });
    assert.deepEqual(readFileSync(join(directory, 'copy', 'index')), index);
    assert.deepEqual(readFileSync(bucketFile('chunks/000001')), chunks);
  });
});
