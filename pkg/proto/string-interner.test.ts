import assert from 'node:assert/strict';
import { test } from 'vitest';
import { StringInterner } from './string-interner.ts';

test('equal bytes give equal strings, through growth and starting anew', () => {
  const interner = new StringInterner();
  for (let round = 0; round < 2; round++) {
    for (let i = 0; i < 40_000; i++) {
      const text = i % 7 === 0 ? `größe ${i}` : `value-${i}`;
      const bytes = Buffer.from(`..${text}..`);
      assert.equal(interner.get(bytes, 2, bytes.length - 2), text);
    }
  }
});

test('a long string, an empty one, and one in a plain array are read too', () => {
  const interner = new StringInterner();
  const long = 'ä'.repeat(5000);
  const bytes = new Uint8Array(Buffer.from(long));
  assert.equal(interner.get(bytes, 0, bytes.length), long);
  assert.equal(interner.get(bytes, 3, 3), '');
  assert.equal(interner.get(new Uint8Array([1, 97, 98, 2]), 1, 3), 'ab');
});
