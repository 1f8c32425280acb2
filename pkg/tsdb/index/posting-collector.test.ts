import assert from 'node:assert/strict';
import { test } from 'vitest';
import { PostingCollector } from './posting-collector.ts';

test('lists of more labels than a piece holds are those that were added, in order of name and value', () => {
  const collector = new PostingCollector();
  const expected = new Map<string, number[]>();
  for (let series = 0; series < 80_000; series++) {
    const id = 5 + 3 * series;
    // None to eight labels, so that those of one series lie in two pieces.
    const labels = Array.from({ length: series % 9 }, (_, name) => [name, 100 + ((series * 7 + name) % 13)]);
    collector.add(id, labels.flat(), labels.length);
    for (const pair of labels) {
      const list = expected.get(pair.join());
      if (list === undefined) expected.set(pair.join(), [id]);
      else list.push(id);
    }
  }
  assert.equal(collector.all.length, 80_000);
  const keys: [number, number][] = [];
  let found = 0;
  collector.forEach((name, value, ids) => {
    keys.push([name, value]);
    assert.deepEqual([...ids], expected.get(`${name},${value}`));
    found += ids.length;
  });
  assert.ok(found > 2 ** 18, `${found}`);
  assert.equal(keys.length, expected.size);
  assert.deepEqual(
    keys,
    [...keys].sort(([a, b], [c, d]) => a - c || b - d),
  );
});
