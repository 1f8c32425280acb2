// Tests: a good block and the ways in which a block can be broken, told apart by what a compactor can make of it.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { backgroundRequest } from '../async/request.ts';
import { type BlockMeta, emptyThanos, parseMeta, printMeta } from '../block/meta.ts';
import { blockFiles, segmentFilesOf } from '../block/upload.ts';
import { crc32c } from '../bytes/crc32c.ts';
import { Labels } from '../model/labels.ts';
import { type Bucket, bodyOf } from '../objstore/bucket.ts';
import { SampleBuffer } from '../storage/sample-columns.ts';
import { BlockWriter } from '../tsdb/block-writer.ts';
import { withMemoryDirectory } from './bucket-fixture.ts';

/** The objects of a block by their path in it. */
export type BlockObjects = Map<string, Uint8Array>;

const SEGMENT = 'chunks/000001';
const HOUR_MS = 3_600_000;
const STEP_MS = 30_000;

/** Three series of two labels and two chunks each. */
export async function goodBlock(
  ulid: string,
  labels: Readonly<Record<string, string>>,
  [startHour, hours]: readonly [number, number],
): Promise<BlockObjects> {
  return withMemoryDirectory(async (directory) => {
    const minTime = startHour * HOUR_MS;
    const maxTime = minTime + hours * HOUR_MS;
    const writer = new BlockWriter(directory, { ulid, minTime, maxTime });
    const stepMs = (hours / 2) * STEP_MS;
    for (const instance of ['a', 'b', 'c']) {
      const samples = new SampleBuffer();
      for (let time = minTime, i = 0; time < maxTime; time += stepMs, i++) samples.push(time, Math.sin(i) * 100);
      writer.addSeries(Labels.of({ __name__: 'up', instance }), samples);
    }
    const { others: _others, ...base } = writer.finish();
    const path = join(directory, ulid);
    const files = (await blockFiles(path, '')).filter(({ relPath }) => relPath !== 'tombstones');
    const segmentFiles = segmentFilesOf(files);
    const thanos = { ...emptyThanos, version: 1, labels: Labels.of(labels), source: 'sidecar', files, segmentFiles };
    writeFileSync(join(path, 'meta.json'), printMeta({ ...base, thanos }));
    return new Map(
      ['meta.json', 'index', SEGMENT].map((name) => [name, Uint8Array.from(readFileSync(join(path, name)))]),
    );
  });
}

/** As it is, whatever is wrong with it. */
export async function putBlock(bucket: Bucket, ulid: string, objects: BlockObjects): Promise<void> {
  for (const [name, bytes] of objects) await bucket.upload(backgroundRequest(), `${ulid}/${name}`, bodyOf(bytes));
}

/**
 * What is to become of a block: `marked` no-compact, for it cannot be read; `left out`, for nothing is known of it;
 * `cured`, for all of its samples can be had, and the merger has them.
 */
export type DamageOutcome = 'marked' | 'left out' | 'cured';

export interface Damage {
  readonly what: string;
  readonly outcome: DamageOutcome;
  /** Of the mark, where it is not `damaged-block`. */
  readonly reason?: string;
  readonly breakIt: (block: BlockObjects) => void;
}

export const damages: readonly Damage[] = [
  marked('no index', (block) => void block.delete('index')),
  marked('an empty index', (block) => void block.set('index', new Uint8Array(0))),
  marked('an index cut off', (block) => cut(block, 'index', 100)),
  marked('an index of noise', (block) => void block.set('index', noise(block.get('index')!.length))),
  marked('an index with another magic number', (block) => flip(block, 'index', 0)),
  marked('an index of an unknown version', (block) => set(block, 'index', 4, 77)),
  marked('a damaged symbol', (block) => flip(block, 'index', 20)),
  marked('a damaged table of contents', (block) => flip(block, 'index', -10)),
  marked('a damaged series entry', (block) => flip(block, 'index', entriesOf(block)[1].from + 3)),
  marked('a series entry with a label that is no symbol', (block) => edit(block, 1, ({ labels }) => labels[1].put(99))),
  marked('a series entry that promises chunks it has not', (block) => edit(block, 1, ({ count }) => count.put(100))),
  marked('labels out of order', (block) => {
    edit(block, 1, ({ labels: [name, value, otherName, otherValue] }) => {
      const [a, b] = [name.value, value.value];
      name.put(otherName.value);
      value.put(otherValue.value);
      otherName.put(a);
      otherValue.put(b);
    });
  }),
  marked('a series twice', (block) => {
    edit(block, 0, ({ labels: [, , , first] }) => edit(block, 1, ({ labels: [, , , own] }) => own.put(first.value)));
  }),
  {
    ...marked('chunks that overlap in their series', (block) =>
      edit(block, 1, ({ chunks: [, next] }) => next.min.put(0)),
    ),
    reason: 'block-index-out-of-order-chunk',
  },
  marked('a chunk outside of its time', (block) => {
    edit(block, 1, ({ chunks: [, next] }) => next.min.put(2_000_000));
  }),
  marked('a chunk beyond the end of its segment', (block) => {
    edit(block, 2, ({ chunks: [first] }) => first.ref.put(block.get(SEGMENT)!.length + 10));
  }),
  marked('a chunk that begins inside of another', (block) => {
    edit(block, 2, ({ chunks: [first] }) => first.ref.put(first.ref.value + 7));
  }),
  marked('no chunks', (block) => void block.delete(SEGMENT)),
  marked('an empty segment', (block) => void block.set(SEGMENT, new Uint8Array(0))),
  marked('a segment cut off', (block) => cut(block, SEGMENT, 50)),
  marked('a segment with another magic number', (block) => flip(block, SEGMENT, 0)),
  marked('a damaged chunk', (block) => flip(block, SEGMENT, 30)),
  marked('a chunk of an unknown encoding whose checksum is right', (block) => {
    editChunk(block, 0, (chunk) => {
      chunk[0] = 99;
    });
  }),
  marked('a chunk whose checksum is wrong', (block) => flip(block, SEGMENT, chunkAt(block, 1).to)),
  marked('sizes that its meta.json does not record', (block) => {
    editMeta(block, (meta) => {
      const files = meta.thanos.files.map((file) => ({ ...file, sizeBytes: file.sizeBytes && file.sizeBytes + 1 }));
      return { ...meta, thanos: { ...meta.thanos, files } };
    });
  }),
  marked('a segment that only its meta.json knows', (block) => {
    editMeta(block, (meta) => {
      const files = [...meta.thanos.files, { relPath: 'chunks/000002', sizeBytes: 100, sha256: '' }];
      return { ...meta, thanos: { ...meta.thanos, files } };
    });
  }),
  { ...marked('fewer samples in its meta.json than it has', (block) => count(block, 7)), outcome: 'cured' },
  { ...marked('more samples in its meta.json than it has', (block) => count(block, 1e6)), outcome: 'cured' },
  { ...marked('damaged posting lists', (block) => flip(block, 'index', postingsAt(block) + 9)), outcome: 'cured' },
  marked('a damaged table of posting lists', (block) => flip(block, 'index', -60)),
  leftOut('an empty meta.json', () => ''),
  leftOut('a meta.json that is a web page', () => '<html>502 Bad Gateway</html>'),
  leftOut('a meta.json cut off', (text) => text.slice(0, 200)),
  leftOut('the meta.json of another block', (text) => text.replace(/01HF7YAT00A/g, '01HF7YAT00Z')),
  leftOut('a meta.json of a version to come', (text) => text.replace(/("version":\s*)1/g, '$199')),
];

function marked(what: string, breakIt: Damage['breakIt']): Damage {
  return { what, outcome: 'marked', breakIt };
}

function leftOut(what: string, change: (text: string) => string): Damage {
  return {
    what,
    outcome: 'left out',
    breakIt: (block) => {
      const text = change(Buffer.from(block.get('meta.json')!).toString());
      block.set('meta.json', Uint8Array.from(Buffer.from(text)));
    },
  };
}

function flip(block: BlockObjects, name: string, at: number): void {
  const bytes = block.get(name)!;
  bytes[at < 0 ? bytes.length + at : at] ^= 0xff;
}

function set(block: BlockObjects, name: string, at: number, value: number): void {
  block.get(name)![at] = value;
}

function cut(block: BlockObjects, name: string, length: number): void {
  block.set(name, block.get(name)!.slice(0, length));
}

function noise(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i * 89 + 7) & 0xff);
}

function editMeta(block: BlockObjects, change: (meta: BlockMeta) => BlockMeta): void {
  const text = printMeta(change(parseMeta(block.get('meta.json')!)));
  block.set('meta.json', Uint8Array.from(Buffer.from(text)));
}

function count(block: BlockObjects, numSamples: number): void {
  editMeta(block, (meta) => ({ ...meta, stats: { ...meta.stats, numSamples, numFloatSamples: numSamples } }));
}

interface Range {
  readonly from: number;
  readonly to: number;
}

/** A number in an entry, which keeps its width. */
class Field {
  readonly at: number;
  readonly #bytes: Uint8Array;
  readonly #width: number;
  readonly #isSigned: boolean;

  constructor(bytes: Uint8Array, at: number, isSigned: boolean) {
    this.at = at;
    this.#bytes = bytes;
    this.#isSigned = isSigned;
    let width = 1;
    while (bytes[at + width - 1] >= 0x80) width++;
    this.#width = width;
  }

  get end(): number {
    return this.at + this.#width;
  }

  get value(): number {
    let value = 0;
    for (let i = this.#width - 1; i >= 0; i--) value = value * 128 + (this.#bytes[this.at + i] & 0x7f);
    return this.#isSigned ? (value % 2 === 0 ? value / 2 : -(value + 1) / 2) : value;
  }

  put(value: number): void {
    let rest = this.#isSigned ? (value < 0 ? -2 * value - 1 : 2 * value) : value;
    for (let i = 0; i < this.#width; i++) {
      this.#bytes[this.at + i] = (rest % 128) | (i < this.#width - 1 ? 0x80 : 0);
      rest = Math.floor(rest / 128);
    }
    if (rest !== 0) throw new Error(`${value} does not fit into ${this.#width} bytes`);
  }
}

interface EntryFields {
  /** Names and values in turn. */
  readonly labels: readonly Field[];
  readonly count: Field;
  /** `min` of all but the first is the distance to the one before, as `ref` is. */
  readonly chunks: readonly { readonly min: Field; readonly span: Field; readonly ref: Field }[];
}

/** Where the bodies of the series entries are. */
function entriesOf(block: BlockObjects): Range[] {
  const bytes = block.get('index')!;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const offset = (i: number): number => Number(view.getBigUint64(bytes.length - 52 + 8 * i));
  const ranges: Range[] = [];
  for (let at = 16 * Math.ceil(offset(1) / 16); at < offset(2); ) {
    const length = new Field(bytes, at, false);
    ranges.push({ from: length.end, to: length.end + length.value });
    at = 16 * Math.ceil((length.end + length.value + 4) / 16);
  }
  return ranges;
}

function postingsAt(block: BlockObjects): number {
  const bytes = block.get('index')!;
  return Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(bytes.length - 52 + 32));
}

/** Changes fields of the n-th entry, which gets a checksum that is right. */
function edit(block: BlockObjects, n: number, change: (fields: EntryFields) => void): void {
  const bytes = block.get('index')!;
  const { from, to } = entriesOf(block)[n];
  let at = from;
  const next = (isSigned = false): Field => {
    const field = new Field(bytes, at, isSigned);
    at = field.end;
    return field;
  };
  const labels = Array.from({ length: 2 * next().value }, () => next());
  const chunkCount = next();
  const chunks = Array.from({ length: chunkCount.value }, (_, i) => ({
    min: next(i === 0),
    span: next(),
    ref: next(i > 0),
  }));
  change({ labels, count: chunkCount, chunks });
  new DataView(bytes.buffer, bytes.byteOffset).setUint32(to, crc32c(bytes, from, to));
}

/** Encoding and data of the n-th chunk of the segment; its checksum follows. */
function chunkAt(block: BlockObjects, n: number): Range {
  const bytes = block.get(SEGMENT)!;
  for (let at = 8, i = 0; ; i++) {
    const length = new Field(bytes, at, false);
    const to = length.end + 1 + length.value;
    if (i === n) return { from: length.end, to };
    at = to + 4;
  }
}

function editChunk(block: BlockObjects, n: number, change: (chunk: Uint8Array) => void): void {
  const bytes = block.get(SEGMENT)!;
  const { from, to } = chunkAt(block, n);
  change(bytes.subarray(from, to));
  new DataView(bytes.buffer, bytes.byteOffset).setUint32(to, crc32c(bytes, from, to));
}
