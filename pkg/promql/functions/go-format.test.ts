import assert from 'node:assert/strict';
import { test } from 'vitest';
import { printTwoDigits } from './go-format.ts';

test('two digits, the middle going to the even one', () => {
  const cases: readonly (readonly [value: number, text: string])[] = [
    [325, '3.2e+02'],
    [-325, '-3.2e+02'],
    [335, '3.4e+02'],
    [325.0000000001, '3.3e+02'],
    [995, '1e+03'],
    [0.125, '0.12'],
    [0.375, '0.38'],
    [1.25, '1.2'],
    [-2.5, '-2.5'],
    [99, '99'],
    [100, '1e+02'],
    [0.00001, '1e-05'],
    [0, '0'],
    [Number.NaN, 'NaN'],
    [Number.NEGATIVE_INFINITY, '-Inf'],
  ];
  for (const [value, text] of cases) assert.equal(printTwoDigits(value), text);
});
