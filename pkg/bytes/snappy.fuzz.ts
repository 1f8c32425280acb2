import { test } from 'vitest';
import { checkDamaged, damageTimeoutMs, randomFrom } from './damage-fixture.ts';
import { decodeSnappy, encodeSnappy } from './snappy.ts';

test('damaged snappy blocks are read or refused, and never larger than allowed', { timeout: damageTimeoutMs }, () => {
  const random = randomFrom(1);
  const texts = [10, 300, 5000].map((length) =>
    Uint8Array.from({ length }, (_, i) => (i % 7 === 0 ? random(256) : i % 5)),
  );
  checkDamaged({
    inputs: texts.map(encodeSnappy),
    cases: 1500,
    decode: (bytes) => {
      const size = decodeSnappy(bytes, 1 << 20).length;
      if (size > 1 << 20) throw new Error(`${size} bytes`);
    },
  });
});
