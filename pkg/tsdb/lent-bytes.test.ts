import assert from 'node:assert/strict';
import { test } from 'vitest';
import { LentBytes } from './lent-bytes.ts';

test('copies stay what they are, however many are lent, until all are given back', () => {
  const lent = new LentBytes();
  for (const round of [1, 2]) {
    const source = new Uint8Array(5_000);
    const copies = Array.from({ length: 40 }, (_, i) => {
      source.fill(i * round);
      return lent.copy(source, i, i % 3 === 0 ? source.length : 2 * i + 1);
    });
    copies.forEach((copy, i) => {
      assert.equal(copy.length, i % 3 === 0 ? 5_000 - i : i + 1);
      assert.ok(copy.every((byte) => byte === i * round));
    });
    lent.clear();
  }
});

test('a copy may be larger than all there was room for', () => {
  const lent = new LentBytes();
  const large = new Uint8Array(1_000_000).fill(7);
  const small = lent.copy(Uint8Array.of(1, 2, 3), 1, 3);
  assert.deepEqual(lent.copy(large, 0, large.length), large);
  assert.deepEqual([...small], [2, 3]);
});
