import assert from 'node:assert/strict';
import { describe, test } from 'vitest';
import { isStaleAt, STALE_HIGH, STALE_LOW } from '../model/staleness.ts';
import { columnsOf } from './list-series.ts';
import { foldCountersByPenalty, mergeByPenalty, mergeCountersByPenalty } from './penalty.ts';
import { SampleBuffer, type SampleColumns } from './sample-columns.ts';

type Sample = readonly [number, number];

function samplesOf({ times, values, length }: SampleColumns): Sample[] {
  return Array.from({ length }, (_, i) => [times[i], values[i]] as const);
}

function merged(a: readonly Sample[], b: readonly Sample[]): Sample[] {
  const into = new SampleBuffer(1);
  mergeByPenalty(columnsOf(a), columnsOf(b), into);
  return samplesOf(into);
}

const at = (letter: number, times: readonly number[]): Sample[] => times.map((time) => [time, letter]);
const A = 1;
const B = 2;

describe('which replica is used', () => {
  for (const [what, a, b, expected] of [
    [
      'the one in use, while it goes on',
      [10000, 20000, 40000],
      [10000, 20000, 30000, 40000],
      at(A, [10000, 20000, 40000]),
    ],
    ['the one that begins first', [10100, 20100, 30100], [10000, 20000, 30000], at(B, [10000, 20000, 30000])],
    [
      'the other one, after a gap longer than the penalty, for good',
      [10000, 20000, 30000, 60000, 70000],
      [10100, 20100, 30100, 40100, 50100, 60100],
      [...at(A, [10000, 20000, 30000]), ...at(B, [50100, 60100])],
    ],
    ['the only one', [], [1, 2], at(B, [1, 2])],
    ['neither', [], [], []],
    [
      'first the one, then the other',
      [1000, 2000],
      [100000, 101000],
      [...at(A, [1000, 2000]), ...at(B, [100000, 101000])],
    ],
    ['the first at equal times', [5, 6], [5, 6], at(A, [5, 6])],
    [
      'not early samples of a passive replica scraped every second, lost to the first penalty of 5 s',
      [1000],
      [1500, 2500, 3500, 4500, 5500, 6500, 7500],
      [...at(A, [1000]), ...at(B, [6500, 7500])],
    ],
  ] as const) {
    test(what, () => {
      assert.deepEqual(merged(at(A, a), at(B, b)), expected);
    });
  }
});

test('stale markers travel by their bits', () => {
  const a = new SampleBuffer();
  a.push(1, 5);
  a.push(2, 0);
  a.words[2] = STALE_LOW;
  a.words[3] = STALE_HIGH;
  const into = new SampleBuffer();
  mergeByPenalty(a, columnsOf([]), into);
  assert.ok(isStaleAt(into.words, 1));
});

test('what is in the buffer before stays', () => {
  const into = new SampleBuffer();
  into.push(-5, 1);
  mergeByPenalty(columnsOf([[1, 2]]), columnsOf([]), into);
  assert.deepEqual(samplesOf(into), [
    [-5, 1],
    [1, 2],
  ]);
});

test('times that go back are left out and do not end the merger', () => {
  assert.deepEqual(
    merged(
      [
        [10, 1],
        [5, 2],
        [10, 3],
        [20, 4],
        [20, 5],
        [30, 6],
      ],
      [[12, 9]],
    ),
    [
      [10, 1],
      [20, 4],
      [30, 6],
    ],
  );
});

describe('counters', () => {
  test('a replica that stands lower at the switch is lifted for good', () => {
    const into = new SampleBuffer();
    mergeCountersByPenalty(
      columnsOf([
        [10000, 100],
        [20000, 110],
      ]),
      columnsOf([
        [10100, 10],
        [20100, 20],
        [40100, 40],
        [50100, 50],
      ]),
      into,
    );
    assert.deepEqual(samplesOf(into), [
      [10000, 100],
      [20000, 110],
      [40100, 110],
      [50100, 120],
    ]);
  });

  test('a replica that stands higher is taken as it is', () => {
    const into = new SampleBuffer();
    mergeCountersByPenalty(columnsOf([[10000, 100]]), columnsOf([[30000, 150]]), into);
    assert.deepEqual(samplesOf(into), [
      [10000, 100],
      [30000, 150],
    ]);
  });

  test('a merger that begins with B counts as a switch from where A stands', () => {
    const into = new SampleBuffer();
    mergeCountersByPenalty(
      columnsOf([[50000, 500]]),
      columnsOf([
        [10000, 10],
        [20000, 20],
      ]),
      into,
    );
    assert.deepEqual(samplesOf(into), [
      [10000, 500],
      [20000, 510],
      [50000, 510],
    ]);
  });
});

/** The rule of the contract, one sample at a time, with nothing but arrays: what the columns are held against. */
function model(sides: readonly (readonly Sample[])[], isCounter: boolean): Sample[] {
  const index = [0, 0];
  const penalty = [0, 0];
  const offset = [0, 0];
  let lastTime: number | undefined;
  let active = 0;
  const out: Sample[] = [];
  const isLeft = (side: number): boolean => index[side] < sides[side].length;
  const value = (side: number): number => sides[side][index[side]][1] + (isCounter ? offset[side] : 0);
  for (;;) {
    const before = isLeft(active) ? value(active) : undefined;
    const wasActive = active;
    for (const side of [0, 1]) {
      if (lastTime === undefined) continue;
      while (isLeft(side) && sides[side][index[side]][0] < lastTime + 1 + penalty[side]) index[side]++;
    }
    if (!isLeft(0) && !isLeft(1)) return out;
    const both = isLeft(0) && isLeft(1);
    active = both ? (sides[0][index[0]][0] <= sides[1][index[1]][0] ? 0 : 1) : isLeft(0) ? 0 : 1;
    const time = sides[active][index[active]][0];
    if (both) penalty[1 - active] = lastTime === undefined ? 5000 : 2 * (time - lastTime);
    penalty[active] = 0;
    lastTime = time;
    if (isCounter && active !== wasActive && before !== undefined) {
      for (const side of [0, 1]) {
        if (isLeft(side) && before > value(side)) offset[side] += before - value(side);
      }
    }
    out.push([time, value(active)]);
  }
}

/** Numbers in [0, 1) that are the same in every run. */
function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

function replica(random: () => number): Sample[] {
  const interval = [1000, 5000, 15000, 60000][Math.floor(random() * 4)];
  const out: Sample[] = [];
  let time = Math.floor(random() * 3 * interval);
  let value = Math.floor(random() * 100);
  const length = Math.floor(random() * 60);
  while (out.length < length) {
    out.push([time, value]);
    time += random() < 0.1 ? Math.floor(random() * 10 * interval) + 1 : interval + Math.floor((random() - 0.5) * 100);
    value += Math.floor(random() * 10);
  }
  return out;
}

describe('random pairs', () => {
  for (const isCounter of [false, true]) {
    test(`${isCounter ? 'counters' : 'gauges'} equal the sample-by-sample rule`, () => {
      const random = randomOf(isCounter ? 1 : 2);
      let switches = 0;
      for (let round = 0; round < 1500; round++) {
        const pair = [replica(random), replica(random)];
        const into = new SampleBuffer(1);
        (isCounter ? mergeCountersByPenalty : mergeByPenalty)(columnsOf(pair[0]), columnsOf(pair[1]), into);
        const expected = model(pair, isCounter);
        assert.deepEqual(samplesOf(into), expected);
        for (let i = 1; i < into.length; i++) assert.ok(into.times[i] > into.times[i - 1]);
        if (isCounter) for (let i = 1; i < into.length; i++) assert.ok(into.values[i] >= into.values[i - 1]);
        if (expected.length > 0 && expected.length !== pair[0].length && expected.length !== pair[1].length) switches++;
      }
      assert.ok(switches > 300, `only ${switches} pairs mixed both replicas`);
    });
  }

  test('the general fold of two counters is the merger of two', () => {
    const random = randomOf(3);
    for (let round = 0; round < 500; round++) {
      const a = columnsOf(replica(random));
      const b = columnsOf(replica(random));
      const direct = new SampleBuffer(1);
      const folded = new SampleBuffer(1);
      mergeCountersByPenalty(a, b, direct);
      foldCountersByPenalty([a, b], folded);
      assert.deepEqual(samplesOf(folded), samplesOf(direct));
    }
  });
});
