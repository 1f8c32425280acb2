import assert from 'node:assert/strict';
import { test } from 'vitest';
import { printPlain, printSample } from './number-text.ts';

for (const [value, sample, plain] of [
  [0, '0', '0'],
  [-0, '-0', '-0'],
  [1.5, '1.5', '1.5'],
  [0.000001, '0.000001', '0.000001'],
  [1e-7, '1e-07', '0.0000001'],
  [-1.25e-10, '-1.25e-10', '-0.000000000125'],
  [1e-300, '1e-300', `0.${'0'.repeat(299)}1`],
  [123456789012345680000, '123456789012345680000', '123456789012345680000'],
  [1e21, '1e+21', '1000000000000000000000'],
  [-1.5e22, '-1.5e+22', '-15000000000000000000000'],
  [1.7976931348623157e308, '1.7976931348623157e+308', `17976931348623157${'0'.repeat(292)}`],
  [5e-324, '5e-324', `0.${'0'.repeat(323)}5`],
  [Number.POSITIVE_INFINITY, '+Inf', '+Inf'],
  [Number.NEGATIVE_INFINITY, '-Inf', '-Inf'],
  [Number.NaN, 'NaN', 'NaN'],
] as const) {
  test(`${sample} is a sample, ${plain.length > 30 ? `${plain.slice(0, 30)}...` : plain} a scalar`, () => {
    assert.equal(printSample(value), sample);
    assert.equal(printPlain(value), plain);
  });
}
