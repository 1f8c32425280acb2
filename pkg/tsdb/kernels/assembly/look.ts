// What series come to, and a look at all of a block's: its entries, the order of all, and every checksum. AssemblyScript.

import { advance, findChunk, Input, isChunkWhole, noteRef, readNote } from './input';

export const MORE: i32 = 0;
export const ENDED: i32 = 1;
/** Something is not as it usually is: nothing of this counts. */
export const UNUSUAL: i32 = 2;

let allSeries: f64 = 0;
let allChunks: f64 = 0;
let largestSeries: i64 = 0;
let largestChunk: i64 = 0;

export function seriesCount(): f64 { return allSeries; }
export function chunkCount(): f64 { return allChunks; }
export function seriesMaxBytes(): f64 { return <f64>largestSeries; }
export function chunkMaxBytes(): f64 { return <f64>largestChunk; }

/** A series with so many chunks, which is none when there are none. */
export function countSeries(chunks: u32): void {
  if (chunks == 0) return;
  allSeries += 1;
  allChunks += <f64>chunks;
}

let notesAt: usize = 0;
let notesRead: u32 = 0;
let lastRef: i64 = 0;

/** Begins with the chunks of the series at hand. */
export function beginLook(input: Input): void {
  notesAt = input.chunksAt;
  notesRead = 0;
}

/** Finds its next chunk, whose checksum is right. */
export function lookAtNext(input: Input): i32 {
  const i = notesRead++;
  if (i == input.chunkCount) return notesAt == input.chunksEnd ? ENDED : UNUSUAL;
  notesAt = readNote(input, notesAt, i == 0);
  if (notesAt == 0 || !findChunk(input) || !isChunkWhole()) return UNUSUAL;
  // A neighbour in another segment says nothing about sizes.
  if (i > 0 && i < input.chunkCount - 1 && noteRef >> 32 == lastRef >> 32) {
    largestChunk = max(largestChunk, noteRef - lastRef);
  }
  lastRef = noteRef;
  return MORE;
}

/** Counts the series, and goes to the one behind it. */
export function endLook(input: Input): i32 {
  countSeries(input.chunkCount);
  const entry = input.entry;
  if (!advance(input)) return UNUSUAL;
  if (input.isEnded) return ENDED;
  largestSeries = max(largestSeries, input.entry - entry);
  return MORE;
}
