// A block while it is written: chunks for its segments, and entries for its index, until somebody takes them. AssemblyScript;
// who includes this lays out its memory.
//
//   memory   SERIES as words: place / 16, label count, references… │ ENTRIES │ NOTES of the chunks of one entry │ CHUNKS

import { sumBetween } from '../../../bytes/kernels/assembly/crc32c-sum';
import { MAX_LABELS } from './input';
import { writeVarint, zigzag } from './varint';

const LABELS_BYTES: usize = <usize>MAX_LABELS * 8;
export const SERIES_BYTES: usize = 256 * 1024;
/** Of one series. What an entry says of a chunk are three numbers of up to eight bytes each. */
export const MAX_CHUNKS: u32 = 16384;
const NOTES_BYTES: usize = <usize>MAX_CHUNKS * 24;
const ENOUGH_ENTRY_BYTES: usize = 192 * 1024;
const ENTRIES_BYTES: usize = ENOUGH_ENTRY_BYTES + NOTES_BYTES + LABELS_BYTES * 2;
/** The largest chunk, with all that surrounds its data, is no larger. */
export const CHUNKS_BYTES: u32 = 512 * 1024;
export const OUTPUT_BYTES: usize = SERIES_BYTES + ENTRIES_BYTES + NOTES_BYTES + CHUNKS_BYTES;

const SEGMENT_HEADER_BYTES: u32 = 8;
/** What a chunk takes at most beside its data. */
const CHUNK_OVERHEAD: u32 = 10;
const SERIES_ALIGNMENT: usize = 16;
const SIZE_BYTES: usize = 5;

/** Takes the first bytes of CHUNKS. */
@external('env', 'writeChunks')
declare function writeChunks(length: u32): void;

/** Ends the segment, if there is one, and begins the next. */
@external('env', 'cutSegment')
declare function cutSegment(): void;

let seriesStart: usize = 0;
let entriesStart: usize = 0;
let notesStart: usize = 0;
let chunksStart: usize = 0;
let mostSegmentBytes: u32 = 0;
let segment: i64 = -1;
let segmentSize: u32 = 0;
let pendingBytes: u32 = 0;
let seriesEnd: usize = 0;
let entriesEnd: usize = 0;
let notesEnd: usize = 0;
let notedChunks: u32 = 0;
let lastMaxTime: i64 = 0;
let lastRef: i64 = 0;

/** Chunk bytes since `beginStep`. */
export let steppedBytes: u32 = 0;

export function seriesAt(): usize { return seriesStart; }
export function seriesWords(): usize { return seriesEnd >> 2; }
export function entriesAt(): usize { return entriesStart; }
export function entryBytes(): usize { return entriesEnd; }
export function chunksAt(): usize { return chunksStart; }

/** Once: OUTPUT_BYTES from `at` on are for the output. */
export function beginOutput(at: usize, segmentBytes: u32): void {
  seriesStart = at;
  entriesStart = seriesStart + SERIES_BYTES;
  notesStart = entriesStart + ENTRIES_BYTES;
  chunksStart = notesStart + NOTES_BYTES;
  mostSegmentBytes = segmentBytes;
}

/** The segment at hand, -1 before the first, and how long it is, when others have written there. */
export function goOnAt(number: f64, sizeBytes: u32): void {
  segment = <i64>number;
  segmentSize = sizeBytes;
}

/** What the last step left was taken. */
export function beginStep(): void {
  seriesEnd = 0;
  entriesEnd = 0;
  steppedBytes = 0;
}

/** Whether there is room for one more entry. */
export function hasRoom(): bool {
  return entriesEnd < ENOUGH_ENTRY_BYTES && seriesEnd + LABELS_BYTES + 8 <= SERIES_BYTES;
}

export function beginEntry(): void {
  notesEnd = notesStart;
  notedChunks = 0;
}

/** Copies a chunk as it lies from size field to checksum, whose data are `length` bytes; its reference. */
export function copyChunk(at: usize, end: usize, length: u32): i64 {
  const size = <u32>(end - at);
  makeRoom(size, length);
  memory.copy(chunksStart + pendingBytes, at, size);
  return written(size);
}

/** Writes a chunk with these data; its reference. */
export function writeChunk(encoding: u8, at: usize, length: u32): i64 {
  makeRoom(length + CHUNK_OVERHEAD, length);
  const start = chunksStart + pendingBytes;
  const body = writeVarint(start, length);
  store<u8>(body, encoding);
  memory.copy(body + 1, at, length);
  const end = body + 1 + length;
  store<u32>(end, bswap(sumBetween(body, end, 0)));
  return written(<u32>(end + 4 - start));
}

function makeRoom(size: u32, length: u32): void {
  if (segment < 0 || <u64>segmentSize + length + CHUNK_OVERHEAD > mostSegmentBytes) {
    flushChunks();
    cutSegment();
    segment++;
    segmentSize = SEGMENT_HEADER_BYTES;
  }
  if (pendingBytes + size > CHUNKS_BYTES) flushChunks();
}

function written(size: u32): i64 {
  const ref = (segment << 32) | segmentSize;
  pendingBytes += size;
  steppedBytes += size;
  segmentSize += size;
  return ref;
}

export function flushChunks(): void {
  if (pendingBytes == 0) return;
  writeChunks(pendingBytes);
  pendingBytes = 0;
}

/** Notes a chunk of the entry; false when it does not begin behind the end of the one before, or there are too many. */
export function noteChunk(minTime: i64, maxTime: i64, ref: i64): bool {
  const isFirst = notedChunks == 0;
  if (maxTime < minTime || (!isFirst && minTime <= lastMaxTime) || notedChunks == MAX_CHUNKS) return false;
  notedChunks++;
  let p = writeVarint(notesEnd, isFirst ? zigzag(minTime) : <u64>(minTime - lastMaxTime));
  p = writeVarint(p, <u64>(maxTime - minTime));
  notesEnd = writeVarint(p, isFirst ? <u64>ref : zigzag(ref - lastRef));
  lastMaxTime = maxTime;
  lastRef = ref;
  return true;
}

/** Writes the entry with the chunks that were noted; nothing when there are none. How many there are. */
export function endEntry(labelsAt: usize, labelCount: u32): u32 {
  if (notedChunks == 0) return 0;
  const start = (entriesEnd + SERIES_ALIGNMENT - 1) & ~(SERIES_ALIGNMENT - 1);
  memory.fill(entriesStart + entriesEnd, 0, start - entriesEnd);
  // The size comes before it, and how long that is is known at the end.
  const body = entriesStart + start + SIZE_BYTES;
  const refBytes = <usize>labelCount * 8;
  let p = writeVarint(body, labelCount);
  for (let i: usize = 0; i < refBytes; i += 4) p = writeVarint(p, load<u32>(labelsAt + i));
  p = writeVarint(p, notedChunks);
  memory.copy(p, notesStart, notesEnd - notesStart);
  const size = p + (notesEnd - notesStart) - body;
  const moved = writeVarint(entriesStart + start, <u64>size);
  memory.copy(moved, body, size);
  store<u32>(moved + size, bswap(sumBetween(moved, moved + size, 0)));
  entriesEnd = moved + size + 4 - entriesStart;

  const series = seriesStart + seriesEnd;
  store<u32>(series, <u32>(start / SERIES_ALIGNMENT));
  store<u32>(series, labelCount, 4);
  memory.copy(series + 8, labelsAt, refBytes);
  seriesEnd += 8 + refBytes;
  return notedChunks;
}
