import assert from 'node:assert/strict';
import { describe, test } from 'vitest';
import { outputChunkCount, windowEnd } from './windows.ts';

const HOUR = 3_600_000;

describe('the end of the window', () => {
  for (const [time, resolutionMs, end] of [
    [0, 300_000, 299_999],
    [299_999, 300_000, 299_999],
    [300_000, 300_000, 599_999],
    [1_700_000_000_000, 300_000, 1_700_000_099_999],
    [1_700_000_000_000, HOUR, 1_700_002_799_999],
    [-1, 300_000, -1],
    [-300_000, 300_000, -1],
    [-300_001, 300_000, -300_001],
  ] as const) {
    test(`that ${time} lies in at ${resolutionMs} is ${end}`, () => {
      assert.equal(windowEnd(time, resolutionMs), end);
    });
  }
});

describe('samples become', () => {
  for (const [what, hours, stepMs, from, to, chunks] of [
    ['48h at 15s', 48, 15_000, 0, 300_000, 5],
    ['48h at 60s', 48, 60_000, 0, 300_000, 5],
    ['48h at 300s', 48, 300_000, 0, 300_000, 1],
    ['14 days at 15s', 336, 15_000, 0, 300_000, 29],
    ['14 days of 5m to 1h', 336, 300_000, 300_000, HOUR, 3],
  ] as const) {
    test(`${chunks} chunks when they are ${what}`, () => {
      const sampleCount = (hours * HOUR) / stepMs;
      const span = { minTime: 0, maxTime: hours * HOUR - stepMs, sampleCount };
      assert.equal(outputChunkCount(span, { from, to }), chunks);
    });
  }

  test('one chunk when they are at one moment', () => {
    const span = { minTime: 5, maxTime: 5, sampleCount: 1 };
    assert.equal(outputChunkCount(span, { from: 0, to: 300_000 }), 1);
  });
});
