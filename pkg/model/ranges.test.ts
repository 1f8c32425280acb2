import assert from 'node:assert/strict';
import { describe, test } from 'vitest';
import { finalLabels, mayMatch, splitMatchers } from './external-labels.ts';
import { Labels } from './labels.ts';
import { Matcher } from './matcher.ts';
import { cappedResolution, dynamicLookback, resolutionText } from './resolution.ts';
import { blockOverlaps, intersect, overlaps } from './time-range.ts';
import { isUlid, newUlid, ulidTime } from './ulid.ts';

const range = (minTime: number, maxTime: number) => ({ minTime, maxTime });

describe('time ranges', () => {
  for (const [a, b, closed, block] of [
    [range(0, 10), range(10, 20), true, false],
    [range(0, 10), range(9, 9), true, true],
    [range(0, 10), range(11, 20), false, false],
    [range(10, 20), range(0, 10), true, true],
    [range(10, 20), range(0, 9), false, false],
    [range(0, 10), range(9, 8), false, false],
  ] as const) {
    test(`[${a.minTime}, ${a.maxTime}] and [${b.minTime}, ${b.maxTime}]`, () => {
      assert.equal(overlaps(a, b), closed);
      assert.equal(intersect(a, b) !== undefined, closed);
      assert.equal(blockOverlaps(a, b), block);
    });
  }
});

describe('resolutions', () => {
  test('a function that needs two samples may use half its range', () => {
    assert.equal(cappedResolution(3_600_000, 'rate', 600_001), 300_000);
    assert.equal(cappedResolution(300_000, 'rate', 3_600_000), 300_000);
    assert.equal(cappedResolution(3_600_000, 'max_over_time', 600_000), 3_600_000);
  });

  for (const [lookbackMs, maxResolutionMs, expected] of [
    [300_000, 0, 300_000],
    [300_000, 300_000, 300_000],
    [300_000, 300_001, 3_600_000],
    [60_000, 60_001, 300_000],
    [60_000, 300_001, 3_600_000],
    [7_200_000, 3_600_000, 7_200_000],
  ] as const) {
    test(`look-back ${lookbackMs} with data as coarse as ${maxResolutionMs} is ${expected}`, () => {
      assert.equal(dynamicLookback(lookbackMs, maxResolutionMs), expected);
    });
  }

  test('they print as tables do', () => {
    assert.deepEqual([0, 300_000, 3_600_000, 7].map(resolutionText), ['raw', '5m', '1h', '7ms']);
  });
});

describe('external labels', () => {
  const external = Labels.of({ cluster: 'eu', replica: 'a' });

  test('matchers on them are tested and taken out', () => {
    const job = new Matcher('=', 'job', 'x');
    assert.deepEqual(splitMatchers([new Matcher('=~', 'cluster', 'e.'), job], external), [job]);
    assert.equal(splitMatchers([new Matcher('!=', 'cluster', 'eu'), job], external), undefined);
    assert.equal(mayMatch(external, [new Matcher('=', 'absent', 'x')]), true);
    assert.equal(mayMatch(external, [new Matcher('=', 'replica', 'b')]), false);
  });

  test('they win over inner labels, then replica labels go', () => {
    const inner = Labels.of({ cluster: 'inner', job: 'x' });
    assert.equal(finalLabels(inner, external, new Set(['replica'])).toString(), '{cluster="eu", job="x"}');
    assert.equal(finalLabels(inner, external, new Set()).toString(), '{cluster="eu", job="x", replica="a"}');
  });
});

describe('ULIDs', () => {
  test('order in one millisecond and carry their time', () => {
    const time = Date.now() + 1000;
    const [a, b] = [newUlid(time), newUlid(time)];
    assert.ok(a < b);
    assert.ok(isUlid(a) && isUlid(b));
    assert.equal(ulidTime(a), time);
  });

  for (const text of [
    '',
    'deletion-mark.json',
    '01m825161k2k92bnb3zdtvs2f2',
    '01M825161K2K92BNB3ZDTVS2F',
    '01M825161K2K92BNB3ZDTVS2FU',
    '81M825161K2K92BNB3ZDTVS2F2',
  ]) {
    test(`"${text}" is none`, () => assert.equal(isUlid(text), false));
  }
});
