import assert from 'node:assert/strict';
import { describe, test } from 'vitest';
import { kindOf } from '../errors/fault.ts';
import { SampleBuffer } from '../storage/sample-columns.ts';
import { decodeXorChunk } from '../tsdb/chunkenc/decode.ts';
import { ENCODING_AGGREGATE, ENCODING_XOR } from '../tsdb/chunkenc/encoding.ts';
import { encodeXor } from '../tsdb/chunkenc/xor-encoder.ts';
import type { StoredChunk } from '../tsdb/stored-chunk.ts';
import { overlapRule } from './dedup-chunks.ts';
import type { OfflineDedupFunc } from './dedup-funcs.ts';

const range = (from: number, to: number, step: number): number[] =>
  Array.from({ length: Math.ceil((to - from) / step) }, (_, i) => from + i * step);

function chunk(times: readonly number[], value: number): StoredChunk {
  const samples = new SampleBuffer();
  for (const time of times) samples.push(time, value);
  return { minTime: times[0], maxTime: times[times.length - 1], encoding: ENCODING_XOR, data: encodeXor(samples) };
}

/** What comes out: `time=value` of each sample, `|` between chunks. */
function merged(func: OfflineDedupFunc, chunks: readonly StoredChunk[]): string {
  const texts: string[] = [];
  overlapRule(func)(chunks, ({ minTime, maxTime, data }) => {
    const samples = new SampleBuffer();
    decodeXorChunk(data, 0, data.length, samples);
    assert.equal(samples.times[0], minTime);
    assert.equal(samples.times[samples.length - 1], maxTime);
    texts.push(Array.from({ length: samples.length }, (_, i) => `${samples.times[i]}=${samples.values[i]}`).join(' '));
  });
  return texts.join(' | ');
}

describe('one-to-one', () => {
  for (const [what, chunks, wanted] of [
    ['samples in between', [chunk([0, 10, 20], 1), chunk([5, 15], 2)], '0=1 5=2 10=1 15=2 20=1'],
    ['the same times, of two chunks those of the first', [chunk([0, 10], 1), chunk([0, 10], 2)], '0=1 10=1'],
    ['a chunk inside of another', [chunk([0, 30], 1), chunk([10, 20], 2)], '0=1 10=2 20=2 30=1'],
    ['three of them', [chunk([0, 9], 1), chunk([1, 8], 2), chunk([2, 7], 3)], '0=1 1=2 2=3 7=3 8=2 9=1'],
  ] as const) {
    test(`keeps every sample of ${what}, one for each time`, () => assert.equal(merged('', chunks), wanted));
  }

  test('cuts every 120 samples', () => {
    const out = merged('', [chunk(range(0, 2000, 10), 1), chunk(range(5, 2000, 10), 2)]).split(' | ');
    assert.deepEqual(
      out.map((text) => text.split(' ').length),
      [120, 120, 120, 40],
    );
  });
});

describe('penalty', () => {
  test('stays with one replica while it goes on', () => {
    const out = merged('penalty', [chunk(range(0, 300_000, 15_000), 1), chunk(range(3_000, 300_000, 15_000), 2)]);
    assert.equal(
      out,
      range(0, 300_000, 15_000)
        .map((time) => `${time}=1`)
        .join(' '),
    );
  });

  test('goes over to the other when it falls silent', () => {
    const silent = [...range(0, 60_000, 15_000), ...range(240_000, 300_000, 15_000)];
    const out = merged('penalty', [chunk(silent, 1), chunk(range(3_000, 300_000, 15_000), 2)]);
    assert.match(out, /^0=1 15000=1 30000=1 45000=1 (\d+=2 ?)+/);
  });
});

test('aggregates are refused, not merged wrongly', () => {
  const aggregate = { ...chunk([0, 10], 1), encoding: ENCODING_AGGREGATE };
  assert.throws(
    () => merged('', [aggregate, aggregate]),
    (thrown) => kindOf(thrown) === 'unsupported',
  );
});
