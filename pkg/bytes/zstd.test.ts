import assert from 'node:assert/strict';
import { describe, test } from 'vitest';
import { kindOf } from '../errors/fault.ts';
import { checkDamaged, damageTimeoutMs, randomFrom } from './damage-fixture.ts';
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

test('a frame whose sequences claim far more than their block may hold is corrupt at once', () => {
  // Damage as it was found: a reader that believes it copies for a minute.
  const frame =
    '28b52ffd0400e50200340402000700000102003404020007000001a1ee565e00b0ea013ff0e0d4034090bf05400800c0a907401000f09309401400' +
    'a0fe0a401800d0e80c401c0080d30e402000b0bd1040220000000000000a006014300a18058c02467119ba272131';
  const startMs = performance.now();
  assert.throws(
    () => decodeZstd(Buffer.from(frame, 'hex'), 1 << 28),
    (thrown) => kindOf(thrown) === 'corrupt',
  );
  assert.ok(performance.now() - startMs < 5000);
});

test('what other levels write is read: tables used again, streams of literals, offsets used again', async () => {
  const library = await import('@bokuweb/zstd-wasm');
  await library.init();
  const random = randomFrom(3);
  for (let i = 0; i < 300; i++) {
    const kinds = 1 + random(255);
    const length = random(i % 50 === 0 ? 400_000 : 3000);
    const bytes = Uint8Array.from({ length }, (_, at) => (random(5) === 0 ? random(kinds) : (at * 7) % kinds));
    assert.deepEqual(decodeZstd(library.compress(bytes, 1 + (i % 19)).slice(), 1 << 20), bytes);
  }
});

test('a frame with another checksum, or with bytes after it, is corrupt', () => {
  const other = Buffer.from(foreign);
  other[other.length - 1] ^= 1;
  for (const bytes of [other, Buffer.concat([foreign, Buffer.alloc(1)]), foreign.subarray(0, -1)]) {
    assert.throws(
      () => decodeZstd(bytes, 100),
      (thrown) => kindOf(thrown) === 'corrupt',
    );
  }
});

test('damaged frames are read or refused', { timeout: damageTimeoutMs }, async () => {
  const encode = await loadZstdEncoder();
  const inputs = [encode(text), encode(noise.subarray(0, 2000)), encode(new Uint8Array(5000))];
  checkDamaged({ inputs, cases: 800, decode: (bytes) => void decodeZstd(bytes, 1 << 20) });
});

test('a frame of another writer is read', () => {
  assert.equal(new TextDecoder().decode(decodeZstd(foreign, 100)), 'hello hello hello hello hello hello\n');
});
