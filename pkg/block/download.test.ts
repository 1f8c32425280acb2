import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'vitest';
import { backgroundRequest } from '../async/request.ts';
import { kindOf } from '../errors/fault.ts';
import { type Bucket, bodyOf } from '../objstore/bucket.ts';
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
      const meta = await downloadBlock(request, counted, ULID, directory, 2);
      assert.equal(meta.ulid, ULID);
      assert.deepEqual(readdirSync(directory).sort(), ['chunks', 'index', 'meta.json']);
      assert.deepEqual(readFileSync(join(directory, 'index')), index);
      assert.deepEqual(readFileSync(join(directory, 'chunks', '000001')), chunks);
      fetched = [];
      await downloadBlock(request, counted, ULID, directory, 2);
      assert.deepEqual(fetched, ['meta.json'], 'what is there is not fetched again');
    });
  }

  test('fetches a file again whose size or fingerprint is not the one recorded', async () => {
    await fill(recorded({ index: sha256(index) }));
    await downloadBlock(request, counted, ULID, directory, 1);
    writeFileSync(join(directory, 'index'), 'THE INDEX');
    writeFileSync(join(directory, 'chunks', '000001'), 'half');
    await downloadBlock(request, counted, ULID, directory, 1);
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
      await assert.rejects(downloadBlock(request, counted, ULID, directory, 1), (thrown) => kindOf(thrown) === kind);
      const names = readdirSync(directory, { recursive: true }).map(String);
      assert.ok(!names.some((name) => name.endsWith('.part')), names.join());
      if (kind === 'corrupt') assert.ok(!names.includes('index'));
    });
  }

  test('takes no name that leads out of the directory', async () => {
    await fill([...recorded(), { relPath: '../outside', sizeBytes: 3, sha256: '' }]);
    await downloadBlock(request, counted, ULID, directory, 1);
    assert.deepEqual(fetched.sort(), ['chunks/000001', 'index', 'meta.json']);
  });
});
