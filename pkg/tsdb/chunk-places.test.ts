import assert from 'node:assert/strict';
import { test } from 'vitest';
import { ChunkPlaces } from './chunk-places.ts';

/** A fixed series of numbers below `limit`. */
function numbers(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return (state >>> 8) % limit;
  };
}

for (const count of [0, 1, 2, 40, 64, 65, 300]) {
  test(`${count} places are put in order of start and end, equal ones as they were added`, () => {
    const next = numbers(count + 1);
    const places = new ChunkPlaces();
    const wanted = Array.from({ length: count }, (_, i) => {
      const minTime = next(20) - 5;
      return { input: i % 3, minTime, maxTime: minTime + next(3), segment: i % 2, offset: 1000 + i };
    });
    for (const { input, minTime, maxTime, segment, offset } of wanted)
      places.add(input, minTime, maxTime, segment, offset);
    wanted.sort((a, b) => a.minTime - b.minTime || a.maxTime - b.maxTime);
    places.sort();
    const found = wanted.map((_, i) => ({
      input: places.inputs[i],
      minTime: places.minTimes[i],
      maxTime: places.maxTimes[i],
      segment: places.segments[i],
      offset: places.offsets[i],
    }));
    assert.equal(places.count, count);
    assert.deepEqual(found, wanted);
    places.clear();
    assert.equal(places.count, 0);
  });
}
