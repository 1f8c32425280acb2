// The series of blocks one after another, with the chunks of each block behind those of the block before: what most
// compactions are. And the look at what came of it. Anything out of the ordinary ends the work: that is for the plain code,
// ../../merge-blocks.ts, which this equals byte for byte. AssemblyScript, compiled by dev/generate-kernels.mjs.
//
//   memory   TABLES │ INPUTS │ SAME numbers of inputs │ OUTPUT │ what the caller lays out

import { makeTables, TABLES_END } from '../../../bytes/kernels/assembly/crc32c-sum';
import {
  advance,
  beginInput,
  chunkAt,
  chunkDataAt,
  chunkEnd,
  chunkLength,
  compareLabels,
  findChunk,
  INPUT_BYTES,
  Input,
  noteMaxTime,
  noteMinTime,
  readNote,
  WINDOW_BYTES,
} from './input';
import {
  beginLook,
  chunkCount,
  chunkMaxBytes,
  countSeries,
  ENDED,
  endLook,
  lookAtNext,
  MORE,
  seriesCount,
  seriesMaxBytes,
  UNUSUAL,
} from './look';
import {
  beginEntry,
  beginOutput,
  beginStep,
  chunksAt,
  copyChunk,
  endEntry,
  entriesAt,
  entryBytes,
  flushChunks,
  hasRoom,
  noteChunk,
  OUTPUT_BYTES,
  seriesAt,
  seriesWords,
  steppedBytes,
} from './output';
import { readVarint } from './varint';

const MAX_INPUTS: usize = 64;
const INPUTS: usize = TABLES_END;
const SAME: usize = INPUTS + MAX_INPUTS * INPUT_BYTES;
const OUTPUT: usize = SAME + MAX_INPUTS * 4;
const FREE: usize = OUTPUT + OUTPUT_BYTES;

/** A step ends when it has copied so much. */
const ENOUGH_CHUNK_BYTES: u32 = 2 * 1024 * 1024;

let inputCount: u32 = 0;
let allSamples: f64 = 0;
let floatSamples: f64 = 0;
let histogramSamples: f64 = 0;

export { chunkCount, chunkMaxBytes, chunksAt, entriesAt, entryBytes, seriesAt, seriesCount, seriesMaxBytes, seriesWords };
export function windowBytes(): u32 { return WINDOW_BYTES; }
export function freeAt(): usize { return FREE; }
export function sampleCount(): f64 { return allSamples; }
export function floatCount(): f64 { return floatSamples; }
export function histogramCount(): f64 { return histogramSamples; }

/** Once, before all else. */
export function begin(segmentBytes: u32): void {
  makeTables();
  beginOutput(OUTPUT, segmentBytes);
}

/** Adds a block, as `beginInput` does. */
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
  const at = INPUTS + <usize>number * INPUT_BYTES;
  return beginInput(at, number, refsAt, refCount, windowsAt, from, end, minTime, maxTime);
}

/** Writes series until there are enough for a time. */
export function step(): i32 {
  beginStep();
  while (steppedBytes < ENOUGH_CHUNK_BYTES && hasRoom()) {
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

/** Looks at the next series. */
export function inspect(most: u32): i32 {
  const input = inputOf(0);
  let end = input.isEnded ? ENDED : MORE;
  for (let i: u32 = 0; i < most && end == MORE; i++) {
    beginLook(input);
    while ((end = lookAtNext(input)) == MORE) if (!countSamples()) return UNUSUAL;
    if (end == ENDED) end = endLook(input);
  }
  return end;
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

function writeSeries(count: u32): bool {
  beginEntry();
  for (let i: u32 = 0; i < count; i++) {
    const input = sameInput(i);
    let at = input.chunksAt;
    for (let j: u32 = 0; j < input.chunkCount; j++) {
      at = readNote(input, at, j == 0);
      if (at == 0 || !findChunk(input) || !countSamples()) return false;
      const ref = copyChunk(chunkAt, chunkEnd, chunkLength);
      if (!noteChunk(noteMinTime, noteMaxTime, ref)) return false;
    }
    if (at != input.chunksEnd) return false;
  }
  const first = sameInput(0);
  countSeries(endEntry(first.labelsAt, first.labelCount));
  return true;
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
