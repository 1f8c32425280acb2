import { describe, expect, test } from 'vitest';
import { orderChunks } from './chunk-order.ts';
import { type ChunkSlice, ChunkTableBuilder } from './chunk-table.ts';
import { Aggregate } from './store.ts';

/** A slice of one chunk, which holds its number as bytes. */
function sliceAt(minTime: number, id: number): ChunkSlice {
  const table = new ChunkTableBuilder();
  table.chunk(minTime, minTime + 10);
  table.copy(Aggregate.raw, 1, Uint8Array.of(id >>> 8, id & 255));
  return { table, from: 0, to: 1 };
}

function timesOf(slices: readonly ChunkSlice[]): number[] {
  return slices.flatMap(({ table, from, to }) => [...table.minTimes.subarray(from, to)]);
}

describe('order of chunks', () => {
  test.each([2, 3, 24, 64, 65, 200])('%i slices in any order come back by time', (count) => {
    // 97 has no factor in common with any of the counts, so every slice is there once.
    const slices = Array.from({ length: count }, (_, i) => sliceAt(((i * 97) % count) * 100, i));
    const before = [...slices];
    expect(timesOf(orderChunks(slices))).toEqual(Array.from({ length: count }, (_, i) => i * 100));
    expect(slices).toEqual(before);
  });

  test.each([3, 100])('of %i slices with one time the larger bytes come first, repetitions once', (count) => {
    const slices = Array.from({ length: count }, (_, i) => sliceAt(500, (i * 97) % count));
    const ids = orderChunks([...slices, ...slices]).map(({ table, from }) => {
      const at = table.partOffset[table.firstPart[from]];
      return (table.bytes[at] << 8) | table.bytes[at + 1];
    });
    expect(ids).toEqual(Array.from({ length: count }, (_, i) => count - 1 - i));
  });
});
