import assert from 'node:assert/strict';
import { describe, test } from 'vitest';
import { kindOf } from '../errors/fault.ts';
import { AGGREGATE_PARTS, AggregateParts, joinAggregateChunk, splitAggregateChunk } from './aggr-chunk.ts';

/** Writes parts as downsampling does; undefined is absent. */
function chunkOf(...parts: (readonly [encoding: number, data: string] | undefined)[]): Uint8Array {
  return Buffer.concat(
    parts.map((part) => {
      if (part === undefined) return Buffer.of(0);
      const data = Buffer.from(part[1], 'hex');
      assert.ok(data.length < 128);
      return Buffer.concat([Buffer.of(data.length, part[0]), data]);
    }),
  );
}

function split(bytes: Uint8Array): string[] {
  const into = new AggregateParts();
  splitAggregateChunk(bytes, 0, bytes.length, into);
  return AGGREGATE_PARTS.map((_, i) => {
    const data = Buffer.from(bytes.subarray(into.offsets[i], into.offsets[i] + into.lengths[i])).toString('hex');
    return `${into.encodings[i]}:${data}`;
  });
}

describe('an aggregate chunk', () => {
  // The downsampled chunk of the format's description: count, sum, min, max, counter.
  const golden = Buffer.from(
    '1a010003bebab7fef9624000000000000000e0a712d60fb63c0758581b010003bebab7fef962403e000000000000e0a712d24ecfb63c06f580' +
      '1a010003bebab7fef9624024000000000000e0a712d417db1e03ac3a1b010003bebab7fef9624034000000000000e0a712d81ded8f01d42cc0' +
      '2301000580a0abfef96240240000000000009f8d06d60f8c3507491ffdb1e030576ee8fd5a',
    'hex',
  );

  test('is split into its five parts, the golden one byte for byte', () => {
    assert.deepEqual(split(golden), [
      '1:0003bebab7fef9624000000000000000e0a712d60fb63c075858',
      '1:0003bebab7fef962403e000000000000e0a712d24ecfb63c06f580',
      '1:0003bebab7fef9624024000000000000e0a712d417db1e03ac3a',
      '1:0003bebab7fef9624034000000000000e0a712d81ded8f01d42cc0',
      '1:000580a0abfef96240240000000000009f8d06d60f8c3507491ffdb1e030576ee8fd5a',
    ]);
  });

  test('is joined of its parts, the golden one byte for byte, and one with long and absent parts', () => {
    const parts = new AggregateParts();
    splitAggregateChunk(golden, 0, golden.length, parts);
    const all = AGGREGATE_PARTS.map((_, i) => ({
      encoding: parts.encodings[i],
      data: golden.subarray(parts.offsets[i], parts.offsets[i] + parts.lengths[i]),
    }));
    assert.deepEqual(Buffer.from(joinAggregateChunk(all)), golden);
    const long = new Uint8Array(300).fill(7);
    const joined = joinAggregateChunk([undefined, { encoding: 3, data: long }]);
    assert.deepEqual(split(joined), ['0:', `3:${'07'.repeat(300)}`, '0:', '0:', '0:']);
  });

  for (const [what, bytes, expected] of [
    [
      'with a count alone',
      chunkOf([1, '0a'], undefined, undefined, undefined, undefined),
      ['1:0a', '0:', '0:', '0:', '0:'],
    ],
    [
      'of a histogram',
      chunkOf([1, '0a'], [3, '0b0c'], undefined, undefined, [3, 'dd']),
      ['1:0a', '3:0b0c', '0:', '0:', '3:dd'],
    ],
  ] as const) {
    test(`${what} says which parts are absent`, () => assert.deepEqual(split(bytes), expected));
  }

  for (const [what, bytes] of [
    ['nothing in it', new Uint8Array(0)],
    ['four parts', chunkOf(undefined, undefined, undefined, undefined)],
    ['six parts', chunkOf(undefined, undefined, undefined, undefined, undefined, undefined)],
    ['a part of no known encoding', chunkOf([9, '0a'], undefined, undefined, undefined, undefined)],
    ['a part longer than itself', Buffer.from('7f01aa', 'hex')],
    ['an endless length', Buffer.from('ffffffffffffffffffff', 'hex')],
  ] as const) {
    test(`with ${what} is corrupt`, () => {
      assert.throws(
        () => split(bytes),
        (thrown) => kindOf(thrown) === 'corrupt',
      );
    });
  }

  test('cut off anywhere is corrupt', () => {
    for (let length = 0; length < golden.length; length++) {
      assert.throws(
        () => split(golden.subarray(0, length)),
        (thrown) => kindOf(thrown) === 'corrupt',
        `${length}`,
      );
    }
  });
});
