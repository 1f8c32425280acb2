import assert from 'node:assert/strict';
import { test } from 'vitest';
import { largePartsGate, partsOf } from './upload-parts.ts';

const PART = 200_000;
const free = { name: 'x', gate: largePartsGate(), signal: new AbortController().signal };

for (const [what, sizes, expected] of [
  ['nothing', [], [0]],
  ['empty pieces', [0, 0], [0]],
  ['less than a part', [1000, 5], [1005]],
  ['exactly a part', [PART], [PART]],
  ['exactly two parts in one piece', [2 * PART], [PART, PART]],
  ['many pieces across parts', Array.from({ length: 61 }, () => 10_007), [PART, PART, PART, 10_427]],
  ['a piece of many parts', [3, 5 * PART], [PART, PART, PART, PART, PART, 3]],
] as const) {
  test(`a body of ${what} is cut into parts of one size, and only the last is told as such`, async () => {
    const whole = Buffer.alloc(sizes.reduce<number>((sum, size) => sum + size, 0));
    for (let i = 0; i < whole.length; i++) whole[i] = (i * 31 + (i >> 9)) & 255;
    async function* body(): AsyncIterable<Uint8Array> {
      let at = 0;
      for (const size of sizes) {
        yield whole.subarray(at, at + size);
        at += size;
      }
    }
    for (const sizeBytes of [whole.length, undefined]) {
      const found: Buffer[] = [];
      const lasts: boolean[] = [];
      for await (const { bytes, isLast } of partsOf(body(), { ...free, partSizeBytes: PART, sizeBytes })) {
        found.push(Buffer.from(bytes));
        lasts.push(isLast);
      }
      assert.deepEqual(
        found.map(({ length }) => length),
        expected,
      );
      assert.ok(Buffer.concat(found).equals(whole));
      assert.deepEqual(
        lasts,
        lasts.map((_, i) => i === lasts.length - 1),
      );
    }
  });
}

test('a body of another size than promised is refused before its last part is given out', async () => {
  const body = [Buffer.alloc(PART), Buffer.alloc(10)];
  for (const sizeBytes of [0, PART, PART + 9, PART + 11]) {
    const lasts: boolean[] = [];
    const read = async (): Promise<void> => {
      const pieces = (async function* () {
        yield* body;
      })();
      for await (const { isLast } of partsOf(pieces, { ...free, partSizeBytes: PART, sizeBytes })) lasts.push(isLast);
    };
    await assert.rejects(read(), /body of x has \d+( or more)? bytes, \d+ were promised/);
    assert.ok(!lasts.includes(true));
  }
});

test('two uploads hold a large part at once, the next opens its body when one of them has ended, small ones never wait', async () => {
  const gate = largePartsGate();
  const partSizeBytes = 2 * 1024 * 1024;
  const opened: string[] = [];
  const start = (name: string, sizeBytes: number | undefined, signal = free.signal) => {
    async function* body(): AsyncIterable<Uint8Array> {
      opened.push(name);
      yield Buffer.alloc(sizeBytes ?? 5);
    }
    return partsOf(body(), { name, partSizeBytes, sizeBytes, gate, signal })[Symbol.asyncIterator]();
  };
  const first = start('first', 3 * 1024 * 1024);
  const second = start('second', undefined);
  await first.next();
  await second.next();
  const gone = new AbortController();
  const left = assert.rejects(start('left', partSizeBytes, gone.signal).next(), { kind: 'canceled' });
  const third = start('third', partSizeBytes);
  const isThere = third.next();
  await start('small', 1000).next();
  gone.abort();
  await left;
  assert.deepEqual(opened, ['first', 'second', 'small']);
  await first.return?.();
  await isThere;
  assert.deepEqual(opened, ['first', 'second', 'small', 'third']);
});

test('the memory of the parts is freed after the last, and kept when the reader stops before', async () => {
  for (const isWhole of [true, false]) {
    let part: Buffer | undefined;
    for await (const { bytes } of partsOf([Buffer.alloc(PART + 1)] as never, { ...free, partSizeBytes: PART })) {
      part = bytes;
      if (!isWhole) break;
    }
    assert.equal(part?.buffer.byteLength, isWhole ? 0 : PART);
  }
});
