import assert from 'node:assert/strict';
import { describe, test } from 'vitest';
import { type BlockMeta, emptyThanos } from '../../block/meta.ts';
import { downsampleTasks } from './tasks.ts';

const HOUR_MS = 3_600_000;
const FIVE = 300_000;

function block(ulid: string, hours: number, resolutionMs: number, sources: readonly string[] = [ulid]): BlockMeta {
  return {
    ulid,
    minTime: 0,
    maxTime: hours * HOUR_MS,
    stats: { numSamples: 1, numFloatSamples: 1, numHistogramSamples: 0, numSeries: 1, numChunks: 1, numTombstones: 0 },
    compaction: { level: 1, sources, deletable: false, parents: [], failed: false, hints: [] },
    thanos: { ...emptyThanos, resolutionMs },
  };
}

describe('to be downsampled', () => {
  for (const [what, blocks, excluded, expected] of [
    ['is a raw block of 40 hours', [block('a', 40, 0)], [], ['a 300000']],
    ['is no shorter one', [block('a', 39.999, 0)], [], []],
    ['is a 5m block of 10 days', [block('a', 240, FIVE)], [], ['a 3600000']],
    ['is no shorter one', [block('a', 239, FIVE)], [], []],
    ['is no 1h block', [block('a', 2400, 3_600_000)], [], []],
    ['is no block that is marked', [block('a', 48, 0), block('b', 48, 0)], ['a'], ['b 300000']],
    [
      'is no block whose sources are in one',
      [block('a', 48, 0, ['x', 'y']), block('b', 48, FIVE, ['y', 'x', 'z'])],
      [],
      [],
    ],
    [
      'is no block whose sources are in several together',
      [block('a', 96, 0, ['x', 'y']), block('b', 48, FIVE, ['x']), block('c', 48, FIVE, ['y'])],
      [],
      [],
    ],
    [
      'is a block of which one source is missing',
      [block('a', 96, 0, ['x', 'y']), block('b', 48, FIVE, ['x'])],
      [],
      ['a 300000'],
    ],
    [
      'is a block that names no sources, once',
      [block('a', 48, 0, []), block('b', 48, 0, []), block('c', 48, FIVE, ['b'])],
      [],
      ['a 300000'],
    ],
    [
      'are blocks of both kinds, raw ones first',
      [block('b', 240, FIVE), block('a', 48, 0)],
      [],
      ['a 300000', 'b 3600000'],
    ],
  ] as const) {
    test(what, () => {
      const tasks = downsampleTasks(blocks, { noDownsample: new Set<string>(excluded), noCompact: new Map() });
      assert.deepEqual(
        tasks.map((task) => `${task.block.ulid} ${task.step.to}`),
        expected,
      );
    });
  }
});
