// A block whose series are read in turn: a window of its index, one of a segment, and the series it stands at. AssemblyScript.

import { sumBetween } from '../../../bytes/kernels/assembly/crc32c-sum';
import { readVarint, unzigzag, varint } from './varint';

/** Both windows of an input. What does not fit them is not for a kernel. */
export const WINDOW_BYTES: u32 = 64 * 1024;
export const MAX_LABELS: u32 = 256;

/** Memory of one input beside its windows. */
export const INPUT_BYTES: usize = 256 + 2 * <usize>MAX_LABELS * 8;
const LABELS_AT: usize = 256;

const SERIES_ALIGNMENT: i64 = 16;
/** Enough for most entries: a window with less is filled anew. */
const USUAL_ENTRY_BYTES: i64 = 1024;
/** The first window of a segment, and that after a jump. */
const FIRST_WINDOW_BYTES: u32 = 4096;
const CHECKSUM_BYTES: u32 = 4;
/** Far beyond the end of any segment, and so far from 32 bits that no sum goes over them. */
const LARGEST_OFFSET: u32 = 1 << 31;

/** Puts bytes of an index, which are there, at an address; 0 when they cannot be read. */
@external('env', 'readIndex')
declare function readIndex(input: u32, offset: f64, at: usize, length: u32): u32;

/** Puts up to `length` bytes of a segment at an address; how many there were, 0 when they cannot be read. */
@external('env', 'readSegment')
declare function readSegment(input: u32, segment: u32, offset: u32, at: usize, length: u32): u32;

@unmanaged
export class Input {
  number: u32;
  isEnded: bool;
  /** By symbol reference: what it is among the symbols of all. */
  refsAt: usize;
  refCount: u32;
  /** Both inclusive, ms. */
  minTime: i64;
  maxTime: i64;
  /** Where in the index the series at hand, the one behind it, and behind all of them, begin. */
  entry: i64;
  next: i64;
  end: i64;
  indexAt: usize;
  indexFrom: i64;
  indexTo: i64;
  /** Of the series at hand: pairs of references among the symbols of all. Those of the last series lie at `otherLabelsAt`. */
  labelsAt: usize;
  otherLabelsAt: usize;
  labelCount: u32;
  /** Of the series at hand: where what says of its chunks lies in the window. */
  chunkCount: u32;
  chunksAt: usize;
  chunksEnd: usize;
  segmentAt: usize;
  /** -1 before the first. */
  segment: i64;
  segmentFrom: u32;
  segmentTo: u32;
  nextWindow: u32;
}

/**
 * Begins at the first series of a block; false when it is not as it has to be. The input itself lies at `at`, INPUT_BYTES of
 * zeros, references of its symbols at `refsAt`, its two windows behind one another at `windowsAt`; entries lie from `from` to
 * `end` of its index.
 */
export function beginInput(
  at: usize,
  number: u32,
  refsAt: usize,
  refCount: u32,
  windowsAt: usize,
  from: f64,
  end: f64,
  minTime: f64,
  maxTime: f64,
): bool {
  const input = changetype<Input>(at);
  input.number = number;
  input.refsAt = refsAt;
  input.refCount = refCount;
  input.minTime = <i64>minTime;
  input.maxTime = <i64>maxTime;
  input.next = (<i64>from + SERIES_ALIGNMENT - 1) & -SERIES_ALIGNMENT;
  input.end = <i64>end;
  input.indexAt = windowsAt;
  input.segmentAt = windowsAt + WINDOW_BYTES;
  input.segment = -1;
  input.labelsAt = at + LABELS_AT;
  input.otherLabelsAt = input.labelsAt + <usize>MAX_LABELS * 8;
  return advance(input);
}

/** Goes to the next series; false when it is not as it has to be. */
export function advance(input: Input): bool {
  const at = input.next;
  if (at >= input.end) {
    input.isEnded = true;
    return true;
  }
  if (at + USUAL_ENTRY_BYTES > input.indexTo && input.indexTo < input.end && !fillIndex(input, at)) return false;
  let p = readVarint(placeOf(input, at), placeOf(input, input.indexTo));
  if (p == 0 || varint > WINDOW_BYTES) return false;
  const size = <u32>varint;
  const total = <i64>(p - placeOf(input, at)) + size + CHECKSUM_BYTES;
  if (at + total > input.end) return false;
  if (at + total > input.indexTo) {
    if (total > <i64>WINDOW_BYTES || !fillIndex(input, at)) return false;
    p = readVarint(placeOf(input, at), placeOf(input, input.indexTo));
  }
  const stop = p + size;
  if (bswap(load<u32>(stop)) != sumBetween(p, stop, 0)) return false;
  input.entry = at;
  input.next = (at + total + SERIES_ALIGNMENT - 1) & -SERIES_ALIGNMENT;
  p = readLabels(input, p, stop);
  if (p == 0) return false;
  p = readVarint(p, stop);
  if (p == 0 || varint == 0 || varint * 3 > <u64>(stop - p)) return false;
  input.chunkCount = <u32>varint;
  input.chunksAt = p;
  input.chunksEnd = stop;
  return true;
}

/** Where the labels end; 0 when they are not in order, or not behind those of the series before. */
function readLabels(input: Input, from: usize, stop: usize): usize {
  let p = readVarint(from, stop);
  if (p == 0 || varint == 0 || varint > MAX_LABELS) return 0;
  const count = <u32>varint;
  const lastAt = input.labelsAt;
  const lastCount = input.labelCount;
  const labelsAt = input.otherLabelsAt;
  input.labelsAt = labelsAt;
  input.otherLabelsAt = lastAt;
  input.labelCount = count;
  for (let i: usize = 0; i < <usize>(2 * count); i++) {
    p = readVarint(p, stop);
    if (p == 0 || varint >= input.refCount) return 0;
    const ref = load<u32>(input.refsAt + (<usize>varint << 2));
    if ((i & 1) == 0 && i > 0 && ref <= load<u32>(labelsAt + ((i - 2) << 2))) return 0;
    store<u32>(labelsAt + (i << 2), ref);
  }
  if (lastCount > 0 && compareLabels(labelsAt, count, lastAt, lastCount) <= 0) return 0;
  return p;
}

/** The order of series: symbols are in byte order, so it is that of references, pair by pair. */
export function compareLabels(a: usize, aCount: u32, b: usize, bCount: u32): i32 {
  const shared = <usize>min(aCount, bCount) << 3;
  for (let i: usize = 0; i < shared; i += 4) {
    const left = load<u32>(a + i);
    const right = load<u32>(b + i);
    if (left != right) return left < right ? -1 : 1;
  }
  return <i32>aCount - <i32>bCount;
}

function placeOf(input: Input, offset: i64): usize {
  return input.indexAt + <usize>(offset - input.indexFrom);
}

function fillIndex(input: Input, at: i64): bool {
  const length = <u32>min(<i64>WINDOW_BYTES, input.end - at);
  if (readIndex(input.number, <f64>at, input.indexAt, length) == 0) return false;
  input.indexFrom = at;
  input.indexTo = at + length;
  return true;
}

/** Of the chunk that `readNote` read last; it goes on from there. */
export let noteMinTime: i64 = 0;
export let noteMaxTime: i64 = 0;
export let noteRef: i64 = 0;

/**
 * Reads what the entry at hand says of a chunk, at `at`; where that ends, 0 when it is not inside of the block, or not behind
 * the chunk before.
 */
export function readNote(input: Input, at: usize, isFirst: bool): usize {
  const stop = input.chunksEnd;
  const before = isFirst ? i64.MIN_VALUE : noteMaxTime;
  let p = readVarint(at, stop);
  if (p == 0) return 0;
  noteMinTime = isFirst ? unzigzag(varint) : noteMaxTime + <i64>varint;
  p = readVarint(p, stop);
  if (p == 0) return 0;
  noteMaxTime = noteMinTime + <i64>varint;
  p = readVarint(p, stop);
  if (p == 0) return 0;
  noteRef = isFirst ? <i64>varint : noteRef + unzigzag(varint);
  // The end of a block is exclusive; a sample right there is tolerated elsewhere.
  if (noteMinTime <= before || noteMinTime < input.minTime || noteMaxTime >= input.maxTime) return 0;
  return noteRef < 0 ? 0 : p;
}

/** Of the chunk that `findChunk` found, from its size field up to its checksum: addresses, and what its field says. */
export let chunkAt: usize = 0;
export let chunkDataAt: usize = 0;
export let chunkEnd: usize = 0;
export let chunkLength: u32 = 0;

/** Finds the chunk that was noted in the window of its segment, which is filled as needed; false when it is not there or too large. */
export function findChunk(input: Input): bool {
  const segment = <u32>(noteRef >> 32);
  const offset = <u32>noteRef;
  if (offset > LARGEST_OFFSET) return false;
  const isThere = <i64>segment == input.segment && offset >= input.segmentFrom && offset + 5 <= input.segmentTo;
  if (!isThere && !fillSegment(input, segment, offset, 5)) return false;
  let at = input.segmentAt + (offset - input.segmentFrom);
  let p = readVarint(at, input.segmentAt + (input.segmentTo - input.segmentFrom));
  if (p == 0 || varint > WINDOW_BYTES) return false;
  const size = <u32>(p - at) + 1 + <u32>varint + CHECKSUM_BYTES;
  if (offset + size > input.segmentTo) {
    if (size > WINDOW_BYTES || !fillSegment(input, segment, offset, size)) return false;
    p += input.segmentAt - at;
    at = input.segmentAt;
  }
  chunkAt = at;
  chunkDataAt = p + 1;
  chunkLength = <u32>varint;
  chunkEnd = at + size;
  return true;
}

/** Whether the chunk that was found has the checksum it has to have. */
export function isChunkWhole(): bool {
  return bswap(load<u32>(chunkEnd - CHECKSUM_BYTES)) == sumBetween(chunkDataAt - 1, chunkEnd - CHECKSUM_BYTES, 0);
}

function fillSegment(input: Input, segment: u32, offset: u32, least: u32): bool {
  const isForward = <i64>segment == input.segment && offset >= input.segmentFrom && offset <= input.segmentTo + FIRST_WINDOW_BYTES;
  input.nextWindow = isForward ? min(2 * input.nextWindow, WINDOW_BYTES) : FIRST_WINDOW_BYTES;
  const count = readSegment(input.number, segment, offset, input.segmentAt, max(input.nextWindow, least));
  if (count < least) return false;
  input.segment = segment;
  input.segmentFrom = offset;
  input.segmentTo = offset + count;
  return true;
}
