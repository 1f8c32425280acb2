import { test } from 'vitest';
import { checkDamaged, damageTimeoutMs, randomFrom } from './damage-fixture.ts';
import { decodeZstd, loadZstdEncoder } from './zstd.ts';

test('damaged zstd frames are read or refused, and never larger than allowed', {
  timeout: damageTimeoutMs,
}, async () => {
  const encode = await loadZstdEncoder();
  const random = randomFrom(2);
  const texts = [10, 300, 5000, 40_000].map((length) =>
    Uint8Array.from({ length }, (_, i) => (i % 7 === 0 ? random(256) : i % 5)),
  );
  checkDamaged({
    inputs: texts.map((text) => new Uint8Array(encode(text))),
    cases: 500,
    decode: (bytes) => {
      const size = decodeZstd(bytes, 1 << 20).length;
      if (size > 1 << 20) throw new Error(`${size} bytes`);
    },
  });
});
