import assert from 'node:assert/strict';
import { describe, test } from 'vitest';
import { openFileShare, shareOf } from './open-file-share.ts';

describe('files one cache may keep open', () => {
  const line = (soft: string) => `Limit                     Soft Limit           Hard Limit           Units
Max processes             62000                62000                processes
Max open files            ${soft}                 524288               files
`;
  for (const [limits, share] of [
    [line('1024'), 256],
    [line('256'), 64],
    [line('20000'), 4096],
    [line('4096'), 1024],
    [line('unlimited'), 4096],
    ['', 512],
  ] as const) {
    test(`are ${share} where the system says ${JSON.stringify(limits.slice(-90))}`, () => {
      assert.equal(shareOf(limits), share);
    });
  }

  test('are as many whenever it is asked', () => {
    assert.ok(openFileShare() >= 64);
    assert.equal(openFileShare(), openFileShare());
  });
});
