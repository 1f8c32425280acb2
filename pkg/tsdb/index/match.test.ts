import assert from 'node:assert/strict';
import { test } from 'vitest';
import { Matcher } from '../../model/matcher.ts';
import { planInPieces, planMatch, type ValueSource } from './match.ts';

const values = Array.from({ length: 20_000 }, (_, i) => `v${String(i).padStart(5, '0')}`);
const source: ValueSource = { valuesOf: (_, prefix) => values.filter((value) => value.startsWith(prefix)) };

for (const [matcher, size, pieces] of [
  [new Matcher('=~', 'a', 'v.*[0-4]7'), 1000, 4],
  [new Matcher('=~', 'a', 'v00.*7'), 100, 0],
  [new Matcher('!~', 'a', 'v.*[0-4]7'), 1000, 4],
  [new Matcher('!=', 'a', ''), 20_000, 4],
  [new Matcher('=', 'a', ''), 20_000, 4],
  [new Matcher('=~', 'a', 'v1|v2'), 2, 0],
] as const) {
  test(`${matcher} over 20,000 values is planned in ${pieces + 1} pieces, as it is in one`, () => {
    const planning = planInPieces([matcher], source);
    let count = 0;
    let next = planning.next();
    for (; !next.done; next = planning.next()) count++;
    assert.equal(count, pieces);
    assert.deepEqual(next.value, planMatch([matcher], source));
    const [group] = [...next.value.keep, ...next.value.drop];
    assert.equal(group.values.length, size);
  });
}
