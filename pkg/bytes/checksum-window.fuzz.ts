// Sums of the compiled kernel against the plain ones.

import assert from 'node:assert/strict';
import { describe, test } from 'vitest';
import { ChecksumWindow } from './checksum-window.ts';
import { signedCrc32c } from './crc32c.ts';
import { isSoak, randomFrom } from './damage-fixture.ts';

const random = randomFrom(11);
const times = isSoak ? 100 : 1;

describe('checksums through a window', () => {
  const bytes = Uint8Array.from({ length: 600_000 }, () => random(256));

  test('are the plain ones for stretches one after another', () => {
    for (let round = 0; round < 3 * times; round++) {
      const window = new ChecksumWindow(bytes);
      for (let at = random(5000); at < bytes.length; ) {
        const end = Math.min(bytes.length, at + (random(50) === 0 ? random(200_000) : random(700)));
        assert.equal(window.sum(at, end), signedCrc32c(bytes, at, end), `${at} to ${end}`);
        at = end + random(12);
      }
    }
  });

  test('are the plain ones for stretches anywhere, of two pieces of memory in turn', () => {
    const other = bytes.slice().reverse();
    const both = [
      { memory: bytes, window: new ChecksumWindow(bytes) },
      { memory: other, window: new ChecksumWindow(other) },
    ];
    for (let i = 0; i < 2000 * times; i++) {
      const { memory, window } = both[random(2)];
      const from = random(memory.length + 1);
      const to = Math.min(memory.length, from + random(i % 100 === 0 ? 300_000 : 3000));
      assert.equal(window.sum(from, to), signedCrc32c(memory, from, to), `${from} to ${to}`);
    }
  });
});
