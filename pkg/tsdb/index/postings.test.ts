import assert from 'node:assert/strict';
import { describe, test } from 'vitest';
import { ByteWriter } from '../../bytes/writer.ts';
import { kindOf } from '../../errors/fault.ts';
import { readPostingList } from './posting-list.ts';
import { intersect, subtract, union } from './postings.ts';

const ids = (...list: number[]): Uint32Array => Uint32Array.from(list);

function section(count: number, list: readonly number[]): Uint8Array {
  const writer = new ByteWriter();
  const body = writer.openSection();
  writer.be32(count);
  for (const id of list) writer.be32(id);
  writer.closeSection(body);
  return writer.copy();
}

describe('posting lists', () => {
  test('are read from the middle of other bytes', () => {
    const bytes = Buffer.concat([Buffer.from('xx'), section(3, [1, 5, 0xffffffff]), Buffer.from('yyy')]);
    assert.deepEqual([...readPostingList(bytes, 2, bytes.length)], [1, 5, 0xffffffff]);
  });

  for (const [what, bytes] of [
    ['too few ids', section(3, [1, 2])],
    ['too many ids', section(1, [1, 2])],
    ['ids out of order', section(2, [9, 4])],
    ['an id twice', section(2, [4, 4])],
    ['no count', section(0, []).subarray(0, 4)],
    ['its end cut off', section(2, [1, 2]).subarray(0, 14)],
    ['a wrong checksum', section(1, [7]).map((byte, i) => (i === 12 ? byte ^ 1 : byte))],
  ] as const) {
    test(`with ${what} are corrupt`, () => {
      assert.throws(
        () => readPostingList(bytes),
        (thrown) => kindOf(thrown) === 'corrupt',
      );
    });
  }
});

describe('set arithmetic', () => {
  for (const [a, b] of [
    [ids(), ids()],
    [ids(1), ids()],
    [ids(1, 2, 3), ids(2)],
    [ids(1, 5, 9), ids(2, 6, 10)],
    [ids(3, 4), ids(1, 2)],
    [Uint32Array.from({ length: 1000 }, (_, i) => i * 3), ids(0, 5, 9, 2997, 5000)],
    [Uint32Array.from({ length: 1000 }, (_, i) => i * 3), Uint32Array.from({ length: 800 }, (_, i) => i * 4)],
  ] as const) {
    test(`of ${a.length} and ${b.length} ids is that of sets`, () => {
      const [x, y] = [new Set(a), new Set(b)];
      const sorted = (list: Iterable<number>): number[] => [...list].sort((p, q) => p - q);
      for (const [p, q, setP, setQ] of [
        [a, b, x, y],
        [b, a, y, x],
      ] as const) {
        assert.deepEqual([...intersect(p, q)], sorted([...setP].filter((id) => setQ.has(id))));
        assert.deepEqual([...subtract(p, q)], sorted([...setP].filter((id) => !setQ.has(id))));
        assert.deepEqual([...union([p, q])], sorted(new Set([...setP, ...setQ])));
      }
    });
  }

  test('a union of many lists is their union', () => {
    const lists = Array.from({ length: 37 }, (_, k) => Uint32Array.from({ length: 50 }, (_, i) => i * (k + 1)));
    const expected = [...new Set(lists.flatMap((list) => [...list]))].sort((a, b) => a - b);
    assert.deepEqual([...union(lists)], expected);
    assert.equal(union([]).length, 0);
  });
});
