// The compiled aggregation of raw floats against the plain one.

import assert from 'node:assert/strict';
import { test } from 'vitest';
import { damageTimeoutMs, isSoak, randomFrom } from '../../bytes/damage-fixture.ts';
import { SampleBuffer } from '../../storage/sample-columns.ts';
import { columnsText } from '../../tsdb/golden-fixture.ts';
import { AGGREGATE_SAMPLES } from './kernels/aggregate-kernel.ts';
import { aggregatePlainly, aggregateRaw } from './raw-aggregates.ts';

const random = randomFrom(11);
const PARTS = ['count', 'sum', 'min', 'max', 'counter'] as const;
const odd = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0, 0, 5e-324, 1.7e308, -1.7e308];

function randomSamples(length: number): SampleBuffer {
  const samples = new SampleBuffer(length);
  const oddness = [0, 0, 2, 10, 50, 100][random(6)];
  let time = [0, -1e9, 1.7e12, -(2 ** 52)][random(4)];
  let value = random(1000) / 7;
  for (let i = 0; i < length; i++) {
    samples.push(time, random(100) < oddness ? odd[random(odd.length)] : value);
    time += 1 + [0, 1, random(60_000), 15_000, random(10) === 0 ? random(2 ** 31) : 0][random(5)];
    value = random(20) === 0 ? random(5) : value + random(1000) / 3;
  }
  return samples;
}

test('the compiled windows are the plain ones to the last bit', { timeout: damageTimeoutMs }, () => {
  for (let i = 0; i < (isSoak ? 20_000 : 400); i++) {
    const samples = randomSamples(1 + random(i % 100 === 0 ? AGGREGATE_SAMPLES : 400));
    const from = random(samples.length);
    const to = from + 1 + random(samples.length - from);
    const resolutionMs = [300_000, 3_600_000, 1, 7, 60_000][random(5)];
    const ours = aggregateRaw(samples, from, to, resolutionMs);
    const texts = PARTS.map((part) => columnsText(ours.columns[part]));
    const { numberCount } = ours;
    const theirs = aggregatePlainly(samples, from, to, resolutionMs);
    assert.deepEqual(
      [numberCount, ...texts],
      [theirs.numberCount, ...PARTS.map((part) => columnsText(theirs.columns[part]))],
      `case ${i}`,
    );
  }
});

test('what does not fit the kernel is aggregated plainly', () => {
  const samples = randomSamples(AGGREGATE_SAMPLES + 1);
  const made = aggregateRaw(samples, 0, samples.length, 1);
  const counted = samples.values.subarray(0, samples.length).filter((value) => !Number.isNaN(value)).length;
  assert.equal(made.numberCount, counted);
});
