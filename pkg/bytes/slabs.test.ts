import assert from 'node:assert/strict';
import { describe, test } from 'vitest';
import { Slabs } from './slabs.ts';

const KIB = 1024;

describe('slabs', () => {
  test('a buffer that was given back is lent again to who wants as much or a little less', () => {
    const slabs = new Slabs(1024 * KIB);
    const first = slabs.lend(200 * KIB);
    slabs.giveBack(first);
    assert.equal(slabs.idleBytes, 256 * KIB);
    const second = slabs.lend(150 * KIB);
    assert.equal(second.buffer, first.buffer);
    assert.equal(second.length, 150 * KIB);
    assert.equal(slabs.idleBytes, 0);
  });

  test('the smallest that fits is lent, and none that is far too large', () => {
    const slabs = new Slabs(8192 * KIB);
    const lent = [1024, 128, 512].map((kib) => slabs.lend(kib * KIB));
    for (const buffer of lent) slabs.giveBack(buffer);
    assert.equal(slabs.lend(300 * KIB).buffer, lent[2].buffer);
    assert.equal(slabs.lend(100 * KIB).buffer, lent[1].buffer);
    assert.notEqual(slabs.lend(100 * KIB).buffer, lent[0].buffer);
  });

  test('two who borrow never share bytes', () => {
    const slabs = new Slabs(1024 * KIB);
    const a = slabs.lend(64 * KIB);
    slabs.giveBack(a);
    slabs.giveBack(a.subarray(10));
    const b = slabs.lend(64 * KIB);
    const c = slabs.lend(64 * KIB);
    assert.notEqual(b.buffer, c.buffer);
  });

  test('no more than the bound waits, and bytes of others are not taken', () => {
    const slabs = new Slabs(128 * KIB);
    const lent = [64, 64, 64].map((kib) => slabs.lend(kib * KIB));
    for (const buffer of lent) slabs.giveBack(buffer);
    slabs.giveBack(new Uint8Array(64 * KIB));
    slabs.giveBack(slabs.lend(100));
    assert.equal(slabs.idleBytes, 128 * KIB);
  });

  test('with poison, bytes change when they are given back', () => {
    const slabs = new Slabs(128 * KIB, { poison: 0xaa });
    const bytes = slabs.lend(64 * KIB);
    bytes.fill(1);
    slabs.giveBack(bytes);
    assert.equal(bytes[5], 0xaa);
  });
});
