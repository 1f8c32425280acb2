import assert from 'node:assert/strict';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, describe, test } from 'vitest';
import { goldenDir } from '../../../dev/golden.ts';
import { backgroundRequest } from '../../async/request.ts';
import { MemorySource } from '../../bytes/byte-source.ts';
import { Fault, kindOf, messageOf } from '../../errors/fault.ts';
import { FilesystemBucket } from '../../objstore/filesystem.ts';
import { firstVersionOf } from '../../tsdb/index/first-version-fixture.ts';
import { IndexReader } from '../../tsdb/index/reader.ts';
import { decodeSeriesEntry, SeriesEntry } from '../../tsdb/index/series-entry.ts';
import { PageCache } from './page-cache.ts';
import { IndexHeaderReader } from './reader.ts';
import { writeIndexHeader } from './writer.ts';

const scratch = mkdtempSync(join(tmpdir(), 'index-header-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const testdata = join(import.meta.dirname, 'testdata');
const golden = goldenDir();
/** Blocks, and where the reference's header of each and its reader's answers lie. */
const sets = [
  { name: 'basic', blocks: testdata, headers: testdata, ulid: '01M825161K2K92BNB3ZDTVS2F2' },
  { name: 'long-A-5m', blocks: testdata, headers: testdata, ulid: '01M8251E8JX05PWQ3G3NRY7FJS' },
  ...(golden === undefined
    ? []
    : [
        {
          name: 'large',
          blocks: join(golden, 'blocks/large'),
          headers: join(golden, 'index-headers'),
          ulid: '01M8251AHKXZ541PBD4D82QX4S',
        },
      ]),
];

interface Answer {
  readonly indexVersion?: number;
  readonly labelNames?: string[];
  readonly numSymbols?: number;
  readonly symbols?: string[];
  readonly name?: string;
  readonly values?: string[];
  readonly postings?: [number, number][];
}

async function build(directory: string, ulid: string, into: string): Promise<string> {
  const path = join(scratch, into, 'index-header');
  const bucket = new FilesystemBucket(directory);
  await writeIndexHeader(backgroundRequest(), bucket, ulid, path);
  await bucket.close();
  return path;
}

describe('golden index-headers', () => {
  for (const { name, blocks, headers, ulid } of sets) {
    test(`the header of ${name} is built byte for byte as the reference builds it`, async () => {
      const path = await build(blocks, ulid, name);
      assert.ok(readFileSync(path).equals(readFileSync(join(headers, `${name}.index-header`))));
    });

    test(`the header of ${name} gives the reference's answers, with a page cache far smaller than the file`, () => {
      const pages = new PageCache(64 * 1024);
      const reader = IndexHeaderReader.open(join(headers, `${name}.index-header`), pages);
      const lines = gunzipSync(readFileSync(join(headers, `${name}.jsonl.gz`)))
        .toString()
        .trim()
        .split('\n')
        .map((line): Answer => JSON.parse(line));
      const first = lines[0];
      assert.equal(reader.indexVersion, first.indexVersion);
      assert.deepEqual(reader.labelNames(), first.labelNames);
      assert.equal(reader.symbols.count, first.numSymbols);
      first.symbols?.forEach((symbol, id) => {
        assert.equal(reader.symbols.get(id), symbol);
        assert.deepEqual(reader.symbols.rank(symbol), { id, found: true });
      });
      let ranges = 0;
      for (const { name: label, values, postings } of lines.slice(1)) {
        if (label === undefined || values === undefined || postings === undefined) continue;
        // The second time from memory.
        for (let i = 0; i < 2; i++) assert.deepEqual(reader.labelValues(label), values);
        assert.equal(reader.valueCount(label), values.length);
        const scanned: [number, number][] = [];
        reader.scanValues(label, '', (_value, start, end) => scanned.push([start, end]));
        assert.deepEqual(scanned, postings);
        values.forEach((value, i) => {
          assert.deepEqual(reader.postingsRange(label, value), { start: postings[i][0], end: postings[i][1] });
          ranges++;
        });
        assert.equal(reader.postingsRange(label, 'no such value'), undefined);
      }
      assert.ok(ranges > 0);
      assert.equal(reader.postingsRange('no such label', ''), undefined);
      assert.deepEqual(reader.labelValues('no such label'), []);
      assert.ok(pages.sizeBytes <= 64 * 1024);
      reader.close();
      assert.equal(pages.sizeBytes, 0);
    });
  }

  test.skipIf(golden === undefined)('values are scanned by prefix from the nearest kept value on', () => {
    const pages = new PageCache(1024 * 1024);
    const reader = IndexHeaderReader.open(join(golden!, 'index-headers', 'large.index-header'), pages);
    for (const name of reader.labelNames()) {
      const all = reader.labelValues(name);
      for (const prefix of [all[0], all[all.length >> 1].slice(0, 5), all.at(-1)!, 'zzz', '!', '']) {
        const found: string[] = [];
        reader.scanValues(name, prefix, (value) => found.push(value));
        assert.deepEqual(
          found,
          all.filter((value) => value.startsWith(prefix)),
        );
      }
    }
    reader.close();
  });
});

describe('an index of version 1', () => {
  test('has a header that answers as that of the same index of version 2, its lists and symbols in place', async () => {
    const { ulid } = sets[0];
    const source = new Uint8Array(readFileSync(join(testdata, ulid, 'index')));
    const { bytes, ids } = firstVersionOf(source);
    const directory = join(scratch, 'first-version');
    mkdirSync(join(directory, ulid), { recursive: true });
    writeFileSync(join(directory, ulid, 'index'), bytes);
    const pages = new PageCache(64 * 1024);
    const header = IndexHeaderReader.open(await build(directory, ulid, 'first'), pages);
    const expected = IndexHeaderReader.open(join(testdata, 'basic.index-header'), pages);
    const index = new IndexReader(new MemorySource(source));
    assert.equal(header.indexVersion, 1);
    assert.deepEqual(header.labelNames(), expected.labelNames());
    const listAt = (range: { readonly start: number; readonly end: number } | undefined): number[] => {
      const view = new DataView(bytes.buffer, range!.start);
      const count = view.getUint32(0);
      assert.ok(range!.end >= range!.start + 4 + count * 4 && range!.end <= range!.start + 4 + count * 4 + 7);
      return Array.from({ length: count }, (_, i) => view.getUint32(4 + 4 * i));
    };
    for (const name of ['', ...expected.labelNames()]) {
      const values = expected.labelValues(name);
      assert.deepEqual(header.labelValues(name), values);
      const scanned: number[] = [];
      header.scanValues(name, '', (_value, start, end) => scanned.push(start, end));
      assert.deepEqual([...header.postingsRanges(name, values)], scanned);
      values.forEach((value, i) => {
        const range = header.postingsRange(name, value);
        assert.deepEqual(range, { start: scanned[2 * i], end: scanned[2 * i + 1] });
        assert.deepEqual(
          listAt(range),
          [...index.postings(name, value)].map((id) => ids.get(id)),
        );
      });
    }
    const entry = new SeriesEntry();
    const expectedEntry = new SeriesEntry();
    for (const [id, offset] of ids) {
      index.series(id, expectedEntry);
      decodeSeriesEntry(bytes, offset * header.seriesUnit, entry);
      const count = 2 * entry.labelCount;
      header.numberSymbols(entry.labelRefs, count);
      assert.deepEqual(entry.labelRefs.slice(0, count), expectedEntry.labelRefs.slice(0, count));
    }
    for (const wrong of [0, 8, 12, 0xffffffff]) {
      assert.throws(
        () => header.numberSymbols(Uint32Array.of(wrong), 1),
        (thrown) => kindOf(thrown) === 'corrupt',
      );
    }
    header.close();
    expected.close();
  });
});

describe('bad bytes', () => {
  const { ulid } = sets[0];
  const source = join(testdata, ulid);

  test('any flipped byte of a header is corrupt or unsupported, never a wrong answer or a crash', () => {
    const good = readFileSync(join(testdata, 'long-A-5m.index-header'));
    const path = join(scratch, 'flipped');
    for (let at = 0; at < good.length; at++) {
      // Where the last list ends is not under any checksum.
      if (at >= 6 && at < 14) continue;
      const bad = Buffer.from(good);
      bad[at] ^= 0x41;
      writeFileSync(path, bad);
      assert.throws(
        () => IndexHeaderReader.open(path, new PageCache(1 << 20)),
        (thrown) => ['corrupt', 'unsupported'].includes(kindOf(thrown)),
        `byte ${at}`,
      );
    }
    for (let length = 0; length < good.length; length += 7) {
      writeFileSync(path, good.subarray(0, length));
      assert.throws(
        () => IndexHeaderReader.open(path, new PageCache(1 << 20)),
        (thrown) => kindOf(thrown) === 'corrupt',
      );
    }
  });

  for (const [what, spoil] of [
    ['is empty', () => new Uint8Array(0)],
    ['is cut off', (bytes: Buffer) => bytes.subarray(0, bytes.length - 10)],
    ['has another magic', (bytes: Buffer) => flip(bytes, 0)],
    ['has a flipped toc', (bytes: Buffer) => flip(bytes, bytes.length - 30)],
    ['has a flipped symbol', (bytes: Buffer) => flip(bytes, 40)],
    ['has a flipped postings table', (bytes: Buffer) => flip(bytes, bytes.length - 60)],
  ] as const) {
    test(`no header is built of an index that ${what}, and the error names the object`, async () => {
      const directory = mkdtempSync(join(scratch, 'bad-'));
      cpSync(source, join(directory, ulid), { recursive: true });
      const index = join(directory, ulid, 'index');
      writeFileSync(index, spoil(readFileSync(index)));
      await assert.rejects(build(directory, ulid, what), (thrown) => {
        assert.ok(thrown instanceof Fault);
        assert.equal(thrown.kind, 'corrupt');
        assert.match(messageOf(thrown), new RegExp(`${ulid}/index`));
        return true;
      });
    });
  }
});

function flip(bytes: Buffer, at: number): Buffer {
  const bad = Buffer.from(bytes);
  bad[at] ^= 0x10;
  return bad;
}
