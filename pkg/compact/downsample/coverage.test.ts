import assert from 'node:assert/strict';
import { describe, test } from 'vitest';
import { type BlockMeta, emptyThanos } from '../../block/meta.ts';
import { Labels } from '../../model/labels.ts';
import { settledBlocks } from './coverage.ts';

const HOUR_MS = 3_600_000;
const RAW = { resolutionMs: 0, spanMs: 40 * HOUR_MS, windowMs: 48 * HOUR_MS };

/** A block by its hours, of stream `a` unless its name says otherwise: `b:name`. */
function block(name: string, from: number, to: number, resolutionMs = 0): BlockMeta {
  return {
    ulid: name,
    minTime: from * HOUR_MS,
    maxTime: to * HOUR_MS,
    stats: { numSamples: 1, numFloatSamples: 1, numHistogramSamples: 0, numSeries: 1, numChunks: 1, numTombstones: 0 },
    compaction: { level: 1, sources: [name], deletable: false, parents: [], failed: false, hints: [] },
    thanos: { ...emptyThanos, resolutionMs, labels: Labels.of({ stream: name.includes(':') ? name[0] : 'a' }) },
  };
}

describe('of a stream, settled', () => {
  for (const [what, blocks, marks, expected] of [
    ['is no block that will be merged', [block('x', 0, 2), block('y', 2, 4), block('z', 48, 50)], {}, []],
    [
      'is a marked block as soon as the stream covers time enough',
      [block('x', 0, 2), block('y', 2, 40)],
      { x: 'index-size-exceeding' },
      ['x'],
    ],
    ['is none before that', [block('x', 0, 2), block('y', 2, 39)], { x: 'index-size-exceeding' }, []],
    [
      'is a block between marked ones and what they leave alone',
      [block('x', 0, 2), block('y', 2, 4), block('z', 4, 6), block('end', 96, 98)],
      { x: 'manual', z: 'manual' },
      ['x', 'y', 'z'],
    ],
    [
      'is no broken block',
      [block('x', 0, 2), block('y', 50, 52), block('z', 96, 98)],
      { x: 'damaged-block', y: 'block-index-out-of-order-chunk' },
      [],
    ],
    ['is a block alone in its window', [block('x', 6, 16), block('y', 48, 58), block('z', 96, 98)], {}, ['x', 'y']],
    ['is never the newest block', [block('x', 0, 2)], {}, []],
    ['is not the newest block when it is marked and short of time', [block('x', 0, 2)], { x: 'manual' }, []],
    [
      'is nothing because of another stream',
      [block('x', 0, 2), block('b:y', 96, 98), block('b:z', 98, 100)],
      { x: 'manual' },
      [],
    ],
    ['is nothing because of another resolution', [block('x', 0, 2), block('y', 96, 98, 300_000)], { x: 'manual' }, []],
  ] as const) {
    test(what, () => {
      const noCompact = new Map(Object.entries(marks).map(([ulid, reason]) => [ulid, { reason: String(reason) }]));
      assert.deepEqual([...settledBlocks(blocks, RAW, noCompact)].sort(), expected);
    });
  }
});
