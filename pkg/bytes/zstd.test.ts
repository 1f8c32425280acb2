import assert from 'node:assert/strict';
import { describe, test } from 'vitest';
import { kindOf } from '../errors/fault.ts';
import { checkDamaged, damageTimeoutMs } from './damage-fixture.ts';
import { decodeZstd, loadZstdEncoder } from './zstd.ts';

const text = new TextEncoder().encode('some text that comes again, some text that comes again. '.repeat(40));
const noise = Uint8Array.from({ length: 200_000 }, (_, i) => Math.imul(i, 2654435761) >>> 24);
/** Made by the zstd command line: `hello hello hello hello hello hello\n`. */
const foreign = Buffer.from('KLUv/QRYbQAAOGhlbGxvIAoBALlLEWsfCGc=', 'base64');

test('what is compressed comes back', async () => {
  const encode = await loadZstdEncoder();
  for (const bytes of [new Uint8Array(0), text, noise, new Uint8Array(300_000)]) {
    const frame = encode(bytes);
    assert.deepEqual(decodeZstd(frame, 1 << 20), bytes);
  }
  assert.ok(encode(text).length < text.length / 10);
});

describe('refused', () => {
  test('with limit: more than is allowed', async () => {
    const encode = await loadZstdEncoder();
    for (const bytes of [text, noise, new Uint8Array(300_000)]) {
      assert.throws(
        () => decodeZstd(encode(bytes), bytes.length - 1),
        (thrown) => kindOf(thrown) === 'limit',
      );
    }
  });

  for (const [what, hex] of [
    ['nothing', ''],
    ['another format', '504b0304140000000800'],
    ['a frame that ends in its header', '28b52ffda0000000'],
    ['a frame that claims far more than it can hold', '28b52ffda000000008010000'],
  ] as const) {
    test(`as corrupt: ${what}`, () => {
      assert.throws(
        () => decodeZstd(Buffer.from(hex, 'hex'), 1 << 30),
        (thrown) => kindOf(thrown) === 'corrupt',
      );
    });
  }

  test('with limit: a window of terabytes, before it is allocated', () => {
    assert.throws(
      () => decodeZstd(Buffer.from('28b52ffd00f8010000', 'hex'), 1 << 20),
      (thrown) => kindOf(thrown) === 'limit',
    );
  });
});

test('damaged frames are read or refused', { timeout: damageTimeoutMs }, async () => {
  const encode = await loadZstdEncoder();
  const inputs = [encode(text), encode(noise.subarray(0, 2000)), encode(new Uint8Array(5000))];
  checkDamaged({ inputs, cases: 800, decode: (bytes) => void decodeZstd(bytes, 1 << 20) });
});

test('a frame of another writer is read', () => {
  assert.equal(new TextDecoder().decode(decodeZstd(foreign, 100)), 'hello hello hello hello hello hello\n');
});
