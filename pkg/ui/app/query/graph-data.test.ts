import { describe, expect, test } from 'vitest';
import { matrix } from './answer-fixture.ts';
import { columnOf, drawnSeries, figuresOf, legendOrder, MOST_LINES, momentsOf, stacked } from './graph-data.ts';

const window = { startMs: 1000, endMs: 5500, stepMs: 1000 };

test('moments go from start to end by the step', () => {
  expect(momentsOf(window)).toEqual([1, 2, 3, 4, 5]);
  expect(momentsOf({ startMs: 5, endMs: 4, stepMs: 1 })).toEqual([]);
});

test('a series has holes where it has no sample and where its sample is no number', () => {
  const result = matrix([
    {},
    [
      [1, '1'],
      [3, 'NaN'],
      [4, '+Inf'],
      [5, '2'],
      [9, '3'],
    ],
  ]);
  expect(columnOf(result, 0, window)).toEqual([1, null, null, null, 2]);
});

test('figures leave out what is no number, apart from the last', () => {
  const result = matrix(
    [
      { a: '1' },
      [
        [1, '4'],
        [2, '+Inf'],
        [3, '2'],
        [4, 'NaN'],
      ],
    ],
    [{ a: '2' }, []],
  );
  expect(figuresOf(result)).toEqual([
    { text: '{a="1"}', last: NaN, max: 4, min: 2, mean: 3 },
    { text: '{a="2"}', last: NaN, max: NaN, min: NaN, mean: NaN },
  ]);
});

describe('the legend', () => {
  const result = matrix(
    [{ n: 'node-10' }, [[1, '5']]],
    [{ n: 'node-2' }, [[1, 'NaN']]],
    [{ n: 'node-1' }, [[1, '7']]],
    [{ le: '0.01' }, [[1, '6']]],
    [{ le: '0.005' }, [[1, '6']]],
  );
  const figures = figuresOf(result);
  for (const [sort, filter, order] of [
    ['name', '', [4, 3, 2, 1, 0]],
    ['max', '', [2, 3, 4, 0, 1]],
    ['last', 'node', [2, 0, 1]],
    ['name', 'nothing', []],
  ] as const) {
    test(`by ${sort}, with the filter "${filter}"`, () => {
      expect(legendOrder(figures, filter, sort)).toEqual(order);
    });
  }

  test('draws what is picked, and only as far as it is listed', () => {
    expect(drawnSeries([2, 1, 0], figures, [])).toEqual([2, 1, 0]);
    expect(drawnSeries([2, 1, 0], figures, ['{n="node-10"}', '{n="gone"}'])).toEqual([0]);
    expect(drawnSeries([2], figures, ['{n="node-10"}'])).toEqual([]);
  });

  test('of ten thousand series draws the first ones', () => {
    const many = matrix(...Array.from({ length: 10_000 }, (_, i) => [{ i: String(i) }, [[1, String(i)]]] as const));
    const all = figuresOf(many);
    const order = legendOrder(all, '', 'max');
    expect(order).toHaveLength(10_000);
    const drawn = drawnSeries(order, all, []);
    expect(drawn).toHaveLength(MOST_LINES);
    expect(drawn[0]).toBe(9999);
  });
});

test('areas stand on those before them, over holes as well', () => {
  expect(
    stacked([
      [1, null, 1, null],
      [2, 2, null, null],
    ]),
  ).toEqual([
    [1, null, 1, null],
    [3, 2, 1, null],
  ]);
});
