// The series of blocks one after another, with the chunks of each block behind those of the block before: what most
// compactions are. And the look at what came of it. Anything out of the ordinary ends the work: that is for the plain code,
// ../../merge-blocks.ts, which this equals byte for byte. AssemblyScript, compiled by dev/generate-kernels.mjs.
//
//   memory   TABLES │ INPUTS │ LABELS of two series of each input │ SAME numbers of inputs
//            │ SERIES as words: place / 16, label count, references… │ ENTRIES │ CHUNKS │ what the caller lays out

import { makeTables, sumBetween, TABLES_END } from '../../../bytes/kernels/assembly/crc32c-sum';
import {
  advance,
  chunkAt,
  chunkDataAt,
  chunkEnd,
  chunkLength,
  compareLabels,
  findChunk,
  Input,
  MAX_LABELS,
  WINDOW_BYTES,
} from './input';
import { readVarint, unzigzag, varint, writeVarint, zigzag } from './varint';

const MAX_INPUTS: usize = 64;
const INPUT_BYTES: usize = 192;
const LABELS_BYTES: usize = <usize>MAX_LABELS * 8;
const INPUTS: usize = TABLES_END;
const LABELS: usize = INPUTS + MAX_INPUTS * INPUT_BYTES;
const SAME: usize = LABELS + MAX_INPUTS * 2 * LABELS_BYTES;
const SERIES: usize = SAME + MAX_INPUTS * 4;
const SERIES_BYTES: usize = 256 * 1024;
const ENTRIES: usize = SERIES + SERIES_BYTES;
/** The largest entry has less than this: its chunks take three numbers of up to eight bytes each. */
const MAX_CHUNKS: u32 = 16384;
const MAX_ENTRY_BYTES: usize = <usize>MAX_CHUNKS * 24 + LABELS_BYTES * 2;
const ENOUGH_ENTRY_BYTES: usize = 192 * 1024;
const ENTRIES_BYTES: usize = ENOUGH_ENTRY_BYTES + MAX_ENTRY_BYTES;
const CHUNKS: usize = ENTRIES + ENTRIES_BYTES;
const CHUNKS_BYTES: u32 = 256 * 1024;
const FREE: usize = CHUNKS + CHUNKS_BYTES;

/** A step ends when it has copied so much. */
const ENOUGH_CHUNK_BYTES: u32 = 2 * 1024 * 1024;
const SEGMENT_HEADER_BYTES: u32 = 8;
/** What a chunk takes at most beside its data. */
const CHUNK_OVERHEAD: u32 = 10;
const SERIES_ALIGNMENT: usize = 16;
const SIZE_BYTES: usize = 5;

const MORE: i32 = 0;
const ENDED: i32 = 1;
const UNUSUAL: i32 = 2;

/** Takes the first bytes of CHUNKS. */
@external('env', 'writeChunks')
declare function writeChunks(length: u32): void;

/** Ends the segment, if there is one, and begins the next. */
@external('env', 'cutSegment')
declare function cutSegment(): void;

let inputCount: u32 = 0;
let mostSegmentBytes: u32 = 0;
let outSegment: i64 = -1;
let outBytes: u32 = 0;
let pendingChunkBytes: u32 = 0;
let copiedBytes: u32 = 0;
let seriesEnd: usize = 0;
let entriesEnd: usize = 0;

let allSeries: f64 = 0;
let allChunks: f64 = 0;
let allSamples: f64 = 0;
let floatSamples: f64 = 0;
let histogramSamples: f64 = 0;
let largestSeries: i64 = 0;
let largestChunk: i64 = 0;

export function maxInputs(): usize { return MAX_INPUTS; }
export function windowBytes(): u32 { return WINDOW_BYTES; }
export function seriesAt(): usize { return SERIES; }
export function seriesWords(): usize { return seriesEnd >> 2; }
export function entriesAt(): usize { return ENTRIES; }
export function entryBytes(): usize { return entriesEnd; }
export function chunksAt(): usize { return CHUNKS; }
export function freeAt(): usize { return FREE; }
export function seriesCount(): f64 { return allSeries; }
export function chunkCount(): f64 { return allChunks; }
export function sampleCount(): f64 { return allSamples; }
export function floatCount(): f64 { return floatSamples; }
export function histogramCount(): f64 { return histogramSamples; }
export function seriesMaxBytes(): f64 { return <f64>largestSeries; }
export function chunkMaxBytes(): f64 { return <f64>largestChunk; }

/** Once, before all else. */
export function begin(segmentBytes: u32): void {
  makeTables();
  mostSegmentBytes = segmentBytes;
}

/**
 * Adds a block; false when its first series is unusual. References of its symbols lie at `refsAt`, its two windows behind
 * one another at `windowsAt`; entries lie from `from` to `end` of its index.
 */
export function addInput(
  refsAt: usize,
  refCount: u32,
  windowsAt: usize,
  from: f64,
  end: f64,
  minTime: f64,
  maxTime: f64,
): bool {
  const number = inputCount++;
  const input = inputOf(number);
  input.number = number;
  input.refsAt = refsAt;
  input.refCount = refCount;
  input.minTime = <i64>minTime;
  input.maxTime = <i64>maxTime;
  input.next = (<i64>from + 15) & -16;
  input.end = <i64>end;
  input.indexAt = windowsAt;
  input.segmentAt = windowsAt + WINDOW_BYTES;
  input.segment = -1;
  input.labelsAt = LABELS + <usize>number * 2 * LABELS_BYTES;
  input.otherLabelsAt = input.labelsAt + LABELS_BYTES;
  return advance(input);
}

/** Writes series until there are enough for a time. */
export function step(): i32 {
  seriesEnd = 0;
  entriesEnd = 0;
  copiedBytes = 0;
  while (
    entriesEnd < ENOUGH_ENTRY_BYTES && copiedBytes < ENOUGH_CHUNK_BYTES && seriesEnd + LABELS_BYTES + 8 <= SERIES_BYTES
  ) {
    const count = findFirst();
    if (count == 0) {
      flushChunks();
      return ENDED;
    }
    if (!writeSeries(count)) return UNUSUAL;
    for (let i: u32 = 0; i < count; i++) if (!advance(sameInput(i))) return UNUSUAL;
  }
  return MORE;
}

/** Looks at the next series of the only input, and the checksums of their chunks. */
export function inspect(most: u32): i32 {
  const input = inputOf(0);
  for (let i: u32 = 0; i < most; i++) {
    if (input.isEnded) return ENDED;
    if (!inspectSeries(input)) return UNUSUAL;
    const entry = input.entry;
    if (!advance(input)) return UNUSUAL;
    if (!input.isEnded) largestSeries = max(largestSeries, input.entry - entry);
  }
  return MORE;
}

function inputOf(number: u32): Input {
  return changetype<Input>(INPUTS + <usize>number * INPUT_BYTES);
}

function sameInput(i: u32): Input {
  return inputOf(load<u32>(SAME + (<usize>i << 2)));
}

/** Finds the inputs that stand at the series that comes first; how many there are. */
function findFirst(): u32 {
  let count: u32 = 0;
  let first = inputOf(0);
  for (let i: u32 = 0; i < inputCount; i++) {
    const input = inputOf(i);
    if (input.isEnded) continue;
    if (count > 0) {
      const order = compareLabels(input.labelsAt, input.labelCount, first.labelsAt, first.labelCount);
      if (order > 0) continue;
      if (order < 0) count = 0;
    }
    if (count == 0) first = input;
    store<u32>(SAME + (<usize>count << 2), i);
    count++;
  }
  return count;
}

/** Of the chunk that `readChunk` read; before the first one of an entry it is to be `start`. */
let chunkMinTime: i64 = 0;
let chunkMaxTime: i64 = 0;
let chunkRef: i64 = 0;

/** Reads what an entry says of a chunk, at `at`; where that ends, 0 when it is unusual. */
function readChunk(input: Input, at: usize, isFirst: bool): usize {
  const stop = input.chunksEnd;
  let p = readVarint(at, stop);
  if (p == 0) return 0;
  chunkMinTime = isFirst ? unzigzag(varint) : chunkMaxTime + <i64>varint;
  p = readVarint(p, stop);
  if (p == 0) return 0;
  chunkMaxTime = chunkMinTime + <i64>varint;
  p = readVarint(p, stop);
  if (p == 0) return 0;
  chunkRef = isFirst ? <i64>varint : chunkRef + unzigzag(varint);
  // The end of a block is exclusive; a sample right there is tolerated elsewhere.
  return chunkMinTime < input.minTime || chunkMaxTime >= input.maxTime || chunkRef < 0 ? 0 : p;
}

function writeSeries(count: u32): bool {
  let chunkCount: u32 = 0;
  for (let i: u32 = 0; i < count; i++) chunkCount += sameInput(i).chunkCount;
  if (chunkCount > MAX_CHUNKS) return false;

  const start = (entriesEnd + SERIES_ALIGNMENT - 1) & ~(SERIES_ALIGNMENT - 1);
  memory.fill(ENTRIES + entriesEnd, 0, start - entriesEnd);
  // The size comes before it, and how long that is is known at the end.
  const body = ENTRIES + start + SIZE_BYTES;
  const first = sameInput(0);
  const refCount = <usize>first.labelCount * 2;
  let p = writeVarint(body, first.labelCount);
  for (let i: usize = 0; i < refCount; i++) p = writeVarint(p, load<u32>(first.labelsAt + (i << 2)));
  p = writeVarint(p, chunkCount);
  let lastMaxTime: i64 = i64.MIN_VALUE;
  let lastRef: i64 = 0;
  for (let i: u32 = 0; i < count; i++) {
    const input = sameInput(i);
    let at = input.chunksAt;
    for (let j: u32 = 0; j < input.chunkCount; j++) {
      at = readChunk(input, at, j == 0);
      if (at == 0 || chunkMinTime <= lastMaxTime) return false;
      const ref = copyChunk(input);
      if (ref < 0) return false;
      const isFirst = lastMaxTime == i64.MIN_VALUE;
      p = writeVarint(p, isFirst ? zigzag(chunkMinTime) : <u64>(chunkMinTime - lastMaxTime));
      p = writeVarint(p, <u64>(chunkMaxTime - chunkMinTime));
      p = writeVarint(p, isFirst ? <u64>ref : zigzag(ref - lastRef));
      lastMaxTime = chunkMaxTime;
      lastRef = ref;
    }
    if (at != input.chunksEnd) return false;
  }
  const size = p - body;
  const moved = writeVarint(ENTRIES + start, <u64>size);
  memory.copy(moved, body, size);
  store<u32>(moved + size, bswap(sumBetween(moved, moved + size, 0)));
  entriesEnd = moved + size + 4 - ENTRIES;

  const series = SERIES + seriesEnd;
  store<u32>(series, <u32>(start / SERIES_ALIGNMENT));
  store<u32>(series, first.labelCount, 4);
  memory.copy(series + 8, first.labelsAt, refCount << 2);
  seriesEnd += 8 + (refCount << 2);
  allSeries += 1;
  allChunks += <f64>chunkCount;
  return true;
}

/** Copies the chunk that was read, with the checksum it has; its new reference, below 0 when it is unusual. */
function copyChunk(input: Input): i64 {
  if (!findChunk(input, <u32>(chunkRef >> 32), <u32>chunkRef) || !countSamples()) return -1;
  const size = <u32>(chunkEnd - chunkAt);
  if (outSegment < 0 || <u64>outBytes + chunkLength + CHUNK_OVERHEAD > mostSegmentBytes) {
    flushChunks();
    cutSegment();
    outSegment++;
    outBytes = SEGMENT_HEADER_BYTES;
  }
  if (pendingChunkBytes + size > CHUNKS_BYTES) flushChunks();
  memory.copy(CHUNKS + pendingChunkBytes, chunkAt, size);
  const ref = (outSegment << 32) | outBytes;
  pendingChunkBytes += size;
  copiedBytes += size;
  outBytes += size;
  return ref;
}

function flushChunks(): void {
  if (pendingChunkBytes == 0) return;
  writeChunks(pendingChunkBytes);
  pendingChunkBytes = 0;
}

/** Counts the samples of the chunk that was found; false when it has none that could be counted. */
function countSamples(): bool {
  const encoding = load<u8>(chunkDataAt - 1);
  let at = chunkDataAt;
  let length = chunkLength;
  if (encoding == 255) {
    // An aggregate has as many as its first part, the count: its length, its encoding, and then a chunk.
    if (length == 0) return false;
    if (load<u8>(at) == 0) return true;
    const p = readVarint(at, at + length) + 1;
    if (p == 1 || p >= at + length) return false;
    length -= <u32>(p - at);
    at = p;
  } else if (encoding < 1 || encoding > 3) {
    return false;
  }
  if (length < 2) return false;
  const count = <f64>((<u32>load<u8>(at) << 8) | load<u8>(at, 1));
  allSamples += count;
  if (encoding == 1) floatSamples += count;
  else if (encoding < 4) histogramSamples += count;
  return true;
}

function inspectSeries(input: Input): bool {
  let at = input.chunksAt;
  let lastMaxTime: i64 = i64.MIN_VALUE;
  let lastRef: i64 = 0;
  for (let i: u32 = 0; i < input.chunkCount; i++) {
    at = readChunk(input, at, i == 0);
    if (at == 0 || chunkMinTime <= lastMaxTime) return false;
    if (!findChunk(input, <u32>(chunkRef >> 32), <u32>chunkRef) || !countSamples()) return false;
    const stored = bswap(load<u32>(chunkEnd - 4));
    if (stored != sumBetween(chunkDataAt - 1, chunkEnd - 4, 0)) return false;
    // A neighbour in another segment says nothing about sizes.
    if (i > 0 && i < input.chunkCount - 1 && chunkRef >> 32 == lastRef >> 32) {
      largestChunk = max(largestChunk, chunkRef - lastRef);
    }
    lastMaxTime = chunkMaxTime;
    lastRef = chunkRef;
  }
  if (at != input.chunksEnd) return false;
  allSeries += 1;
  allChunks += <f64>input.chunkCount;
  return true;
}
