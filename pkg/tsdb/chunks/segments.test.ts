import assert from 'node:assert/strict';
import { describe, test } from 'vitest';
import { MemorySink } from '../../bytes/byte-sink.ts';
import { MemorySource } from '../../bytes/byte-source.ts';
import { kindOf } from '../../errors/fault.ts';
import { offsetOf, packRef, segmentOf } from './ref.ts';
import { ChunkView, SegmentReader } from './segment-reader.ts';
import { SegmentWriter } from './segment-writer.ts';

const golden = Buffer.from(
  '85bd40dd0100000010010002003ff0000000000000e807c25fffcf3a04320b010001004008000000000000856a2ca90c010001904e401000000000000030e635a4',
  'hex',
);
const chunks = ['0002003ff0000000000000e807c25fff', '0001004008000000000000', '0001904e4010000000000000'];

function write(maxSizeBytes: number): { files: Map<string, Uint8Array>; refs: number[] } {
  const files = new Map<string, Uint8Array>();
  const writer = new SegmentWriter((name) => {
    const sink = new MemorySink();
    return { write: (bytes) => sink.write(bytes), finish: () => void files.set(name, sink.bytes()) };
  }, maxSizeBytes);
  const refs = chunks.map((hex) => writer.add(1, Buffer.from(hex, 'hex')));
  writer.finish();
  return { files, refs };
}

describe('chunk segments', () => {
  test('take whole chunks of another segment as they are, as long as they fit', () => {
    const sink = new MemorySink();
    const open = () => ({ write: (bytes: Uint8Array) => sink.write(bytes), finish: () => {} });
    const writer = new SegmentWriter(open, golden.length + 5);
    // Where no segment is begun yet, its header would have to come before them.
    assert.equal(writer.addStored(golden, 8, 0x1e), undefined);
    assert.equal(writer.add(1, Buffer.from(chunks[0], 'hex')), 8);
    assert.equal(writer.addStored(golden, 0x1e, golden.length), 0x1e);
    assert.equal(writer.addStored(golden, 8, 0x1e), undefined);
    writer.finish();
    assert.equal(Buffer.from(sink.bytes()).toString('hex'), golden.toString('hex'));
  });

  test('the golden file is written byte for byte', () => {
    const { files, refs } = write(512 * 1024 * 1024);
    assert.deepEqual(refs, [8, 0x1e, 0x2f]);
    assert.deepEqual([...files.keys()], ['000001']);
    assert.equal(Buffer.from(files.get('000001')!).toString('hex'), golden.toString('hex'));
  });

  test('a new one is begun when the next chunk might not fit, and all are read back', () => {
    const { files, refs } = write(60);
    assert.deepEqual([...files.keys()], ['000001', '000002']);
    assert.deepEqual(refs, [8, 0x1e, packRef(1, 8)]);
    const reader = new SegmentReader([...files.values()].map((bytes) => new MemorySource(bytes)));
    const view = new ChunkView();
    refs.forEach((ref, i) => {
      reader.read(segmentOf(ref), offsetOf(ref), view);
      assert.equal(view.encoding, 1);
      const data = view.bytes.subarray(view.offset, view.offset + view.length);
      assert.equal(Buffer.from(data).toString('hex'), chunks[i]);
    });
  });

  for (const [what, bytes] of [
    ['nothing', golden.subarray(0, 0)],
    ['half a header', golden.subarray(0, 6)],
    ['another magic number', Buffer.concat([Buffer.from('00'), golden.subarray(1)])],
    ['another version', Buffer.concat([golden.subarray(0, 4), Buffer.from([9]), golden.subarray(5)])],
  ] as const) {
    test(`a segment with ${what} is corrupt`, () => {
      assert.throws(
        () => new SegmentReader([new MemorySource(bytes)]),
        (thrown) => kindOf(thrown) === 'corrupt',
      );
    });
  }

  test('a reference to where no chunk is, or to one that is damaged or cut off, is corrupt', () => {
    const damaged = Uint8Array.from(golden);
    damaged[20] ^= 1;
    const reader = new SegmentReader([golden, damaged, golden.subarray(0, 60)].map((bytes) => new MemorySource(bytes)));
    for (const [segment, offset] of [
      [0, 0],
      [0, 9],
      [0, 61],
      [0, 1000],
      [1, 8],
      [2, 0x2f],
      [3, 8],
    ] as const) {
      for (const read of ['read', 'readNext'] as const) {
        assert.throws(
          () => reader[read](segment, offset, new ChunkView()),
          (thrown) => kindOf(thrown) === 'corrupt',
          `${read} ${segment} ${offset}`,
        );
      }
    }
  });

  test('are the same read one after the other as one by one, of any size, and after a jump', () => {
    const files: Uint8Array[] = [];
    const open = () => {
      const sink = new MemorySink();
      return { write: (bytes: Uint8Array) => sink.write(bytes), finish: () => void files.push(sink.bytes()) };
    };
    const writer = new SegmentWriter(open, 1_000_000);
    const sizes = Array.from({ length: 4_000 }, (_, i) => (i % 1_000 === 999 ? 300_000 : (i * 37) % 700));
    const refs = sizes.map((size, i) => writer.add(1, new Uint8Array(size).fill(i)));
    writer.finish();
    assert.ok(files.length > 2);
    const reader = new SegmentReader(files.map((bytes) => new MemorySource(bytes)));
    const [view, next] = [new ChunkView(), new ChunkView()];
    const order = [...refs.keys(), 17, 16, 3_999, 0, 1, 2_000];
    for (const i of order) {
      reader.read(segmentOf(refs[i]), offsetOf(refs[i]), view);
      reader.readNext(segmentOf(refs[i]), offsetOf(refs[i]), next);
      assert.equal(next.encoding, 1);
      const [one, other] = [view, next].map(({ bytes, offset, length }) => bytes.subarray(offset, offset + length));
      assert.equal(one.length, sizes[i]);
      assert.ok(Buffer.compare(one, other) === 0, `chunk ${i}`);
    }
    // A byte that is wrong in the middle of what is read at once is found where it is.
    const wrong = offsetOf(refs[500]) + 10;
    files[0][wrong] ^= 1;
    const fresh = new SegmentReader(files.map((bytes) => new MemorySource(bytes)));
    const failed = refs.slice(0, 600).filter((ref) => {
      try {
        fresh.readNext(segmentOf(ref), offsetOf(ref), next);
        return false;
      } catch (thrown) {
        return kindOf(thrown) === 'corrupt';
      }
    });
    assert.deepEqual(failed, [refs[500]]);
  });
});
