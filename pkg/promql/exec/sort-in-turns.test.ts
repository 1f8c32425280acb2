import assert from 'node:assert/strict';
import { describe, test } from 'vitest';
import { sortInTurns } from './sort-in-turns.ts';
import { Turns } from './turns.ts';

interface Item {
  readonly key: number;
  readonly place: number;
}

const orders: readonly (readonly [string, (place: number) => number])[] = [
  ['in order', (place) => place],
  ['in reverse', (place) => -place],
  ['mixed', (place) => (place * 7919) % 10_007],
  ['with many equals', (place) => (place * 7919) % 13],
  ['all equal', () => 1],
];

describe('a sort in turns', () => {
  for (const [what, keyOf] of orders) {
    for (const count of [0, 1, 512, 513, 5000]) {
      test(`of ${count} items ${what} is the sort at once, equal items as they were`, async () => {
        let looks = 0;
        const pace = (): undefined => {
          looks++;
        };
        const items = Array.from({ length: count }, (_, place): Item => ({ key: keyOf(place), place }));
        const compare = (a: Item, b: Item): number => a.key - b.key;
        const expected = [...items].sort(compare);
        const turns = new Turns({ pace } as unknown as ConstructorParameters<typeof Turns>[0]);
        assert.deepEqual(await sortInTurns(items, compare, turns, 50), expected);
        assert.equal(looks > 0, count > 512);
      });
    }
  }
});
