// The compiled encoder and the compiled histogram decoder against the plain ones, on random and on damaged input. The float
// decoder is compared in decode.fuzz.ts.

import assert from 'node:assert/strict';
import { describe, test } from 'vitest';
import { damaged, damageTimeoutMs, isSoak, randomFrom } from '../../bytes/damage-fixture.ts';
import { kindOf } from '../../errors/fault.ts';
import type { Histogram, HistogramSample } from '../../model/histogram.ts';
import { type HistogramValue, sameHistogram, withParts } from '../../model/histogram-value.ts';
import { STALE_HIGH, STALE_LOW } from '../../model/staleness.ts';
import { SampleBuffer } from '../../storage/sample-columns.ts';
import { columnsText } from '../golden-fixture.ts';
import { decodeXorChunk } from './decode.ts';
import { ENCODING_HISTOGRAM } from './encoding.ts';
import { decodeFloatHistograms, decodeFloatHistogramsPlainly } from './float-histogram.ts';
import { decodeHistograms, decodeHistogramsPlainly } from './histogram.ts';
import { type HistogramChunk, HistogramChunker } from './histogram-chunker.ts';
import { emptyLayout } from './histogram-layout.ts';
import { decodeHistogramValues, decodePlainly } from './histogram-values.ts';
import { encodeXor, encodeXorPlainly } from './xor-encoder.ts';

const times = isSoak ? 100 : 1;
const bits = new DataView(new ArrayBuffer(8));

describe('the compiled encoder of float chunks', () => {
  const random = randomFrom(7);

  function randomColumns(count: number): SampleBuffer {
    const columns = new SampleBuffer(count);
    const style = random(6);
    let time = [0, -(2 ** 52), 1.7e12, -5][random(4)];
    let value = random(1000);
    for (let i = 0; i < count; i++) {
      columns.push(time, value);
      if (random(25) === 0) {
        columns.words[2 * i] = random(2 ** 32);
        columns.words[2 * i + 1] = [STALE_HIGH, 0x7ff80000, random(2 ** 32)][random(3)];
      }
      // Every size of step there is a code for, and its borders.
      const edge = 2 ** [13, 16, 19, 40][random(4)];
      time += 15_000 + [0, 0, 0, random(50), edge - 2 + random(4), -(edge - 2 + random(4))][random(6)];
      if (style === 0) value += random(100);
      else if (style === 1) value = random(2 ** 30) / 7919;
      else if (style === 2) value = random(3);
      else if (style === 3) value = -value * 1.5 || 1;
      else if (style === 4) value = 5e-324 * random(9);
    }
    return columns;
  }

  test('gives the bytes of the plain one', { timeout: damageTimeoutMs }, () => {
    for (let i = 0; i < 600 * times; i++) {
      const columns = randomColumns(1 + random(i % 100 === 0 ? 3000 : 150));
      const from = random(columns.length);
      const to = from + 1 + random(columns.length - from);
      const bytes = encodeXor(columns, from, to);
      assert.equal(
        Buffer.from(bytes).toString('hex'),
        Buffer.from(encodeXorPlainly(columns, from, to)).toString('hex'),
      );
      const again = new SampleBuffer();
      decodeXorChunk(bytes, 0, bytes.length, again);
      assert.deepEqual(columnsText(again), columnsText(columns, from, to));
    }
  });

  test('fills a chunk to its last sample, each of the longest kind', () => {
    const columns = new SampleBuffer(65535);
    for (let i = 0; i < 65535; i++) {
      columns.push((i % 2 === 0 ? 1 : -1) * (2 ** 52 - i), 0);
      columns.words[2 * i] = i % 2 === 0 ? 0xffffffff : 1;
      columns.words[2 * i + 1] = i % 2 === 0 ? 0xffffffff : 0x7fffffff - i;
    }
    assert.deepEqual(encodeXor(columns), encodeXorPlainly(columns));
  });
});

describe('the compiled decoder of histogram chunks', () => {
  const random = randomFrom(11);

  function randomSpans(): { offset: number; length: number }[] {
    return Array.from({ length: random(4) }, (_, i) => ({
      offset: i === 0 ? random(20) - 10 : random(5),
      length: 1 + random(6),
    }));
  }

  /** The samples of a series: counts grow, now and then reset, and sometimes jump far; some are stale. */
  function randomSamples(kind: Histogram['kind']): HistogramSample[] {
    const schema = [0, 3, 8, -4, -53, 12][random(6)];
    const [positiveSpans, negativeSpans] = [randomSpans(), schema === -53 ? [] : randomSpans()];
    const sizes = [positiveSpans, negativeSpans].map((spans) => spans.reduce((sum, { length }) => sum + length, 0));
    const buckets = sizes.map((size) => Array.from({ length: size }, () => random(20)));
    const scale = [1, 1, 1000, 2 ** 30, 2 ** 49][random(5)];
    const hint = random(4) === 0 ? 'gauge' : 'unknown';
    let time = 1.7e12;
    return Array.from({ length: 1 + random(60) }, () => {
      time += 15_000 + (random(5) === 0 ? random(3000) : 0);
      for (const side of buckets) {
        for (let i = 0; i < side.length; i++) side[i] += random(3) * (random(3) === 0 ? random(scale) : 1);
      }
      const isStale = random(40) === 0;
      bits.setFloat64(0, random(2 ** 31) / (1 + random(9)));
      if (isStale) bits.setUint32(0, STALE_HIGH);
      if (isStale) bits.setUint32(4, STALE_LOW);
      const zeroCount = random(1000);
      const shared = {
        hint,
        ...(isStale ? emptyLayout : { schema, zeroThreshold: 0.001, positiveSpans, negativeSpans }),
        customValues: schema === -53 && !isStale ? Array.from({ length: sizes[0] + 30 }, (_, i) => i / 8) : [],
        count: isStale ? 0 : buckets.flat().reduce((sum, count) => sum + count, zeroCount),
        zeroCount: isStale ? 0 : zeroCount,
        sum: bits.getFloat64(0),
        sumHigh: bits.getUint32(0),
        sumLow: bits.getUint32(4),
      } as const;
      const [up, down] = buckets.map((side) => (isStale ? [] : side));
      if (kind === 'float') {
        const half = (side: readonly number[]) => Float64Array.from(side, (count) => count * 1.5);
        return { time, histogram: { ...shared, kind, positiveCounts: half(up), negativeCounts: half(down) } };
      }
      const deltas = (side: readonly number[]) => side.map((count, i) => count - (i === 0 ? 0 : side[i - 1]));
      return { time, histogram: { ...shared, kind, positiveDeltas: deltas(up), negativeDeltas: deltas(down) } };
    });
  }

  function randomChunks(): HistogramChunk[] {
    const chunker = new HistogramChunker(50);
    const chunks: HistogramChunk[] = [];
    for (const sample of randomSamples(random(2) === 0 ? 'integer' : 'float')) {
      const ended = chunker.push(sample);
      if (ended !== undefined) chunks.push(ended);
    }
    chunks.push(chunker.finish()!);
    return chunks;
  }

  type Decode = typeof decodePlainly;

  /** What a decoder says, or the kind of its refusal. */
  function said(decode: Decode, encoding: number, bytes: Uint8Array): SampleBuffer | string {
    const into = new SampleBuffer(4);
    try {
      decode(encoding, bytes, 0, bytes.length, into);
      return into;
    } catch (thrown) {
      assert.equal(kindOf(thrown), 'corrupt', String(thrown));
      return 'corrupt';
    }
  }

  function compare(encoding: number, bytes: Uint8Array): boolean {
    const plain = said(decodePlainly, encoding, bytes);
    const compiled = said(decodeHistogramValues, encoding, bytes);
    if (typeof plain === 'string' || typeof compiled === 'string') {
      assert.equal(compiled, plain, Buffer.from(bytes).toString('hex'));
      return false;
    }
    const [fast, slow] =
      encoding === ENCODING_HISTOGRAM
        ? [decodeHistograms, decodeHistogramsPlainly]
        : [decodeFloatHistograms, decodeFloatHistogramsPlainly];
    assert.deepEqual(fast(bytes, 0, bytes.length), slow(bytes, 0, bytes.length));
    assert.deepEqual(compiled.times.subarray(0, compiled.length), plain.times.subarray(0, plain.length));
    for (let i = 0; i < plain.length; i++) {
      const a: HistogramValue | undefined = compiled.histograms?.[i];
      const b: HistogramValue | undefined = plain.histograms?.[i];
      assert.equal(a === undefined, b === undefined);
      if (a === undefined || b === undefined) {
        assert.deepEqual(columnsText(compiled, i, i + 1), columnsText(plain, i, i + 1));
        continue;
      }
      // The slow way only where it matters: a zero threshold that is NaN equals none.
      if (sameHistogram(a, b) && a.hint === b.hint) continue;
      assert.deepEqual(withParts(a, {}), withParts(b, {}), Buffer.from(bytes).toString('hex'));
    }
    return true;
  }

  test('says what the plain one says', { timeout: damageTimeoutMs }, () => {
    let chunks = 0;
    for (let i = 0; i < 150 * times; i++) {
      for (const { encoding, bytes } of randomChunks()) {
        assert.equal(compare(encoding, bytes), true);
        chunks++;
      }
    }
    assert.ok(chunks > 150);
  });

  test('and of damaged chunks too', { timeout: damageTimeoutMs }, () => {
    let refused = 0;
    for (let i = 0; i < 150 * times; i++) {
      for (const { encoding, bytes } of randomChunks()) {
        for (let n = 0; n < 3; n++) if (!compare(encoding, damaged(bytes, random))) refused++;
      }
    }
    assert.ok(refused > 20);
  });
});
