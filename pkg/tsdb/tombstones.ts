// Deleted ranges of a block's series, in the file `tombstones`:
//
//   ┌──────────────┬──────┬──────────────────────────────────────────┬─────┬────────────┐
//   │ 0130BA30 u32 │ 01   │ series id uvarint │ mint varint │ maxt v │ ... │ crc32c u32 │
//   └──────────────┴──────┴──────────────────────────────────────────┴─────┴────────────┘
//
// The checksum covers the entries only. Ranges are closed; those of one series that touch are one.

import { ByteReader } from '../bytes/reader.ts';
import { ByteWriter } from '../bytes/writer.ts';
import { Fault } from '../errors/fault.ts';
import { MAX_TIME, MIN_TIME } from '../model/time.ts';
import { lowerBound, type SampleBuffer } from '../storage/sample-columns.ts';

const MAGIC = 0x0130ba30;
const VERSION = 1;
const HEADER_SIZE = 5;

/** Both ends inclusive, ms. */
export interface Interval {
  readonly minTime: number;
  readonly maxTime: number;
}

/** By series id: intervals in order, apart from each other by more than a millisecond. */
export type Tombstones = ReadonlyMap<number, readonly Interval[]>;

export const noTombstones: Tombstones = new Map();

/** Reads the whole file. `corrupt` when it is not one, or an interval ends before it starts. */
export function parseTombstones(bytes: Uint8Array): Tombstones {
  const reader = new ByteReader(bytes);
  if (bytes.length < HEADER_SIZE + 4)
    throw new Fault('corrupt', `tombstones file of ${bytes.length} bytes is too short`);
  const magic = reader.be32();
  if (magic !== MAGIC) throw new Fault('corrupt', `tombstones file starts with ${magic.toString(16)}, not 130ba30`);
  const version = reader.u8();
  if (version !== VERSION) throw new Fault('corrupt', `tombstones file has unknown version ${version}`);
  const end = bytes.length - 4;
  const entries = new ByteReader(bytes, HEADER_SIZE, end);
  reader.seek(end);
  reader.checksum('tombstones', HEADER_SIZE, end);
  const found = new Map<number, Interval[]>();
  while (!entries.atEnd) {
    const id = entries.uvarint();
    // Deletions may reach to the limits of 64 bits.
    const minTime = Number(entries.varintBig());
    const maxTime = Number(entries.varintBig());
    if (maxTime < minTime) throw new Fault('corrupt', `tombstone of series ${id} ends before it starts`);
    found.set(id, addInterval(found.get(id) ?? [], { minTime, maxTime }));
  }
  return found;
}

/** The whole file; series by id. */
export function printTombstones(tombstones: Tombstones): Uint8Array {
  const writer = new ByteWriter();
  writer.be32(MAGIC);
  writer.u8(VERSION);
  for (const id of [...tombstones.keys()].sort((a, b) => a - b)) {
    for (const { minTime, maxTime } of tombstones.get(id)!) {
      writer.uvarint(id);
      writer.varintBig(int64Of(minTime));
      writer.varintBig(int64Of(maxTime));
    }
  }
  writer.checksum(HEADER_SIZE);
  return writer.copy();
}

/** Times at and beyond the limits of 64 bits are the limits. */
function int64Of(time: number): bigint {
  if (time >= MAX_TIME) return 2n ** 63n - 1n;
  return time <= MIN_TIME ? -(2n ** 63n) : BigInt(time);
}

/** The list with one more interval, joined with those it overlaps or touches (a gap of a millisecond is none). */
export function addInterval(intervals: readonly Interval[], added: Interval): Interval[] {
  let { minTime, maxTime } = added;
  const before: Interval[] = [];
  const after: Interval[] = [];
  for (const interval of intervals) {
    if (interval.maxTime < minTime - 1) before.push(interval);
    else if (interval.minTime > maxTime + 1) after.push(interval);
    else {
      minTime = Math.min(minTime, interval.minTime);
      maxTime = Math.max(maxTime, interval.maxTime);
    }
  }
  return [...before, { minTime, maxTime }, ...after];
}

/** Takes the samples inside the intervals out of `samples`, from index `from` on. */
export function removeDeleted(samples: SampleBuffer, intervals: readonly Interval[], from = 0): void {
  for (const { minTime, maxTime } of intervals) {
    const first = lowerBound(samples.times, samples.length, minTime, from);
    let last = first;
    while (last < samples.length && samples.times[last] <= maxTime) last++;
    if (last === first) continue;
    samples.drop(first, last);
  }
}

/** Whether a time lies in one of the intervals. */
export function isDeleted(time: number, intervals: readonly Interval[]): boolean {
  return intervals.some(({ minTime, maxTime }) => minTime <= time && time <= maxTime);
}
