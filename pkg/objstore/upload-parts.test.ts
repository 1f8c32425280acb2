import assert from 'node:assert/strict';
import { test } from 'vitest';
import { partsOf } from './upload-parts.ts';

const PART = 200_000;

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
      for await (const { bytes, isLast } of partsOf(body(), { name: 'x', partSizeBytes: PART, sizeBytes })) {
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
      for await (const { isLast } of partsOf(pieces, { name: 'x', partSizeBytes: PART, sizeBytes })) lasts.push(isLast);
    };
    await assert.rejects(read(), /body of x has \d+( or more)? bytes, \d+ were promised/);
    assert.ok(!lasts.includes(true));
  }
});
