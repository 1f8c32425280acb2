import assert from 'node:assert/strict';
import { describe, test } from 'vitest';
import { kindOf } from '../errors/fault.ts';
import { MAX_TIME, MIN_TIME } from '../model/time.ts';
import { SampleBuffer } from '../storage/sample-columns.ts';
import {
  addInterval,
  type Interval,
  noTombstones,
  parseTombstones,
  printTombstones,
  removeDeleted,
} from './tombstones.ts';

const one = '0130ba30010309d00fd2579f1d';

function interval(minTime: number, maxTime: number): Interval {
  return { minTime, maxTime };
}

describe('the tombstones file', () => {
  test('is read and written as the reference does', () => {
    const tombstones = new Map([[3, [interval(-5, 1000)]]]);
    assert.deepEqual(parseTombstones(Buffer.from(one, 'hex')), tombstones);
    assert.equal(Buffer.from(printTombstones(tombstones)).toString('hex'), one);
    assert.equal(Buffer.from(printTombstones(noTombstones)).toString('hex'), '0130ba300100000000');
    assert.equal(parseTombstones(Buffer.from('0130ba300100000000', 'hex')).size, 0);
  });

  test('keeps the limits of time', () => {
    const tombstones = new Map([[1, [interval(MIN_TIME, MAX_TIME)]]]);
    assert.deepEqual(parseTombstones(printTombstones(tombstones)), tombstones);
  });

  for (const [what, hex] of [
    ['nothing', ''],
    ['no checksum', '0130ba3001'],
    ['another magic number', `02${one.slice(2)}`],
    ['another version', one.replace('ba3001', 'ba3002')],
    ['a wrong checksum', one.replace('09d0', '0ad0')],
    ['an entry cut off', '0130ba300103097e0a0c1d'],
  ] as const) {
    test(`with ${what} is corrupt`, () => {
      assert.throws(
        () => parseTombstones(Buffer.from(hex, 'hex')),
        (thrown) => kindOf(thrown) === 'corrupt',
      );
    });
  }
});

describe('intervals', () => {
  for (const [what, before, added, after] of [
    ['apart', [interval(0, 1)], interval(3, 4), [interval(0, 1), interval(3, 4)]],
    ['touching', [interval(0, 1)], interval(2, 4), [interval(0, 4)]],
    ['overlapping two', [interval(0, 5), interval(10, 20)], interval(4, 12), [interval(0, 20)]],
    ['in front', [interval(10, 20)], interval(0, 3), [interval(0, 3), interval(10, 20)]],
    ['inside', [interval(0, 20)], interval(3, 4), [interval(0, 20)]],
  ] as const) {
    test(`that are ${what} are joined as they must`, () => assert.deepEqual(addInterval(before, added), after));
  }

  test('take samples out, both ends included', () => {
    const samples = new SampleBuffer();
    for (let i = 0; i < 10; i++) samples.push(i * 10, i);
    removeDeleted(samples, [interval(20, 40), interval(85, 200)], 1);
    assert.deepEqual([...samples.times.subarray(0, samples.length)], [0, 10, 50, 60, 70, 80]);
    assert.deepEqual([...samples.values.subarray(0, samples.length)], [0, 1, 5, 6, 7, 8]);
    removeDeleted(samples, [interval(0, 10)], 1);
    assert.deepEqual([...samples.times.subarray(0, 2)], [0, 50]);
  });
});
