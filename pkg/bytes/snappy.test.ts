import assert from 'node:assert/strict';
import { describe, test } from 'vitest';
import { kindOf } from '../errors/fault.ts';
import { decodeSnappy, encodeSnappy } from './snappy.ts';

describe('snappy blocks', () => {
  for (const [what, bytes] of [
    ['nothing', new Uint8Array(0)],
    ['one byte', Uint8Array.of(7)],
    ['a repeated text', Buffer.from('abcdefgh'.repeat(1000))],
    ['noise', Uint8Array.from({ length: 100_000 }, (_, i) => (Math.imul(i, 2654435761) >>> 13) & 0xff)],
    ['zeros', new Uint8Array(300_000)],
  ] as const) {
    test(`of ${what} come back`, () => {
      const encoded = encodeSnappy(bytes);
      assert.equal(encoded.constructor, Uint8Array);
      assert.ok(Buffer.compare(decodeSnappy(encoded, 1_000_000), bytes) === 0);
    });
  }

  test('of the reference are read', () => {
    const decoded = decodeSnappy(Buffer.from('401c6162636465666768de0800', 'hex'), 64);
    assert.equal(Buffer.from(decoded).toString(), 'abcdefgh'.repeat(8));
  });

  for (const [what, hex, limit, kind] of [
    ['nothing', '', 100, 'corrupt'],
    ['a size above the limit', '401c6162636465666768de0800', 63, 'limit'],
    ['a size of gigabytes in ten bytes', 'ffffffff0f0061', 2 ** 40, 'corrupt'],
    ['a size larger than what comes', '411c6162636465666768de0800', 100, 'corrupt'],
    ['a size smaller than what comes', '3f1c6162636465666768de0800', 100, 'corrupt'],
    ['a copy from before the start', '0401610505', 100, 'corrupt'],
    ['its end cut off', '401c616263646566', 100, 'corrupt'],
  ] as const) {
    test(`with ${what}: ${kind}`, () => {
      assert.throws(
        () => decodeSnappy(Buffer.from(hex, 'hex'), limit),
        (thrown) => kindOf(thrown) === kind,
      );
    });
  }

  test('damaged anywhere are decoded to their size or corrupt', () => {
    let seed = 3;
    const random = (below: number): number => {
      seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
      return Math.floor((seed / 2 ** 32) * below);
    };
    const encoded = encodeSnappy(Buffer.from('the quick brown fox jumps over the lazy dog '.repeat(20)));
    let refused = 0;
    for (let i = 0; i < 2000; i++) {
      const copy = encoded.slice();
      copy[random(copy.length)] = random(256);
      try {
        assert.ok(decodeSnappy(copy, 10_000).length <= 10_000);
      } catch (thrown) {
        assert.ok(['corrupt', 'limit'].includes(kindOf(thrown)), String(thrown));
        refused++;
      }
    }
    assert.ok(refused > 200);
  });
});
