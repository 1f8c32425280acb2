// The chunks of one series, collected from several endpoints, in their one order and without repetitions.
//
// Ascending min time, then max time, then the parts raw, count, sum, min, max, counter one by one: present before
// absent, the lower encoding first, the larger byte string first. A chunk whose every part was seen already is dropped;
// since a chunk's bytes hold its first time, equal bytes mean equal min times, and only those are compared.

import type { ChunkSlice, ChunkTable } from './chunk-table.ts';
import { Aggregate } from './store.ts';

const partOrder = [
  Aggregate.raw,
  Aggregate.count,
  Aggregate.sum,
  Aggregate.min,
  Aggregate.max,
  Aggregate.counter,
] as const;

/** Up to here moving slices one by one is quicker than sorting. */
const FEW_SLICES = 64;

/** The same chunks as slices in order. Slices that follow one another already come back as they are. */
export function orderChunks(slices: readonly ChunkSlice[]): readonly ChunkSlice[] {
  if (slices.length === 1) return isAscending(slices[0]) ? slices : sortChunks(slices);
  const sorted = byFirstTime(slices);
  for (let i = 0; i < sorted.length; i++) {
    const slice = sorted[i];
    if (!isAscending(slice)) return sortChunks(sorted);
    if (i === 0) continue;
    const previous = sorted[i - 1];
    if (previous.table.minTimes[previous.to - 1] >= slice.table.minTimes[slice.from]) return sortChunks(sorted);
  }
  return sorted;
}

/** The slices by the time of their first chunk; equal ones stay in order. */
function byFirstTime(slices: readonly ChunkSlice[]): readonly ChunkSlice[] {
  const sorted = [...slices];
  if (sorted.length > FEW_SLICES) return sorted.sort((a, b) => firstTime(a) - firstTime(b));
  // For each of thousands of series, the room that the general way takes would add up.
  for (let i = 1; i < sorted.length; i++) {
    const slice = sorted[i];
    const time = firstTime(slice);
    let to = i;
    for (; to > 0 && firstTime(sorted[to - 1]) > time; to--) sorted[to] = sorted[to - 1];
    sorted[to] = slice;
  }
  return sorted;
}

function firstTime({ table, from }: ChunkSlice): number {
  return table.minTimes[from];
}

function isAscending({ table, from, to }: ChunkSlice): boolean {
  for (let i = from + 1; i < to; i++) if (table.minTimes[i] <= table.minTimes[i - 1]) return false;
  return to > from;
}

interface Position {
  readonly slice: number;
  readonly chunk: number;
}

/** Columns to sort in, kept from series to series: nothing here is used beyond one call. */
class SortColumns {
  readonly sliceOf: Uint32Array;
  readonly chunkOf: Uint32Array;
  readonly minTimes: Float64Array;
  readonly order: Uint32Array;

  constructor(capacity: number) {
    this.sliceOf = new Uint32Array(capacity);
    this.chunkOf = new Uint32Array(capacity);
    this.minTimes = new Float64Array(capacity);
    this.order = new Uint32Array(capacity);
  }
}

const KEPT_CHUNKS = 4096;
const kept = new SortColumns(KEPT_CHUNKS);

function sortChunks(slices: readonly ChunkSlice[]): readonly ChunkSlice[] {
  let count = 0;
  for (const { from, to } of slices) count += to - from;
  const { sliceOf, chunkOf, minTimes, order } = count <= KEPT_CHUNKS ? kept : new SortColumns(count);
  for (let slice = 0, at = 0; slice < slices.length; slice++) {
    const { table, from, to } = slices[slice];
    for (let chunk = from; chunk < to; chunk++, at++) {
      sliceOf[at] = slice;
      chunkOf[at] = chunk;
      minTimes[at] = table.minTimes[chunk];
      order[at] = at;
    }
  }
  const position = (at: number): Position => ({ slice: sliceOf[at], chunk: chunkOf[at] });
  const compare = (a: number, b: number): number =>
    minTimes[a] - minTimes[b] || comparePositions(slices, position(a), position(b));
  // Replicas block by block are nearly in order: each chunk moves past a few others only.
  if (!insertionSort(order, count, minTimes, compare)) order.subarray(0, count).sort(compare);

  // Nearly always as many as there are chunks: those of replicas take turns.
  const out = new Array<{ table: ChunkTable; from: number; to: number }>(count);
  let outCount = 0;
  let last: { table: ChunkTable; from: number; to: number } | undefined;
  let groupStart = 0;
  for (let i = 0; i < count; i++) {
    const at = order[i];
    if (minTimes[order[groupStart]] !== minTimes[at]) groupStart = i;
    if (i > groupStart && isRepeated(slices, order, groupStart, i, position)) continue;
    const { table } = slices[sliceOf[at]];
    const chunk = chunkOf[at];
    if (last !== undefined && last.table === table && last.to === chunk) last.to++;
    else out[outCount++] = last = { table, from: chunk, to: chunk + 1 };
  }
  out.length = outCount;
  return out;
}

/** Sorts the first `count` in place; gives up, with some of it sorted, when that takes more than a few moves an entry. */
function insertionSort(
  order: Uint32Array,
  count: number,
  minTimes: Float64Array,
  compare: (a: number, b: number) => number,
): boolean {
  let moves = count * 16;
  for (let i = 1; i < count; i++) {
    const at = order[i];
    const time = minTimes[at];
    let to = i;
    for (; to > 0; to--) {
      const before = order[to - 1];
      if (minTimes[before] < time || (minTimes[before] === time && compare(before, at) <= 0)) break;
      order[to] = before;
      if (--moves < 0) {
        order[to - 1] = at;
        return false;
      }
    }
    order[to] = at;
  }
  return true;
}

/** Whether every part of the chunk equals a part of one before it in its group of equal min times. */
function isRepeated(
  slices: readonly ChunkSlice[],
  order: Uint32Array,
  groupStart: number,
  index: number,
  position: (at: number) => Position,
): boolean {
  const { slice, chunk } = position(order[index]);
  const { table } = slices[slice];
  for (let part = table.firstPart[chunk]; part < table.firstPart[chunk + 1]; part++) {
    let isSeen = false;
    for (let i = groupStart; i < index && !isSeen; i++) {
      const earlier = position(order[i]);
      const other = slices[earlier.slice].table;
      for (let p = other.firstPart[earlier.chunk]; p < other.firstPart[earlier.chunk + 1] && !isSeen; p++) {
        isSeen = compareBytes(table, part, other, p) === 0;
      }
    }
    if (!isSeen) return false;
  }
  return true;
}

function comparePositions(slices: readonly ChunkSlice[], a: Position, b: Position): number {
  const x = slices[a.slice].table;
  const y = slices[b.slice].table;
  const byTime = x.maxTimes[a.chunk] - y.maxTimes[b.chunk];
  if (byTime !== 0) return byTime;
  for (const aggregate of partOrder) {
    const p = partOf(x, a.chunk, aggregate);
    const q = partOf(y, b.chunk, aggregate);
    if (p < 0 && q < 0) continue;
    if (p < 0) return 1;
    if (q < 0) return -1;
    const byEncoding = x.partEncoding[p] - y.partEncoding[q];
    if (byEncoding !== 0) return byEncoding;
    const byBytes = compareBytes(y, q, x, p);
    if (byBytes !== 0) return byBytes;
  }
  return 0;
}

/** The part of a chunk that holds an aggregate; -1 when it has none. */
export function partOf(table: ChunkTable, chunk: number, aggregate: number): number {
  const end = table.firstPart[chunk + 1];
  for (let part = table.firstPart[chunk]; part < end; part++) if (table.partAggregate[part] === aggregate) return part;
  return -1;
}

function compareBytes(a: ChunkTable, p: number, b: ChunkTable, q: number): number {
  const lengthA = a.partLength[p];
  const lengthB = b.partLength[q];
  const length = Math.min(lengthA, lengthB);
  const offsetA = a.partOffset[p];
  const offsetB = b.partOffset[q];
  for (let i = 0; i < length; i++) {
    const difference = a.bytes[offsetA + i] - b.bytes[offsetB + i];
    if (difference !== 0) return difference;
  }
  return lengthA - lengthB;
}
