import assert from 'node:assert/strict';
import { describe, test } from 'vitest';
import { must } from '../../errors/assert.ts';
import { arithmetic, comparison } from './binary-ops.ts';
import { classicQuantile } from './histogram-quantile.ts';
import { kernelOf } from './table.ts';

const { NaN: nan, POSITIVE_INFINITY: inf } = Number;

function compute(name: string, value: number, ...scalars: number[]): number | undefined {
  const kernel = must(kernelOf(name), name);
  assert.ok(kernel.kind === 'pointwise');
  const column = { values: Float64Array.of(value, 1), present: Uint8Array.of(1, 0), histograms: undefined };
  const columns = scalars.map((scalar) => Float64Array.of(scalar, scalar));
  kernel.run(column, column, columns, { warn() {}, info() {} });
  assert.equal(column.present[1], 0, 'an absent step stays absent');
  return column.present[0] === 1 ? column.values[0] : undefined;
}

describe('functions of one value', () => {
  for (const [name, value, scalars, expected] of [
    ['abs', -3, [], 3],
    ['sgn', -0, [], -0],
    ['sgn', nan, [], nan],
    ['round', 2.5, [], 3],
    ['round', -0.5, [], 0],
    ['round', 123.456, [0.1], 123.5],
    ['clamp', 5, [1, 3], 3],
    ['clamp', 5, [3, 1], undefined],
    ['clamp', nan, [1, 3], nan],
    ['clamp_min', nan, [inf], inf],
    ['clamp_max', nan, [-inf], -inf],
    ['log2', 8, [], 3],
    ['log2', 2 ** -1070, [], -1070],
    ['log2', -1, [], nan],
    ['log10', 0, [], -inf],
    ['year', 1718672400, [], 2024],
    ['month', 1718672400, [], 6],
    ['day_of_month', 1718672400, [], 18],
    ['day_of_week', 1718672400, [], 2],
    ['day_of_year', 1718672400, [], 170],
    ['days_in_month', 1709251199, [], 29],
    ['hour', 1718672400.9, [], 1],
    ['minute', -1, [], 59],
    ['year', -62135596801, [], 0],
    ['year', nan, [], 292277026596],
    ['day_of_month', inf, [], 4],
  ] as const)
    test(`${name}(${value}${scalars.map((scalar) => `, ${scalar}`).join('')}) is ${expected}`, () =>
      assert.ok(Object.is(compute(name, value, ...scalars), expected)));

  test('dates agree with the calendar of the platform', () => {
    for (let day = -800_000; day < 800_000; day += 997) {
      const date = new Date(day * 86_400_000);
      const seconds = day * 86_400;
      assert.equal(compute('year', seconds), date.getUTCFullYear());
      assert.equal(compute('month', seconds), date.getUTCMonth() + 1);
      assert.equal(compute('day_of_month', seconds), date.getUTCDate());
      assert.equal(compute('day_of_week', seconds), date.getUTCDay());
    }
  });
});

describe('operators', () => {
  for (const [op, a, b, expected] of [
    ['^', 1, nan, 1],
    ['^', -1, inf, 1],
    ['^', 2, 10, 1024],
    ['%', -7, 3, -1],
    ['%', 7, 0, nan],
    ['/', 1, 0, inf],
    ['atan2', 0, -1, Math.PI],
  ] as const)
    test(`${a} ${op} ${b} is ${expected}`, () => assert.ok(Object.is(arithmetic(op)(a, b), expected)));

  test('no comparison with NaN holds but !=', () => {
    for (const op of ['==', '>', '<', '>=', '<='] as const) assert.equal(comparison(op)(nan, nan), false);
    assert.equal(comparison('!=')(nan, nan), true);
  });
});

describe('quantiles of classic histograms', () => {
  for (const [what, q, bounds, counts, value, raised] of [
    ['interpolates inside a bucket', 0.5, [0.1, 0.2, inf], [5, 7, 11], 0.125, undefined],
    ['starts at zero', 0.25, [1, 2, inf], [4, 4, 4], 0.25, undefined],
    ['answers the highest bound beyond it', 0.99, [1, 2, inf], [1, 2, 10], 2, undefined],
    ['needs a last bucket without bound', 0.5, [1, 2], [1, 2], nan, undefined],
    ['needs observations', 0.5, [1, inf], [0, 0], nan, undefined],
    ['answers a first bound below zero as it is', 0.1, [-1, 1, inf], [4, 4, 4], -1, undefined],
    ['adds up equal bounds', 0.5, [inf, 1, 1], [4, 1, 1], 1, undefined],
    ['raises counts that go down', 0.5, [1, 2, inf], [4, 3, 8], 1, { firstBound: 2, lastBound: 2, most: 1 }],
    ['ignores rounding', 0.5, [1, 2, inf], [4, 4 - 1e-13, 8], 1, undefined],
    ['answers -Inf below zero', -1, [1, inf], [1, 1], -inf, undefined],
    ['answers +Inf above one', 2, [1, inf], [1, 1], inf, undefined],
  ] as const)
    test(what, () => {
      const buckets = { bounds: Float64Array.from(bounds), counts: Float64Array.from(counts), length: bounds.length };
      assert.deepEqual(classicQuantile(q, buckets), { value, raised });
    });
});

describe('hyperbolic functions overflow where exponentials do', () => {
  for (const [name, value, expected] of [
    ['cosh', 710, inf],
    ['cosh', -710, inf],
    ['sinh', 710, inf],
    ['sinh', -710, -inf],
    ['cosh', 30, Math.exp(30) / 2],
    ['sinh', 1, Math.sinh(1)],
    ['cosh', nan, nan],
    ['sinh', 0, 0],
  ] as const) {
    test(`${name}(${value})`, () => assert.deepEqual(compute(name, value), expected));
  }
});
