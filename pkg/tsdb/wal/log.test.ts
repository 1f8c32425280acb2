// Logs on a disk: written, read, cut, repaired and checkpointed.

import assert from 'node:assert/strict';
import {
  appendFileSync,
  existsSync,
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
import { afterAll, describe, test } from 'vitest';
import { MemorySource } from '../../bytes/byte-source.ts';
import { randomFrom } from '../../bytes/damage-fixture.ts';
import { Fault, kindOf } from '../../errors/fault.ts';
import { Labels } from '../../model/labels.ts';
import { removeCheckpointed, writeCheckpoint } from './checkpoint.ts';
import { listCheckpoints, listSegments } from './directory.ts';
import { PAGE_BYTES, type WalCompression } from './format.ts';
import { findDamage, readLog, repairLog } from './reader.ts';
import {
  decodeRecord,
  encodeExemplarsRecord,
  encodeMetadataRecord,
  encodeSamplesRecord,
  encodeSeriesRecord,
  encodeTombstonesRecord,
} from './record.ts';
import { replay } from './recorded-fixture.ts';
import { readSegment } from './segment.ts';
import { WalSamples } from './wal-samples.ts';
import { WalWriter } from './writer.ts';

const scratch = mkdtempSync(join(tmpdir(), 'log-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));
let directories = 0;

function freshDirectory(): string {
  return join(scratch, String(directories++));
}

function text(value: string): Uint8Array {
  return new TextEncoder().encode(value);
}

/** Bytes that do not compress. */
function noise(length: number, seed = 1): Uint8Array {
  const random = randomFrom(seed + length);
  return Uint8Array.from({ length }, () => random(256));
}

async function logged(
  records: readonly Uint8Array[],
  options: { compression?: WalCompression; segmentBytes?: number } = {},
): Promise<string> {
  const directory = freshDirectory();
  const writer = await WalWriter.open(directory, { compression: 'none', ...options });
  for (const record of records) writer.log([record]);
  writer.close();
  return directory;
}

function recordsOf(directory: string): string[] {
  return [...readLog(directory)].map(({ bytes }) => Buffer.from(bytes).toString('hex'));
}

const asHex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

describe('the contract’s bytes', () => {
  test('a record that fits its page, and one that goes on in the next', async () => {
    const directory = await logged([text('hello'), text('x'.repeat(32768))]);
    const bytes = readFileSync(join(directory, '00000000'));
    assert.equal(bytes.length, 2 * PAGE_BYTES);
    assert.equal(asHex(bytes.subarray(0, 12)), '0100059a71bb4c68656c6c6f');
    assert.equal(asHex(bytes.subarray(12, 19)), '027fed357c2f88');
    assert.equal(asHex(bytes.subarray(PAGE_BYTES, PAGE_BYTES + 7)), '040013f46099ea');
    assert.ok(bytes.subarray(PAGE_BYTES + 7, PAGE_BYTES + 26).every((byte) => byte === 0x78));
    assert.ok(bytes.subarray(PAGE_BYTES + 26).every((byte) => byte === 0));
    assert.deepEqual(recordsOf(directory), [asHex(text('hello')), asHex(text('x'.repeat(32768)))]);
  });

  test('a record in snappy, and one that snappy does not make smaller', async () => {
    const directory = await logged([text('abcdefgh'.repeat(8)), text('hi')], { compression: 'snappy' });
    const bytes = readFileSync(join(directory, '00000000'));
    assert.equal(asHex(bytes.subarray(0, 20)), '09000d37009e71401c6162636465666768de0800');
    assert.equal(asHex(bytes.subarray(20, 29)), '010002f59dd9c26869');
    assert.deepEqual(recordsOf(directory), [asHex(text('abcdefgh'.repeat(8))), asHex(text('hi'))]);
  });
});

describe('what is logged comes back in order', () => {
  const sizes = [0, 1, PAGE_BYTES - 7, PAGE_BYTES - 8, 0, PAGE_BYTES - 14, PAGE_BYTES, 3 * PAGE_BYTES, 5, 100_000, 7];
  for (const compression of ['none', 'snappy', 'zstd'] as const) {
    test(`over pages and segments, ${compression}`, async () => {
      const records = sizes.flatMap((size, i) => [noise(size, i), text('again and '.repeat(size / 10))]);
      const directory = await logged(records, { compression, segmentBytes: 6 * PAGE_BYTES });
      assert.deepEqual(recordsOf(directory), records.map(asHex));
      assert.ok(listSegments(directory).length > 1);
      for (const { path } of listSegments(directory)) assert.equal(statSync(path).size % PAGE_BYTES, 0);
      assert.equal(findDamage(directory), undefined);
    });
  }

  test('from a source whose bytes are overwritten by each read', async () => {
    const records = sizes.flatMap((size, i) => [noise(size, i), text('again and '.repeat(size / 10))]);
    const directory = await logged(records, { compression: 'snappy' });
    const file = readFileSync(join(directory, '00000000'));
    const lent = new Uint8Array(PAGE_BYTES);
    const source = {
      sizeBytes: file.length,
      read(offset: number, length: number): Uint8Array {
        lent.fill(0xff);
        lent.set(file.subarray(offset, offset + length));
        return lent.subarray(0, length);
      },
    };
    const found = Array.from(readSegment(source, 0), ({ bytes }) => asHex(bytes));
    assert.deepEqual(found, records.map(asHex));
  });

  test('with every length around the end of a page', async () => {
    for (let length = PAGE_BYTES - 40; length <= PAGE_BYTES + 10; length++) {
      const records = [noise(length), text('next')];
      assert.deepEqual(recordsOf(await logged(records)), records.map(asHex), `${length} bytes`);
    }
  });

  test('by several writers, each in a segment of its own', async () => {
    const directory = await logged([text('one')]);
    for (const word of ['two', 'three']) {
      const writer = await WalWriter.open(directory, { compression: 'none' });
      writer.log([text(word)]);
      writer.sync();
      // The process goes without closing: what was logged is there all the same.
      if (word === 'three') writer.cut();
      writer.close();
    }
    assert.deepEqual(
      recordsOf(directory),
      ['one', 'two', 'three'].map((word) => asHex(text(word))),
    );
    assert.deepEqual(
      listSegments(directory).map(({ segment }) => segment),
      [0, 1, 2, 3],
    );
  });

  test('and a record that no segment holds is refused', async () => {
    const writer = await WalWriter.open(freshDirectory(), { compression: 'none', segmentBytes: 2 * PAGE_BYTES });
    assert.throws(
      () => writer.log([noise(2 * PAGE_BYTES)]),
      (thrown) => kindOf(thrown) === 'limit',
    );
    writer.log([noise(2 * (PAGE_BYTES - 7))]);
    writer.close();
  });

  test('and segments that are not wanted any more go', async () => {
    const directory = await logged(
      Array.from({ length: 8 }, (_, i) => noise(30_000, i)),
      { segmentBytes: 2 * PAGE_BYTES },
    );
    const writer = await WalWriter.open(directory, { compression: 'none' });
    writer.truncate(3);
    writer.close();
    assert.equal(listSegments(directory)[0].segment, 3);
  });
});

describe('a log whose writer was killed', () => {
  const records = [noise(20_000, 1), noise(20_000, 2), noise(90_000, 3)];

  test('is repaired to its last whole record, wherever it was cut off', async () => {
    const whole = readFileSync(join(await logged(records), '00000000'));
    const ends = [...readSegment(new MemorySource(whole), 0)].map(({ end }) => end);
    for (let length = 0; length < whole.length; length += 997) {
      const directory = freshDirectory();
      mkdirSync(directory);
      writeFileSync(join(directory, '00000000'), whole.subarray(0, length));
      const good = ends.filter((end) => end <= length);
      const damage = repairLog(directory);
      const isWhole = good.length === 0 ? length === 0 : length === good.at(-1) || good.length === 3;
      if (isWhole) assert.equal(damage, undefined, `${length} bytes`);
      else {
        assert.equal(damage!.isTornTail, true, `${length} bytes`);
        assert.equal(damage!.offset, good.at(-1) ?? 0);
        assert.equal(damage!.lostBytes, length - (good.at(-1) ?? 0));
      }
      assert.deepEqual(recordsOf(directory), records.slice(0, good.length).map(asHex));
      assert.equal(findDamage(directory), undefined);
    }
  });

  test('goes on where it was repaired', async () => {
    const directory = await logged(records);
    appendFileSync(join(directory, '00000000'), Uint8Array.of(1, 0, 200, 1, 2, 3));
    assert.equal(repairLog(directory)?.isTornTail, true);
    const writer = await WalWriter.open(directory, { compression: 'none' });
    writer.log([text('after')]);
    writer.close();
    assert.deepEqual(recordsOf(directory), [...records, text('after')].map(asHex));
  });
});

describe('damage in the middle', () => {
  const records = Array.from({ length: 6 }, (_, i) => noise(25_000, i));

  for (const [what, spoil, segment, kept] of [
    ['a flipped bit of a record', (bytes: Buffer) => (bytes[100] ^= 1), 0, 0],
    ['a flipped bit of the second record', (bytes: Buffer) => (bytes[26_000] ^= 1), 0, 1],
    ['a fragment of no kind', (bytes: Buffer) => (bytes[0] = 0x47), 0, 0],
    ['a length beyond the page', (bytes: Buffer) => (bytes[1] = 0xff), 0, 0],
    ['bytes after the end of a page', (bytes: Buffer) => (bytes[0] = 0), 0, 0],
    ['a record compressed in two ways', (bytes: Buffer) => (bytes[0] = 0x19), 0, 0],
    ['a flipped bit in a later segment', (bytes: Buffer) => (bytes[300] ^= 1), 1, 3],
  ] as const) {
    test(`${what} is told with its place, nothing before it is lost, and repair says that it cuts`, async () => {
      const directory = await logged(records, { segmentBytes: 3 * PAGE_BYTES });
      const { path } = listSegments(directory)[segment];
      const bytes = readFileSync(path);
      spoil(bytes);
      writeFileSync(path, bytes);
      const read: string[] = [];
      assert.throws(
        () => {
          for (const record of readLog(directory)) read.push(asHex(record.bytes));
        },
        (thrown) =>
          thrown instanceof Fault &&
          thrown.kind === 'corrupt' &&
          thrown.facts['segment'] === segment &&
          thrown.message.includes(`0000000${segment} at ${thrown.facts['offset']}`),
      );
      assert.deepEqual(read, records.slice(0, kept).map(asHex));
      const found = findDamage(directory)!;
      assert.equal(found.isTornTail, false);
      assert.equal(found.segment, segment);
      assert.deepEqual(repairLog(directory), found);
      assert.deepEqual(recordsOf(directory), records.slice(0, kept).map(asHex));
      assert.deepEqual(
        readdirSync(directory).sort(),
        Array.from({ length: segment + 1 }, (_, i) => `0000000${i}`),
      );
    });
  }

  test('a missing segment is told by its name', async () => {
    const directory = await logged(records, { segmentBytes: 2 * PAGE_BYTES });
    rmSync(join(directory, '00000001'));
    assert.throws(() => recordsOf(directory), /00000001 is missing/);
  });
});

describe('a checkpoint', () => {
  function samplesAt(time: number, refs: readonly number[]): Uint8Array {
    const samples = new WalSamples();
    for (const ref of refs) samples.push(ref, time, 0x7ff00000, 2);
    return encodeSamplesRecord(samples);
  }

  async function filled(): Promise<string> {
    const directory = freshDirectory();
    const writer = await WalWriter.open(directory);
    const series = [1, 2, 3].map((ref) => ({ ref, labels: Labels.of({ __name__: 'm', n: String(ref) }) }));
    writer.log([encodeSeriesRecord(series), samplesAt(100, [1, 2, 3])]);
    writer.log([
      encodeMetadataRecord([1, 2, 3].map((ref) => ({ ref, type: 1, unit: '', help: 'first' }))),
      encodeTombstonesRecord([
        { ref: 1, minTime: 0, maxTime: 50 },
        { ref: 3, minTime: 0, maxTime: 500 },
      ]),
    ]);
    writer.cut();
    writer.log([
      encodeExemplarsRecord([100, 300].map((time) => ({ ref: 1, time, value: 1, labels: Labels.of({ id: 'x' }) }))),
      encodeMetadataRecord([{ ref: 1, type: 2, unit: 's', help: 'second' }]),
      samplesAt(200, [1, 3]),
      samplesAt(300, [1, 3]),
    ]);
    writer.cut();
    writer.log([samplesAt(400, [1, 3])]);
    writer.close();
    return directory;
  }

  test('keeps what is wanted of the segments before it, which can go then', async () => {
    const directory = await filled();
    const counts = await writeCheckpoint(directory, { lastSegment: 1, minTime: 200, keeps: (ref) => ref !== 2 });
    assert.deepEqual(counts, { kept: 2 + 4 + 2 + 1 + 1, dropped: 1 + 3 + 1 + 1 + 1 });
    removeCheckpointed(directory);
    assert.deepEqual(readdirSync(directory).sort(), ['00000002', 'checkpoint.00000001']);
    const { series } = replay(readLog(directory));
    assert.deepEqual([...series.keys()], ['{__name__="m", n="1"}', '{__name__="m", n="3"}']);
    const [one, three] = series.values();
    assert.deepEqual(
      one.floats.map(({ time, high, low }) => [time, high, low]),
      [200, 300, 400].map((time) => [time, 0x7ff00000, 2]),
    );
    assert.deepEqual(one.metadata, { type: 2, unit: 's', help: 'second' });
    assert.deepEqual(
      one.exemplars.map(({ time }) => time),
      [300],
    );
    assert.deepEqual(one.deleted, []);
    assert.deepEqual(three.metadata, { type: 1, unit: '', help: 'first' });
    assert.deepEqual(three.deleted, [{ minTime: 0, maxTime: 500 }]);
  });

  test('stands on the one before it', async () => {
    const directory = await filled();
    await writeCheckpoint(directory, { lastSegment: 0, minTime: 0, keeps: () => true, compression: 'zstd' });
    removeCheckpointed(directory);
    await writeCheckpoint(directory, { lastSegment: 2, minTime: 150, keeps: (ref) => ref === 1, compression: 'none' });
    assert.deepEqual(
      listCheckpoints(directory).map(({ lastSegment }) => lastSegment),
      [0, 2],
    );
    removeCheckpointed(directory);
    assert.deepEqual(readdirSync(directory), ['checkpoint.00000002']);
    const { series } = replay(
      [...readLog(directory)].filter(({ bytes }) => decodeRecord(bytes.slice()).kind === 'series'),
    );
    assert.deepEqual([...series.keys()], ['{__name__="m", n="1"}']);
  });

  test('is not made of a damaged log, and leaves nothing behind', async () => {
    const directory = await filled();
    const path = join(directory, '00000001');
    const bytes = readFileSync(path);
    bytes[20] ^= 1;
    writeFileSync(path, bytes);
    const before = readdirSync(directory);
    await assert.rejects(
      () => writeCheckpoint(directory, { lastSegment: 1, minTime: 0, keeps: () => true }),
      (thrown) => kindOf(thrown) === 'corrupt',
    );
    assert.deepEqual(readdirSync(directory), before);
    assert.equal(existsSync(join(directory, 'checkpoint.00000001.tmp')), false);
  });
});
