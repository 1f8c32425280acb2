import assert from 'node:assert/strict';
import { describe, test } from 'vitest';
import { type BlockMeta, emptyThanos } from '../block/meta.ts';
import { Labels } from '../model/labels.ts';
import { levelRangesMs, type PlannerConfig } from './config.ts';
import { byStart, groupBlocks, groupId } from './grouper.ts';
import { type PlanInput, planGroup } from './planner.ts';
import { expiredBlocks } from './retention.ts';

const HOUR_MS = 3_600_000;
const config: PlannerConfig = { rangesMs: levelRangesMs, hasVertical: false, maxIndexSizeBytes: 1000 };

/** `0-2` is a block of the first two hours; its name is its text. */
function block(text: string, more: Partial<BlockMeta> = {}): BlockMeta {
  const [from, to] = /^(-?[\d.]+)-([\d.]+)/.exec(text)!.slice(1).map(Number);
  return {
    ulid: text,
    minTime: from * HOUR_MS,
    maxTime: to * HOUR_MS,
    stats: { numSamples: 1, numFloatSamples: 1, numHistogramSamples: 0, numSeries: 1, numChunks: 1, numTombstones: 0 },
    compaction: { level: 1, sources: [text], deletable: false, parents: [], failed: false, hints: [] },
    thanos: emptyThanos,
    ...more,
  };
}

function planned(
  texts: string,
  options: Partial<PlannerConfig> & { excluded?: readonly string[]; sizes?: Readonly<Record<string, number>> } = {},
) {
  const { excluded = [], sizes = {}, ...rest } = options;
  const input: PlanInput = {
    blocks: texts
      .split(' ')
      .map((text) => block(text))
      .sort(byStart),
    excluded: new Set(excluded),
    indexSizeBytes: ({ ulid }) => sizes[ulid] ?? 1,
  };
  return planGroup(input, { ...config, ...rest });
}

describe('the next blocks to merge', () => {
  for (const [what, texts, wanted] of [
    ['one block', '0-2', ''],
    ['two blocks, the newest keeping its window open', '0-2 2-4', ''],
    ['a full window before the newest', '0-2 2-4 4-6 6-8 8-10', '0-2 2-4 4-6 6-8'],
    ['a full window whose end is the newest block itself', '0-2 2-4 4-6 6-8', ''],
    ['a window with a hole, settled by what comes after', '0-2 4-6 8-10 10-12', '0-2 4-6'],
    ['a window with a hole that may still be filled', '0-2 4-6 8-10', ''],
    ['short blocks first, in the shortest range', '0-1 1-2 2-4 4-6 6-8 8-10', '0-1 1-2'],
    [
      'a longer range when the shorter ones are done',
      '0-8 8-16 16-24 24-32 32-40 40-48 48-50 50-52',
      '0-8 8-16 16-24 24-32 32-40 40-48',
    ],
    ['windows aligned to zero, also before it', '-8-0 0-8 8-10 10-12', ''],
    ['blocks longer than the longest window are left alone', '0-400 400-402 402-404', ''],
    [
      'two weeks at most',
      '0-48 48-96 96-144 144-192 192-240 240-288 288-336 336-338 338-340',
      '0-48 48-96 96-144 144-192 192-240 240-288 288-336',
    ],
  ] as const) {
    test(`of ${what}`, () => {
      const plan = planned(texts);
      assert.equal(plan.blocks.map(({ ulid }) => ulid).join(' '), wanted);
      assert.equal(plan.isVertical, false);
      assert.deepEqual(plan.exclusions, []);
    });
  }

  test('are none of a window in which a merge failed', () => {
    const failed = block('2-4', { compaction: { ...block('2-4').compaction, failed: true } });
    const blocks = [block('0-2'), failed, block('4-6'), block('6-8'), block('8-10'), block('10-12')];
    const plan = planGroup({ blocks, excluded: new Set(), indexSizeBytes: () => 1 }, config);
    assert.deepEqual(plan.blocks, []);
  });

  for (const [what, excluded, wanted] of [
    ['the first', ['0-2'], '2-4 4-6 6-8'],
    ['one in the middle, which leaves one alone', ['2-4'], '4-6 6-8'],
    ['one in the middle, which ends the run', ['4-6'], '0-2 2-4'],
    ['two that leave no neighbours', ['2-4', '6-8'], ''],
  ] as const) {
    test(`go around ${what} that is marked`, () => {
      const plan = planned('0-2 2-4 4-6 6-8 8-10', { excluded });
      assert.equal(plan.blocks.map(({ ulid }) => ulid).join(' '), wanted);
    });
  }

  test('stop at the level that was set', () => {
    const texts = '0-8 8-16 16-24 24-32 32-40 40-48 48-50 50-52';
    assert.deepEqual(planned(texts, { rangesMs: levelRangesMs.slice(0, 3) }).blocks, []);
  });
});

describe('overlapping blocks', () => {
  for (const [what, texts, excluded, wanted, left] of [
    ['with nothing else to do', '0-2 2-4 3-5 8-10 10-12', '', '', '2-4 3-5'],
    ['while what is beside them goes on', '0-2 2-4 4-6 5-6 8-10 10-12', '', '0-2 2-4', '4-6 5-6'],
    ['and what is merged never reaches over them', '0-2 2-4 3-4 4-6 6-8 8-10', '', '4-6 6-8', '2-4 3-4'],
    [
      'all of them, while other windows go on',
      '0-8 2-4 8-10 10-12 12-14 14-16 16-18 17-18',
      '',
      '8-10 10-12 12-14 14-16',
      '0-8 2-4 16-18 17-18',
    ],
    ['but not one whose only rival is marked no-compact', '0-2 2-4 3-4 4-6 6-8 8-10', '3-4', '0-2 2-4', ''],
  ] as const) {
    test(`are left alone unless they may be merged: ${what}`, () => {
      const plan = planned(texts, { excluded: excluded.split(' ') });
      assert.equal(plan.blocks.map(({ ulid }) => ulid).join(' '), wanted);
      assert.equal(plan.forbiddenOverlap.map(({ ulid }) => ulid).join(' '), left);
      assert.equal(plan.isVertical, false);
      assert.deepEqual(plan.exclusions, []);
    });
  }

  for (const [what, texts, wanted] of [
    ['a pair', '0-2 0-2b 2-4', '0-2 0-2b'],
    ['a chain in which each touches the next', '0-2 1-3 2-4 4-6', '0-2 1-3 2-4'],
    ['a long one over short ones', '0-8 1-2 7-9 9-10', '0-8 1-2 7-9'],
    ['the newest too', '0-2 2-4 2-4b', '2-4 2-4b'],
    ['none where one ends as the next begins', '0-2 2-4', ''],
  ] as const) {
    test(`are merged first: ${what}`, () => {
      const plan = planned(texts, { hasVertical: true });
      assert.equal(plan.blocks.map(({ ulid }) => ulid).join(' '), wanted);
      assert.equal(plan.isVertical, wanted !== '');
    });
  }

  test('that are downsampled are marked instead, all of them', () => {
    const thanos = { ...emptyThanos, resolutionMs: 300_000 };
    const blocks = [block('0-48', { thanos }), block('0-48b', { thanos }), block('48-96', { thanos })];
    const plan = planGroup({ blocks, excluded: new Set(), indexSizeBytes: () => 1 }, { ...config, hasVertical: true });
    assert.deepEqual(
      plan.exclusions.map(({ ulid, reason }) => `${ulid} ${reason}`),
      ['0-48 downsample-vertical-compaction', '0-48b downsample-vertical-compaction'],
    );
    assert.deepEqual(plan.blocks, []);
  });
});

describe('indexes that together are too large', () => {
  test('make the largest seen so far stay out, and the rest goes on', () => {
    const sizes = { '0-2': 100, '2-4': 700, '4-6': 100, '6-8': 100 };
    const plan = planned('0-2 2-4 4-6 6-8 8-10', { sizes });
    assert.deepEqual(
      plan.exclusions.map(({ ulid, reason }) => `${ulid} ${reason}`),
      ['2-4 index-size-exceeding'],
    );
    assert.deepEqual(
      plan.blocks.map(({ ulid }) => ulid),
      ['4-6', '6-8'],
    );
  });

  test('are no matter just below the share of the limit', () => {
    const sizes = { '0-2': 212, '2-4': 212, '4-6': 212, '6-8': 213 };
    assert.equal(planned('0-2 2-4 4-6 6-8 8-10', { sizes }).exclusions.length, 0);
    assert.equal(planned('0-2 2-4 4-6 6-8 8-10', { sizes: { ...sizes, '6-8': 214 } }).exclusions.length, 1);
  });
});

describe('groups', () => {
  test('hold blocks of equal labels and resolution, by their start', () => {
    const of = (text: string, labels: Record<string, string>, resolutionMs = 0) =>
      block(text, { thanos: { ...emptyThanos, labels: Labels.of(labels), resolutionMs } });
    const groups = groupBlocks([
      of('2-4', { a: '1' }),
      of('0-2', { a: '2' }),
      of('0-2b', { a: '1' }),
      of('0-2c', { a: '1' }, 300_000),
    ]);
    assert.deepEqual(
      groups.map(({ blocks }) => blocks.map(({ ulid }) => ulid)),
      [['0-2b', '2-4'], ['0-2'], ['0-2c']],
    );
  });

  for (const [labels, resolutionMs, wanted] of [
    [{}, 0, '0@17241709254077376921'],
    [{ foo: 'bar', foo1: 'bar2' }, 0, '0@2124638872457683483'],
    [{ cluster: 'eu1', replica: 'a' }, 300_000, '300000@708190779274861024'],
  ] as const) {
    test(`are called ${wanted} as by the reference`, () => {
      assert.equal(groupId(Labels.of(labels), resolutionMs), wanted);
    });
  }
});

test('retention is that of the resolution, from the end of the block, and 0 is for ever', () => {
  const of = (text: string, resolutionMs: number) => block(text, { thanos: { ...emptyThanos, resolutionMs } });
  const metas = [of('0-2', 0), of('0-3', 0), of('0-2b', 300_000), of('0-2c', 3_600_000), of('0-2d', 7)];
  const retention = { rawMs: 10 * HOUR_MS, fiveMinutesMs: 11 * HOUR_MS, oneHourMs: 0 };
  const expired = (hours: number) => expiredBlocks(metas, retention, hours * HOUR_MS + 1).map(({ ulid }) => ulid);
  assert.deepEqual(expired(11), []);
  assert.deepEqual(expired(12), ['0-2']);
  assert.deepEqual(expired(13), ['0-2', '0-3', '0-2b']);
  assert.deepEqual(expired(1000), ['0-2', '0-3', '0-2b']);
});
