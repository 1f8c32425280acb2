import { describe, expect, test } from 'vitest';
import { histograms, matrix, vector } from './answer-fixture.ts';
import { decodeQueryData } from './decode.ts';

describe('an answer becomes columns', () => {
  test('of a matrix', () => {
    const result = matrix(
      [
        { a: '1' },
        [
          [1, '1'],
          [1.5, 'NaN'],
          [2, '+Inf'],
        ],
      ],
      [{ a: '2' }, []],
      [{ a: '3' }, [[1435781430.781, '-1e-07']]],
    );
    expect([...result.offsets]).toEqual([0, 3, 3, 4]);
    expect([...result.times]).toEqual([1000, 1500, 2000, 1_435_781_430_781]);
    expect([...result.values]).toEqual([1, NaN, Infinity, -1e-7]);
    expect(result.texts).toEqual([]);
    expect(result.histograms).toBeUndefined();
  });

  test('of a vector, with the texts as they were sent', () => {
    const result = vector([{ __name__: 'up' }, '1e+21'], [{}, '0.10']);
    expect([...result.offsets]).toEqual([0, 1, 2]);
    expect(result.texts).toEqual(['1e+21', '0.10']);
  });

  for (const [kind, value] of [
    ['scalar', '1.5'],
    ['string', '<b>'],
  ]) {
    test(`of a ${kind}`, () => {
      const { result } = decodeQueryData({ resultType: kind, result: [10.5, value] });
      expect(result).toMatchObject({ kind, labels: [{}], texts: [value] });
      expect([...result.times]).toEqual([10_500]);
    });
  }

  test('of native histograms, beside series that have none', () => {
    const point = [10, { count: '3', sum: '1.5', buckets: [[0, '0.5', '1', '3']] }];
    const sent = {
      resultType: 'vector',
      result: [
        { metric: { a: '1' }, histogram: point },
        { metric: {}, value: [10, '2'] },
      ],
    };
    const { result } = decodeQueryData(sent);
    expect(result.histograms?.map((list) => list.length)).toEqual([1, 0]);
    expect(result.histograms?.[0][0]).toEqual({
      timeMs: 10_000,
      count: 3,
      sum: 1.5,
      buckets: Float64Array.of(0.5, 1, 3),
    });
    expect([...result.offsets]).toEqual([0, 0, 1]);
    expect(histograms([1, []]).histograms?.[0][0].buckets).toHaveLength(0);
  });

  test('with the measured plan only when there is one', () => {
    const data = { resultType: 'vector', result: [] };
    expect(decodeQueryData({ ...data, analysis: {} }).analysis).toBeUndefined();
    expect(decodeQueryData({ ...data, analysis: { name: '[x]' } }).analysis).toEqual({ name: '[x]' });
  });
});

for (const [what, data] of [
  ['null', null],
  ['another kind', { resultType: 'streams', result: [] }],
  ['a list that is none', { resultType: 'matrix', result: { a: 1 } }],
  ['a sample that is no pair', { resultType: 'vector', result: [{ metric: {}, value: 3 }] }],
] as const) {
  test(`${what} is refused with words`, () => {
    expect(() => decodeQueryData(data)).toThrow(/answer/);
  });
}
