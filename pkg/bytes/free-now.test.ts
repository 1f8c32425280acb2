import assert from 'node:assert/strict';
import { describe, test } from 'vitest';
import { freeNow } from './free-now.ts';

describe('freeing at once', () => {
  test('a large buffer is gone, with every view of it', () => {
    const bytes = Buffer.allocUnsafeSlow(64 * 1024);
    const view = new Uint8Array(bytes.buffer, 100, 1000);
    freeNow(bytes);
    assert.equal(bytes.length, 0);
    assert.equal(view.length, 0);
  });

  test('the memory is counted no more, without a collection', () => {
    const before = process.memoryUsage().arrayBuffers;
    for (let i = 0; i < 1000; i++) freeNow(Buffer.allocUnsafeSlow(1024 * 1024));
    assert.ok(process.memoryUsage().arrayBuffers - before < 64 * 1024 * 1024);
  });

  test('a message behind its header is all there is in a buffer', () => {
    const message = Buffer.allocUnsafeSlow(20 * 1024).subarray(5);
    freeNow(message);
    assert.equal(message.length, 0);
  });

  test.for([
    ['small bytes', Buffer.alloc(64)],
    ['bytes of the pool', Buffer.from('text')],
    ['a part of a large buffer', Buffer.alloc(64 * 1024).subarray(0, 32 * 1024)],
    ['its end', Buffer.alloc(64 * 1024).subarray(9)],
    ['shared memory', new Uint8Array(new SharedArrayBuffer(64 * 1024))],
  ] as const)('%s are left alone', ([, bytes]) => {
    const { length } = bytes;
    freeNow(bytes);
    assert.equal(bytes.length, length);
  });

  test('what is freed twice is freed', () => {
    const bytes = new Uint8Array(64 * 1024);
    freeNow(bytes);
    freeNow(bytes);
    assert.equal(bytes.length, 0);
  });
});
