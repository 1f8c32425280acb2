// Damaged blocks, part by part: every decoder of this room reads what is left or says `corrupt`.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'vitest';
import { MemorySink } from '../bytes/byte-sink.ts';
import { MemorySource } from '../bytes/byte-source.ts';
import { crc32c } from '../bytes/crc32c.ts';
import { checkDamaged, type DamageCheck, damageTimeoutMs } from '../bytes/damage-fixture.ts';
import { Matcher } from '../model/matcher.ts';
import { SampleBuffer } from '../storage/sample-columns.ts';
import { parseBlockMeta } from './block-meta.ts';
import { decodeXorChunk } from './chunkenc/decode.ts';
import { decodeFloatHistograms } from './chunkenc/float-histogram.ts';
import { decodeHistograms } from './chunkenc/histogram.ts';
import { transcodeChunk } from './chunkenc/transcode.ts';
import { ChunkView, SegmentReader } from './chunks/segment-reader.ts';
import { readDump, testdata } from './golden-fixture.ts';
import { firstVersionOf } from './index/first-version-fixture.ts';
import { readPostingList } from './index/posting-list.ts';
import { IndexReader } from './index/reader.ts';
import { decodeSeriesEntry, SeriesEntry } from './index/series-entry.ts';
import { SymbolTable } from './index/symbols.ts';
import { IndexWriter } from './index/writer.ts';
import { startTimestampChunks } from './start-timestamps-fixture.ts';
import { parseTombstones } from './tombstones.ts';

const [basic] = readdirSync(join(testdata, 'basic'));
const [deleted] = readdirSync(join(testdata, 'tombstones'));
const blockFile = (...parts: string[]): Uint8Array => new Uint8Array(readFileSync(join(testdata, ...parts)));
const hexes = (...texts: string[]): Uint8Array[] => texts.map((text) => new Uint8Array(Buffer.from(text, 'hex')));
const dumps = readdirSync(join(testdata, 'dumps')).map((file) => readDump(join(testdata, 'dumps', file)));

/** Chunks of the golden blocks, each kind by its name in the dumps. */
function chunksOf(kind: string): Uint8Array[] {
  const all = dumps.flatMap(({ series }) => series.flatMap(({ chunks }) => chunks)).filter(({ enc }) => enc === kind);
  return all.map(({ data }) => new Uint8Array(Buffer.from(data, 'base64')));
}

const startChunk = (encoding: number): Uint8Array[] =>
  hexes(...startTimestampChunks.filter((chunk) => chunk.encoding === encoding).map(({ hex }) => hex));

/** Two series with three chunks: the index that index.test.ts knows byte by byte. Small, so that damage hits what matters. */
function smallIndex(): Uint8Array {
  const sink = new MemorySink();
  const index = new IndexWriter(sink, ['__name__', 'a', 'b', 'job', 'm']);
  const entry = new SeriesEntry();
  for (const [labels, chunks] of [
    [[0, 4, 3, 1], [[0, 1000, 8]]],
    [
      [0, 4, 3, 2],
      [
        [0, 0, 0x1e],
        [5000, 5000, 0x2f],
      ],
    ],
  ] as const) {
    entry.labelRefs.set(labels);
    entry.labelCount = 2;
    entry.chunkCount = chunks.length;
    chunks.forEach(([minTime, maxTime, offset], i) => {
      entry.minTimes[i] = minTime;
      entry.maxTimes[i] = maxTime;
      entry.offsets[i] = offset;
    });
    index.addSeries(entry);
  }
  index.finish();
  return sink.bytes();
}

/** A table that stands alone. */
function symbolTable(symbols: readonly string[]): Uint8Array {
  const texts = symbols.map((symbol) => Buffer.from(symbol));
  const entries = texts.flatMap((text) => [...uvarint(text.length), ...text]);
  const body = Buffer.concat([Buffer.alloc(4), Buffer.from(entries)]);
  body.writeUInt32BE(symbols.length);
  const all = new Uint8Array(body.length + 8);
  all.set(body, 4);
  const view = new DataView(all.buffer);
  view.setUint32(0, body.length);
  view.setUint32(all.length - 4, crc32c(body));
  return all;
}

const uvarint = (value: number): number[] => (value < 0x80 ? [value] : [(value & 0x7f) | 0x80, value >> 7]);

const goldenIndex = [smallIndex()];

/** Bodies under a checksum in the small index: where they start and end; the checksum follows. */
const sealedParts = [
  [0x09, 0x20],
  [0x31, 0x3b],
  [0x41, 0x4e],
  [0x58, 0x64],
  [0x6c, 0x78],
  [0x80, 0x88],
  [0x90, 0x98],
  [0xa0, 0xc6],
  [0xca, 0xfa],
] as const;

function resealIndex(bytes: Uint8Array): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (const [from, to] of sealedParts) if (to + 4 <= bytes.length) view.setUint32(to, crc32c(bytes, from, to));
}

const matchers = [
  [new Matcher('=~', 'job', 'a|b')],
  [new Matcher('!=', '__name__', 'x'), new Matcher('=~', 'job', '.+')],
];

function readIndex(bytes: Uint8Array): void {
  const index = new IndexReader(new MemorySource(bytes));
  const entry = new SeriesEntry();
  let first: unknown;
  const attempt = (read: () => void): void => {
    try {
      read();
    } catch (thrown) {
      first ??= thrown;
    }
  };
  // One part's damage does not keep the others from being read.
  attempt(() => {
    for (const id of index.walk()) {
      attempt(() => {
        index.series(id, entry);
        index.labels(entry);
      });
    }
  });
  for (const name of ['', ...index.labelNames()]) {
    attempt(() => {
      for (const value of index.labelValues(name)) attempt(() => index.postings(name, value));
    });
  }
  for (const asked of matchers) attempt(() => index.labelNamesOf(index.match(asked), entry));
  if (first !== undefined) throw first;
}

/** Every chunk of a small segment by walking it. */
function readSegment(bytes: Uint8Array): void {
  const reader = new SegmentReader([new MemorySource(bytes)]);
  const view = new ChunkView();
  const into = new SampleBuffer(1);
  for (const offset of [8, 0x1e, 0x2f]) {
    reader.read(0, offset, view);
    if (view.encoding === 1) decodeXorChunk(view.bytes, view.offset, view.length, into);
  }
}

const decoders: [what: string, DamageCheck][] = [
  [
    'float chunks',
    {
      inputs: chunksOf('XOR'),
      cases: 2000,
      decode: (bytes) => decodeXorChunk(bytes, 0, bytes.length, new SampleBuffer(1)),
    },
  ],
  [
    'histogram chunks',
    {
      inputs: [
        ...chunksOf('histogram'),
        ...hexes(
          '000300ff3f50624dd2f1a9fc8ca4946317f0000c5e7f2b40063248064cccccccccccd18dd3f83a98a47487e2036693fffffffffffe00',
          '00020000ee5ca48c55b7197c7d3fbfffffe3fbf9adbb8f8da72fe00018bcfe56800b100a4000000000002317c1d4c4db81c4',
        ),
      ],
      cases: 1000,
      decode: (bytes) => decodeHistograms(bytes, 0, bytes.length),
    },
  ],
  [
    'float histogram chunks',
    {
      inputs: hexes(
        '0002c0ff3f50624dd2f1a9fc8ca4946317f0000c5e7f2b400201a00000000000020080000000000002025cccccccccccca00400000000000020080000000000002004000000000000200400000000000020040000000000007c1d4c6b0feb07a77f3ffffffffffff84cfffd60f099fff84cfff00',
      ),
      cases: 1000,
      decode: (bytes) => decodeFloatHistograms(bytes, 0, bytes.length),
    },
  ],
  ...[4, 5, 6].map((encoding): [string, DamageCheck] => [
    `chunks of encoding ${encoding} on their way to an older one`,
    { inputs: startChunk(encoding), cases: 1000, decode: (bytes) => transcodeChunk(encoding, bytes) },
  ]),
  ['indexes', { inputs: goldenIndex, cases: 1000, decode: readIndex, reseal: resealIndex }],
  [
    'indexes of version 1',
    { inputs: goldenIndex.map((bytes) => firstVersionOf(bytes).bytes), cases: 300, decode: readIndex },
  ],
  [
    'series entries',
    {
      inputs: hexes('0a02000403010100e807085b472191', '0d0200040302020000001e8827002286ebfdde'),
      cases: 800,
      decode: (bytes) => decodeSeriesEntry(bytes, 0, new SeriesEntry(), bytes.length, false),
    },
  ],
  [
    'posting lists',
    {
      inputs: hexes('0000000c000000020000000300000004495848d7'),
      cases: 300,
      decode: (bytes) => readPostingList(bytes),
      reseal: (bytes) => {
        if (bytes.length >= 20) new DataView(bytes.buffer).setUint32(16, crc32c(bytes, 4, 16));
      },
    },
  ],
  [
    'symbol tables',
    {
      inputs: [symbolTable(['', '__name__', 'a', 'job', 'up', 'é'.repeat(100)])],
      cases: 600,
      reseal: (bytes) => {
        const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
        if (bytes.length < 8) return;
        view.setUint32(0, bytes.length - 8);
        view.setUint32(bytes.length - 4, crc32c(bytes, 4, bytes.length - 4));
      },
      decode: (bytes) => {
        const symbols = new SymbolTable(bytes);
        for (let ref = 0; ref < symbols.count; ref++) symbols.indexOf(symbols.get(ref));
      },
    },
  ],
  [
    'chunk segments',
    {
      inputs: hexes(
        '85bd40dd0100000010010002003ff0000000000000e807c25fffcf3a04320b010001004008000000000000856a2ca90c010001904e401000000000000030e635a4',
      ),
      cases: 800,
      decode: readSegment,
      reseal: (bytes) => {
        const view = new DataView(bytes.buffer);
        for (const [from, to] of [
          [9, 26],
          [31, 43],
          [48, 61],
        ] as const) {
          if (to + 4 <= bytes.length) view.setUint32(to, crc32c(bytes, from, to));
        }
      },
    },
  ],
  [
    'tombstones',
    {
      inputs: [blockFile('tombstones', deleted, 'tombstones')],
      cases: 500,
      decode: (bytes) => parseTombstones(bytes),
      reseal: (bytes) => {
        if (bytes.length >= 9) {
          new DataView(bytes.buffer).setUint32(bytes.length - 4, crc32c(bytes, 5, bytes.length - 4));
        }
      },
    },
  ],
  [
    'meta.json files',
    { inputs: [blockFile('basic', basic, 'meta.json')], cases: 300, decode: (bytes) => parseBlockMeta(bytes) },
  ],
];

describe('damage is read or refused', () => {
  for (const [what, check] of decoders) test(what, { timeout: damageTimeoutMs }, () => checkDamaged(check));
});
