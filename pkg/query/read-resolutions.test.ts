import { describe, expect, test } from 'vitest';
import { ChunkTableBuilder } from '../store/chunk-table.ts';
import { Aggregate } from '../store/store.ts';
import { addResolutions } from './read-resolutions.ts';

const MINUTE_MS = 60_000;

/** Chunks of one part each: what they aggregate, how many samples, how far apart. */
function table(...chunks: readonly (readonly [aggregate: number, samples: number, stepMs: number])[]) {
  const bytes = new Uint8Array(chunks.length * 2);
  const builder = new ChunkTableBuilder(4, bytes);
  for (const [i, [aggregate, samples, stepMs]] of chunks.entries()) {
    // A counter ends with its last raw value once more.
    const count = aggregate === Aggregate.counter ? samples + 1 : samples;
    bytes[i * 2] = count >> 8;
    bytes[i * 2 + 1] = count & 255;
    builder.chunk(1000, 1000 + (samples - 1) * stepMs);
    builder.refer(aggregate, 1, i * 2, 2);
  }
  return builder;
}

describe('the resolutions of chunks', () => {
  for (const { what, chunks, max, found } of [
    { what: 'raw', chunks: [[Aggregate.raw, 2, 60 * MINUTE_MS]], max: 60, found: [0] },
    { what: '5m', chunks: [[Aggregate.sum, 300, 5 * MINUTE_MS]], max: 60, found: [5] },
    { what: '1h', chunks: [[Aggregate.count, 300, 60 * MINUTE_MS]], max: 60, found: [60] },
    { what: 'a counter of 1h', chunks: [[Aggregate.counter, 2, 60 * MINUTE_MS]], max: 60, found: [60] },
    {
      what: 'holes where nothing coarser is allowed',
      chunks: [[Aggregate.sum, 2, 90 * MINUTE_MS]],
      max: 5,
      found: [5],
    },
    { what: 'a single sample', chunks: [[Aggregate.sum, 1, 0]], max: 60, found: [5] },
    {
      what: 'all of them',
      chunks: [
        [Aggregate.raw, 5, MINUTE_MS],
        [Aggregate.max, 5, 5 * MINUTE_MS],
        [Aggregate.min, 5, 60 * MINUTE_MS],
      ],
      max: 60,
      found: [0, 5, 60],
    },
    { what: 'no chunk', chunks: [], max: 60, found: [] },
  ] as const) {
    test(what, () => {
      const into = new Set<number>();
      addResolutions(table(...chunks), max * MINUTE_MS, into);
      expect([...into]).toEqual(found.map((minutes) => minutes * MINUTE_MS));
    });
  }
});
