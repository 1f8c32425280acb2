// A block into one of a coarser resolution, byte for byte as ../../downsample-block.ts does it, and the look at what came of
// it: its floats. Of other series it says that they are for the plain code; anything else out of the ordinary ends the work.
// AssemblyScript, compiled by dev/generate-kernels.mjs.
//
//   memory   TABLES │ INPUT │ OUTPUT │ REVERSED the chunk that is decoded │ TIMES │ VALUES │ columns of windows │ PARTS the
//            chunk that is made │ KEPT chunks of the series │ PLACES of their parts │ what the caller lays out

import { makeTables, TABLES_END } from '../../../../bytes/kernels/assembly/crc32c-sum';
import { decodeXor } from '../../../../tsdb/chunkenc/kernels/assembly/xor-decode';
import { encodeXor } from '../../../../tsdb/chunkenc/kernels/assembly/xor-encoder';
import {
  advance,
  beginInput,
  chunkDataAt,
  chunkLength,
  findChunk,
  INPUT_BYTES,
  Input,
  isChunkWhole,
  noteMaxTime,
  noteMinTime,
  readNote,
  WINDOW_BYTES,
} from '../../../../tsdb/kernels/assembly/input';
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
} from '../../../../tsdb/kernels/assembly/look';
import {
  beginEntry,
  beginOutput,
  beginStep,
  chunksAt,
  endEntry,
  entriesAt,
  entryBytes,
  flushChunks,
  goOnAt,
  hasRoom,
  noteChunk,
  OUTPUT_BYTES,
  seriesAt,
  seriesWords,
  writeChunk,
} from '../../../../tsdb/kernels/assembly/output';
import { writeVarint } from '../../../../tsdb/kernels/assembly/varint';
import { KEPT_CHUNK_BYTES, KeptChunk, PART_COUNT, PLAIN, partAt, partLength, splitParts, XOR } from './kept-chunk';
import {
  aggregateRaw,
  MAX,
  MIN,
  numberCount,
  reduceCounter,
  reduceFloats,
  SUM,
  WindowColumns,
  windowEnd,
} from './windows';

const AGGREGATE: u8 = 255;
const STALE: u64 = 0x7ff0000000000002;

/** Of one series: two weeks of a sample every five seconds. */
const MAX_SAMPLES: i32 = 262144;
/** Of one chunk that is made: two weeks of five minutes. */
const MAX_WINDOWS: i32 = 4096;
const COLUMN: usize = (<usize>MAX_WINDOWS + 2) * 8;
const SLACK: usize = 64;

const INPUT: usize = TABLES_END;
const OUTPUT: usize = INPUT + INPUT_BYTES;
const REVERSED: usize = OUTPUT + OUTPUT_BYTES;
const TOP: usize = REVERSED + 2 * SLACK + <usize>WINDOW_BYTES;
const STATE: usize = TOP + SLACK;
const COLUMNS: usize = STATE + 64;
const TIMES: usize = COLUMNS + 64;
const VALUES: usize = TIMES + <usize>MAX_SAMPLES * 8;
const WINDOW_TIMES: usize = VALUES + <usize>MAX_SAMPLES * 8;
const COUNTS: usize = WINDOW_TIMES + COLUMN;
const SUMS: usize = COUNTS + COLUMN;
const MINS: usize = SUMS + COLUMN;
const MAXS: usize = MINS + COLUMN;
const COUNTER_TIMES: usize = MAXS + COLUMN;
const COUNTERS: usize = COUNTER_TIMES + COLUMN;
const PARTS: usize = COUNTERS + COLUMN;
/** A sample takes 19 bytes at most, and some more are touched. */
const PARTS_BYTES: usize = (5 * (<usize>MAX_WINDOWS + 2) * 19 + 256) & ~15;
const KEPT: usize = PARTS + PARTS_BYTES;
const KEPT_BYTES: usize = 1024 * 1024;
const PLACES: usize = KEPT + KEPT_BYTES;
const MAX_KEPT: u32 = 4096;
const FREE: usize = PLACES + <usize>MAX_KEPT * KEPT_CHUNK_BYTES;

let fromResolution: f64 = 0;
let resolution: f64 = 0;
/** Windows. */
let allSamples: f64 = 0;
let aggregated: f64 = 0;

export { chunkCount, chunkMaxBytes, chunksAt, entriesAt, entryBytes, seriesAt, seriesCount, seriesMaxBytes, seriesWords };
export function windowBytes(): u32 { return WINDOW_BYTES; }
export function freeAt(): usize { return FREE; }
export function sampleCount(): f64 { return allSamples; }
export function aggregatedCount(): f64 { return aggregated; }

/** Once, before all else: resolutions in ms, 0 is raw; segments grow up to so many bytes. */
export function begin(from: f64, to: f64, segmentBytes: u32): void {
  makeTables();
  beginOutput(OUTPUT, segmentBytes);
  fromResolution = from;
  resolution = to;
  const columns = changetype<WindowColumns>(COLUMNS);
  columns.times = WINDOW_TIMES;
  columns.counts = COUNTS;
  columns.sums = SUMS;
  columns.mins = MINS;
  columns.maxs = MAXS;
  columns.counterTimes = COUNTER_TIMES;
  columns.counters = COUNTERS;
}

/** The block, as `beginInput` takes it. */
export function addInput(
  refsAt: usize,
  refCount: u32,
  windowsAt: usize,
  from: f64,
  end: f64,
  minTime: f64,
  maxTime: f64,
): bool {
  return beginInput(INPUT, 0, refsAt, refCount, windowsAt, from, end, minTime, maxTime);
}

/** Where in the index the series at hand begins. */
export function entryAt(): f64 {
  return <f64>changetype<Input>(INPUT).entry;
}

/** Goes on behind the series at hand, which the plain code did: the segment it wrote to, and how long that is; false as ever. */
export function skip(segment: f64, sizeBytes: u32): bool {
  goOnAt(segment, sizeBytes);
  return advance(changetype<Input>(INPUT));
}

/** Does series until there are enough for a time. */
export function step(most: u32): i32 {
  const input = changetype<Input>(INPUT);
  beginStep();
  for (let i: u32 = 0; i < most && hasRoom(); i++) {
    if (input.isEnded) {
      flushChunks();
      return ENDED;
    }
    if (!areNotesSound(input)) return UNUSUAL;
    beginEntry();
    const end = fromResolution == 0 ? downsampleRaw(input) : downsampleAggregates(input);
    if (end == PLAIN) flushChunks();
    if (end != MORE) return end;
    countSeries(endEntry(input.labelsAt, input.labelCount));
    if (!advance(input)) return UNUSUAL;
  }
  return MORE;
}

/** Looks at the next series. */
export function inspect(most: u32): i32 {
  const input = changetype<Input>(INPUT);
  let end = input.isEnded ? ENDED : MORE;
  for (let i: u32 = 0; i < most && end == MORE; i++) {
    beginLook(input);
    while ((end = lookAtNext(input)) == MORE) if (!seeChunk()) return UNUSUAL;
    if (end == ENDED) end = endLook(input);
  }
  return end;
}

/** Whether what the entry says of its chunks is in order: nothing is written before that is known. */
function areNotesSound(input: Input): bool {
  let at = input.chunksAt;
  for (let i: u32 = 0; i < input.chunkCount; i++) {
    at = readNote(input, at, i == 0);
    if (at == 0) return false;
  }
  return at == input.chunksEnd;
}

function chunkEncoding(): u8 {
  return load<u8>(chunkDataAt - 1);
}

function samplesAt(data: usize): i32 {
  return (<i32>load<u8>(data) << 8) | <i32>load<u8>(data, 1);
}

function timeAt(i: i32): f64 {
  return load<f64>(TIMES + (<usize>i << 3));
}

/** How many chunks samples become. */
function outputChunkCount(minTime: f64, maxTime: f64, samples: f64): f64 {
  const step: f64 = fromResolution == 0 ? 60000 : fromResolution;
  const mostWindows = Math.trunc((maxTime - minTime) / resolution);
  const fullness: f64 = maxTime == minTime ? 1 : Math.min(1, samples / ((maxTime - minTime) / step));
  const expectedWindows = Math.trunc(mostWindows * fullness) + 1;
  return Math.floor(expectedWindows / 141) + 1;
}

function downsampleRaw(input: Input): i32 {
  let count: i32 = 0;
  let at = input.chunksAt;
  for (let i: u32 = 0; i < input.chunkCount; i++) {
    at = readNote(input, at, i == 0);
    if (!findChunk(input) || !isChunkWhole()) return UNUSUAL;
    if (chunkEncoding() != XOR) return PLAIN;
    if (chunkLength < 2) return UNUSUAL;
    const samples = samplesAt(chunkDataAt);
    if (samples == 0) continue;
    if (count + samples > MAX_SAMPLES) return PLAIN;
    const place = <usize>count << 3;
    if (decodeXor(chunkDataAt, chunkLength, TOP, TIMES + place, VALUES + place, false, STATE) < 0) return UNUSUAL;
    // Its samples begin before those of the chunk before have ended.
    if (count > 0 && !(timeAt(count) > timeAt(count - 1))) return PLAIN;
    count += samples;
  }
  count = dropUnusable(count);
  let past = count;
  const maxTime = <f64>input.maxTime;
  while (past > 0 && timeAt(past - 1) > maxTime) past--;
  let from = 0;
  const minTime = <f64>input.minTime;
  while (from < past && timeAt(from) < minTime) from++;
  if (from == past) return MORE;
  const total = past - from;
  const chunks = outputChunkCount(timeAt(from), timeAt(past - 1), <f64>total);
  const size = <i32>(Math.trunc(<f64>total / chunks) + 1);
  for (let first = from; first < past; ) {
    let to = min(first + size, past);
    // None ends inside of a window that goes on.
    const end = windowEnd(timeAt(to - 1), resolution);
    while (to < past && timeAt(to) <= end) to++;
    if (!aggregateBatch(first, to)) return UNUSUAL;
    first = to;
  }
  return MORE;
}

/** Takes out stale markers, and samples not after the one before; how many are left. */
function dropUnusable(count: i32): i32 {
  let lastTime: f64 = -Infinity;
  let kept: usize = 0;
  const past: usize = <usize>count << 3;
  for (let at: usize = 0; at < past; at += 8) {
    const time = load<f64>(TIMES + at);
    const value = load<u64>(VALUES + at);
    if (!(time > lastTime) || value == STALE) continue;
    lastTime = time;
    if (kept != at) {
      store<f64>(TIMES + kept, time);
      store<u64>(VALUES + kept, value);
    }
    kept += 8;
  }
  return <i32>(kept >>> 3);
}

/** Makes a chunk of raw samples, unless none of them is a number. */
function aggregateBatch(from: i32, to: i32): bool {
  const place = <usize>from << 3;
  const columns = changetype<WindowColumns>(COLUMNS);
  const windows = aggregateRaw(TIMES + place, VALUES + place, to - from, resolution, columns, MAX_WINDOWS);
  if (windows < 0) return false;
  if (windows == 0) return true;
  aggregated += numberCount;
  allSamples += <f64>windows;
  let p = putPart(PARTS, windows, WINDOW_TIMES, COUNTS);
  p = putPart(p, windows, WINDOW_TIMES, SUMS);
  p = putPart(p, windows, WINDOW_TIMES, MINS);
  p = putPart(p, windows, WINDOW_TIMES, MAXS);
  p = putPart(p, windows + 2, COUNTER_TIMES, COUNTERS);
  return emit(load<f64>(WINDOW_TIMES), load<f64>(WINDOW_TIMES + (<usize>(windows - 1) << 3)), p);
}

/** Encodes a column as a part of the chunk that is made; where it ends. */
function putPart(at: usize, count: i32, times: usize, values: usize): usize {
  if (count == 0) {
    store<u8>(at, 0);
    return at + 1;
  }
  // Its length comes before it, in up to three bytes.
  const data = at + 4;
  const length = encodeXor(count, times, values, data);
  const p = writeVarint(at, <u64>length);
  store<u8>(p, XOR);
  memory.copy(p + 1, data, length);
  return p + 1 + length;
}

/** Writes the chunk whose parts end at `end`. */
function emit(minTime: f64, maxTime: f64, end: usize): bool {
  const ref = writeChunk(AGGREGATE, PARTS, <u32>(end - PARTS));
  return noteChunk(<i64>minTime, <i64>maxTime, ref);
}

function keptAt(i: u32): KeptChunk {
  return changetype<KeptChunk>(PLACES + <usize>i * KEPT_CHUNK_BYTES);
}

function downsampleAggregates(input: Input): i32 {
  let keptEnd: usize = KEPT;
  let at = input.chunksAt;
  let samples: f64 = 0;
  let values: i32 = 0;
  const count = input.chunkCount;
  if (count > MAX_KEPT) return PLAIN;
  for (let i: u32 = 0; i < count; i++) {
    at = readNote(input, at, i == 0);
    if (!findChunk(input) || !isChunkWhole()) return UNUSUAL;
    if (chunkEncoding() != AGGREGATE || keptEnd + chunkLength + 16 > KEPT + KEPT_BYTES) return PLAIN;
    memory.copy(keptEnd, chunkDataAt, chunkLength);
    const kept = keptAt(i);
    const end = splitParts(keptEnd, chunkLength, kept);
    if (end != MORE) return end;
    kept.minTime = <f64>noteMinTime;
    kept.maxTime = <f64>noteMaxTime;
    keptEnd += chunkLength;
    for (let part = 0; part < PART_COUNT; part++) {
      if (partLength(kept, part) == 0) continue;
      if (partLength(kept, part) < 2) return UNUSUAL;
      const inPart = samplesAt(partAt(kept, part));
      if (inPart == 0) return UNUSUAL;
      if (part == 0) samples += <f64>inPart;
      values += inPart;
      if (values > MAX_SAMPLES) return PLAIN;
    }
  }
  const chunks = outputChunkCount(keptAt(0).minTime, keptAt(count - 1).maxTime, samples);
  const size = max(1, <u32>Math.trunc(<f64>count / chunks));
  for (let first: u32 = 0; first < count; first += size) {
    if (!reduceBatch(first, min(first + size, count))) return UNUSUAL;
  }
  return MORE;
}

let batchMinTime: f64 = 0;
let batchMaxTime: f64 = 0;

/** Makes a chunk of others, unless there is nothing in them. */
function reduceBatch(first: u32, past: u32): bool {
  batchMinTime = Infinity;
  batchMaxTime = -Infinity;
  let p = PARTS;
  for (let part = 0; part < PART_COUNT - 1; part++) {
    const count = decodeParts(first, past, part);
    if (count < 0) return false;
    let windows = 0;
    if (count > 0) {
      const kind = part < 2 ? SUM : part == 2 ? MIN : MAX;
      windows = reduceFloats(TIMES, VALUES, count, kind, resolution, WINDOW_TIMES, SUMS, MAX_WINDOWS);
      if (windows < 0) return false;
      noteTimes(WINDOW_TIMES, 0, windows - 1);
    }
    if (part == 0) {
      allSamples += <f64>windows;
      for (let i = 0; i < windows; i++) aggregated += load<f64>(SUMS + (<usize>i << 3));
    }
    p = putPart(p, windows, WINDOW_TIMES, SUMS);
  }
  const count = accumulate(first, past);
  if (count < 0) return false;
  let samples = 0;
  if (count > 0) {
    const lastRaw = load<f64>(STATE + 16);
    samples = reduceCounter(TIMES, VALUES, count, lastRaw, resolution, COUNTER_TIMES, COUNTERS, MAX_WINDOWS);
    if (samples < 0) return false;
    // The first sample of a counter is a raw one, from before the end of its window.
    noteTimes(COUNTER_TIMES, 1, samples - 1);
  }
  p = putPart(p, samples, COUNTER_TIMES, COUNTERS);
  return batchMaxTime < batchMinTime || emit(batchMinTime, batchMaxTime, p);
}

function noteTimes(times: usize, first: i32, last: i32): void {
  batchMinTime = Math.min(batchMinTime, load<f64>(times + (<usize>first << 3)));
  batchMaxTime = Math.max(batchMaxTime, load<f64>(times + (<usize>last << 3)));
}

/** A part of all chunks of a batch as one column; how long it is, below 0 when it is not as it has to be. */
function decodeParts(first: u32, past: u32, part: i32): i32 {
  let count: i32 = 0;
  for (let i = first; i < past; i++) {
    const kept = keptAt(i);
    const length = partLength(kept, part);
    if (length == 0) continue;
    const place = <usize>count << 3;
    const samples = decodeXor(partAt(kept, part), length, TOP, TIMES + place, VALUES + place, false, STATE);
    if (samples < 0) return -1;
    // Windows ascend within the time of their chunk.
    let last: f64 = -Infinity;
    for (let j = count; j < count + samples; j++) {
      const time = timeAt(j);
      if (!(time > last && time >= kept.minTime && time <= kept.maxTime)) return -1;
      last = time;
    }
    count += samples;
  }
  return count;
}

/** The counters of a batch as one, with resets added up; how many samples, below 0 when they cannot be decoded. */
function accumulate(first: u32, past: u32): i32 {
  memory.fill(STATE, 0, 32);
  let count: i32 = 0;
  for (let i = first; i < past; i++) {
    const kept = keptAt(i);
    const length = partLength(kept, PART_COUNT - 1);
    if (length == 0) continue;
    const place = <usize>count << 3;
    const at = partAt(kept, PART_COUNT - 1);
    const samples = decodeXor(at, length, TOP, TIMES + place, VALUES + place, true, STATE);
    if (samples < 0) return -1;
    if (samples == 0) continue;
    // The first one is raw, from inside of the first window.
    if (timeAt(count) < kept.minTime - fromResolution || timeAt(count + samples - 1) > kept.maxTime) return -1;
    count += samples;
  }
  return count;
}

/** Counts the windows of the chunk that was found, and what they count. */
function seeChunk(): bool {
  const kept = keptAt(0);
  if (chunkEncoding() != AGGREGATE || splitParts(chunkDataAt, chunkLength, kept) == UNUSUAL) return false;
  const length = partLength(kept, 0);
  if (length == 0) return true;
  if (length < 2) return false;
  const samples = decodeXor(partAt(kept, 0), length, TOP, TIMES, VALUES, false, STATE);
  if (samples <= 0) return false;
  allSamples += <f64>samples;
  for (let i = 0; i < samples; i++) aggregated += load<f64>(VALUES + (<usize>i << 3));
  return true;
}
