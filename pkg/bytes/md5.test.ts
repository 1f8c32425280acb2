import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'vitest';
import { md5 } from './md5.ts';

test('the digest of every length around the ends of a block is the one everybody computes', () => {
  for (let length = 0; length <= 200; length++) {
    const message = Uint8Array.from({ length }, (_, i) => (i * 167 + length * 13) & 0xff);
    const expected = createHash('md5').update(message).digest('hex');
    assert.equal(Buffer.from(md5(message)).toString('hex'), expected, `${length} bytes`);
  }
});
