// A block whose series are read in turn: a window of its index, one of a segment, and the series it stands at. AssemblyScript.

import { sumBetween } from '../../../bytes/kernels/assembly/crc32c-sum';
import { readVarint, varint } from './varint';

/** Both windows of an input. What does not fit them is not for a kernel. */
export const WINDOW_BYTES: u32 = 64 * 1024;
export const MAX_LABELS: u32 = 256;

const SERIES_ALIGNMENT: i64 = 16;
/** Enough for most entries: a window with less is filled anew. */
const USUAL_ENTRY_BYTES: i64 = 1024;
/** The first window of a segment, and that after a jump. */
const FIRST_WINDOW_BYTES: u32 = 4096;
const CHECKSUM_BYTES: u32 = 4;

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

/** Of the chunk that `findChunk` found, from its size field up to its checksum: addresses, and what its field says. */
export let chunkAt: usize = 0;
export let chunkDataAt: usize = 0;
export let chunkEnd: usize = 0;
export let chunkLength: u32 = 0;

/** Finds a chunk in the window of its segment, which is filled as needed; false when it is not there or too large. */
export function findChunk(input: Input, segment: u32, offset: u32): bool {
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
