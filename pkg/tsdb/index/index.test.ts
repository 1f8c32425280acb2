import assert from 'node:assert/strict';
import { describe, test } from 'vitest';
import { MemorySink } from '../../bytes/byte-sink.ts';
import { MemorySource } from '../../bytes/byte-source.ts';
import { crc32c } from '../../bytes/crc32c.ts';
import { kindOf } from '../../errors/fault.ts';
import { Matcher } from '../../model/matcher.ts';
import { IndexReader } from './reader.ts';
import { SeriesEntry } from './series-entry.ts';
import { IndexWriter } from './writer.ts';

/** The contract's index: {__name__="m", job="a"} with a chunk [0,1000], {__name__="m", job="b"} with [0,0] and [5000,5000]. */
const golden = Buffer.from(
  [
    'baaad700 02 00000017 00000005 08 5f5f6e616d655f5f 01 61 01 62 03 6a6f62 01 6d 2b9327e9',
    '000000000000000000000000',
    '0a 02 00 04 03 01 01 00 e807 08 5b472191 00',
    '0d 02 00 04 03 02 02 00 00 1e 8827 00 22 86ebfdde 0000',
    '0000000c 00000002 00000003 00000004 495848d7',
    '0000000c 00000002 00000003 00000004 495848d7',
    '00000008 00000001 00000003 a7692ed2',
    '00000008 00000001 00000004 73a34a39',
    '00000026 00000004 02 00 00 54 02 08 5f5f6e616d655f5f 01 6d 68 02 03 6a6f62 01 61 7c 02 03 6a6f62 01 62 8c01 76b067d5',
    '0000000000000005 0000000000000024 0000000000000052 000000000000009c 0000000000000052 000000000000009c e3dc1bd7',
  ]
    .join('')
    .replace(/\s/g, ''),
  'hex',
);

function entry(labels: readonly number[], chunks: readonly (readonly [number, number, number])[]): SeriesEntry {
  const made = new SeriesEntry();
  made.labelRefs.set(labels);
  made.labelCount = labels.length / 2;
  made.chunkCount = chunks.length;
  made.reserveChunks(chunks.length);
  chunks.forEach(([minTime, maxTime, ref], i) => {
    made.minTimes[i] = minTime;
    made.maxTimes[i] = maxTime;
    made.segments[i] = Math.floor(ref / 2 ** 32);
    made.offsets[i] = ref % 2 ** 32;
  });
  return made;
}

const symbols = ['__name__', 'a', 'b', 'job', 'm'];

describe('the golden index', () => {
  test('is written byte for byte', () => {
    const sink = new MemorySink();
    const writer = new IndexWriter(sink, symbols);
    assert.equal(writer.addSeries(entry([0, 4, 3, 1], [[0, 1000, 8]])), 3);
    assert.equal(
      writer.addSeries(
        entry(
          [0, 4, 3, 2],
          [
            [0, 0, 0x1e],
            [5000, 5000, 0x2f],
          ],
        ),
      ),
      4,
    );
    writer.finish();
    assert.equal(Buffer.from(sink.bytes()).toString('hex'), golden.toString('hex'));
  });

  test('is read', () => {
    const reader = new IndexReader(new MemorySource(golden));
    assert.deepEqual([...reader.symbols], symbols);
    assert.deepEqual(reader.labelNames(), ['__name__', 'job']);
    assert.deepEqual(reader.labelValues('job'), ['a', 'b']);
    assert.deepEqual(reader.labelValues('none'), []);
    assert.deepEqual([...reader.postings('', '')], [3, 4]);
    assert.deepEqual([...reader.postings('job', 'b')], [4]);
    assert.deepEqual([...reader.postings('job', 'c')], []);
    assert.deepEqual([...reader.match([new Matcher('!=', 'job', 'a')])], [4]);
    const series = new SeriesEntry();
    reader.series(4, series);
    assert.equal(reader.labels(series).toString(), '{__name__="m", job="b"}');
    assert.deepEqual([series.chunkCount, series.minTimes[1], series.maxTimes[1]], [2, 5000, 5000]);
    assert.deepEqual([series.segments[1], series.offsets[1], series.offsets[0]], [0, 0x2f, 0x1e]);
  });
});

describe('an index that is not one', () => {
  const damage = (at: number, value: number): Uint8Array => {
    const copy = Uint8Array.from(golden);
    copy[at] = value;
    return copy;
  };
  for (const [what, bytes, kind] of [
    ['nothing', new Uint8Array(0), 'corrupt'],
    ['a header alone', golden.subarray(0, 5), 'corrupt'],
    ['the second half', golden.subarray(100), 'corrupt'],
    ['the first half', golden.subarray(0, 200), 'corrupt'],
    ['another magic number', damage(0, 1), 'corrupt'],
    ['version 0', damage(4, 0), 'corrupt'],
    ['version 9', damage(4, 9), 'corrupt'],
    ['a damaged symbol', damage(0x10, 0x60), 'corrupt'],
    ['a damaged offset table', damage(0xa5, 3), 'corrupt'],
    ['a damaged table of contents', damage(0xd1, 9), 'corrupt'],
  ] as const) {
    test(`${what} is ${kind}`, () => {
      assert.throws(
        () => new IndexReader(new MemorySource(bytes)),
        (thrown) => kindOf(thrown) === kind,
      );
    });
  }

  test('a label name that is no symbol is refused at opening', () => {
    const copy = Buffer.from(golden);
    // The table's first `job` becomes `jox`, and its checksum is made right again.
    const at = copy.indexOf('job', 0x9c);
    copy.write('jox', at);
    copy.write('jox', copy.indexOf('job', at + 3));
    copy.writeUInt32BE(crc32c(copy, 0x9c + 4, 0xca - 4), 0xca - 4);
    assert.throws(
      () => new IndexReader(new MemorySource(copy)),
      (thrown) => kindOf(thrown) === 'corrupt' && /not a symbol/.test(String(thrown)),
    );
  });

  test('damaged series and posting lists are corrupt when they are read', () => {
    const reader = new IndexReader(new MemorySource(damage(0x33, 0)));
    const series = new SeriesEntry();
    assert.throws(
      () => reader.series(3, series),
      (thrown) => kindOf(thrown) === 'corrupt',
    );
    reader.series(4, series);
    for (const id of [0, 2, 6, 2 ** 31]) {
      assert.throws(
        () => reader.series(id, series),
        (thrown) => kindOf(thrown) === 'corrupt',
      );
    }
    const lists = new IndexReader(new MemorySource(damage(0x5f, 9)));
    assert.throws(
      () => lists.postings('', ''),
      (thrown) => kindOf(thrown) === 'corrupt',
    );
  });
});

describe('the writer refuses', () => {
  const first = (): SeriesEntry => entry([0, 4, 3, 1], [[0, 1000, 8]]);
  for (const [what, second] of [
    ['the same series twice', first()],
    ['a series before the last one', entry([0, 2], [])],
    ['labels out of order', entry([3, 4, 0, 4], [])],
    ['a label that is no symbol', entry([0, 5], [])],
    [
      'chunks that overlap',
      entry(
        [0, 4, 3, 2],
        [
          [0, 10, 8],
          [10, 20, 30],
        ],
      ),
    ],
    ['a chunk that ends before it starts', entry([0, 4, 3, 2], [[10, 5, 8]])],
  ] as const) {
    test(what, () => {
      const writer = new IndexWriter(new MemorySink(), symbols);
      writer.addSeries(first());
      assert.throws(
        () => writer.addSeries(second),
        (thrown) => kindOf(thrown) === 'invalid',
      );
    });
  }

  test('symbols out of byte order', () => {
    // UTF-16 order would have it the other way round.
    new IndexWriter(new MemorySink(), ['\uffee', '\u{1f600}']);
    assert.throws(
      () => new IndexWriter(new MemorySink(), ['\u{1f600}', '\uffee']),
      (thrown) => kindOf(thrown) === 'invalid',
    );
  });
});

test('what is damaged anywhere reads as it was or is corrupt', () => {
  let seed = 7;
  const random = (below: number): number => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return Math.floor((seed / 2 ** 32) * below);
  };
  const everything = (bytes: Uint8Array): string => {
    const reader = new IndexReader(new MemorySource(bytes));
    const series = new SeriesEntry();
    return JSON.stringify([
      [...reader.symbols],
      reader.labelNames().map((name) => reader.labelValues(name).map((value) => [...reader.postings(name, value)])),
      [...reader.postings('', '')].map((id) => {
        reader.series(id, series);
        const times = [...series.minTimes.subarray(0, series.chunkCount)];
        return [reader.labels(series).toString(), times, [...series.offsets.subarray(0, series.chunkCount)]];
      }),
    ]);
  };
  const expected = everything(golden);
  let refused = 0;
  for (let i = 0; i < 3000; i++) {
    const copy = Uint8Array.from(golden);
    copy[random(copy.length)] ^= 1 << random(8);
    try {
      assert.equal(everything(i % 4 === 0 ? copy.subarray(0, random(copy.length)) : copy), expected);
    } catch (thrown) {
      assert.ok(['corrupt', 'unsupported'].includes(kindOf(thrown)), String(thrown));
      refused++;
    }
  }
  assert.ok(refused > 2000);
});
