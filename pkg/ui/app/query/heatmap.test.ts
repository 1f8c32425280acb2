import { describe, expect, test } from 'vitest';
import { histograms, matrix, vector } from './answer-fixture.ts';
import { canBeHeatmap, hasOnlyHistograms, heatmapOf } from './heatmap.ts';

const window = { startMs: 1000, endMs: 2000, stepMs: 1000 };

/** Rows from the lowest, NaN as null. */
function rowsOf({ cells, columnCount, bounds }: ReturnType<typeof heatmapOf>): (number | null)[][] {
  return bounds
    .slice(1)
    .map((_, row) =>
      Array.from(cells.subarray(row * columnCount, (row + 1) * columnCount), (cell) =>
        Number.isNaN(cell) ? null : cell,
      ),
    );
}

describe('classic histograms', () => {
  test('each bucket holds what the one below it does not', () => {
    const result = matrix(
      [
        { le: '1' },
        [
          [1, '2'],
          [2, '3'],
        ],
      ],
      [
        { le: '+Inf' },
        [
          [1, '9'],
          [2, '9'],
        ],
      ],
      [
        { le: '5' },
        [
          [1, '7'],
          [2, '3'],
        ],
      ],
    );
    const heatmap = heatmapOf(result, window);
    expect(heatmap.bounds).toEqual([0, 1, 5, Infinity]);
    expect(rowsOf(heatmap)).toEqual([
      [2, 3],
      [5, 0],
      [2, 6],
    ]);
    expect(heatmap).toMatchObject({ max: 6, histogramCount: 1 });
  });

  test('several are added up', () => {
    const result = matrix(
      [{ job: 'a', le: '1' }, [[1, '2']]],
      [{ job: 'b', le: '1' }, [[1, '3']]],
      [{ job: 'b', le: '2' }, [[1, '4']]],
    );
    const heatmap = heatmapOf(result, window);
    expect(rowsOf(heatmap)).toEqual([
      [5, null],
      [1, null],
    ]);
    expect(heatmap.histogramCount).toBe(2);
  });

  test('counts that fall are no negative cells', () => {
    const heatmap = heatmapOf(matrix([{ le: '1' }, [[1, '5']]], [{ le: '2' }, [[1, '4']]]), window);
    expect(rowsOf(heatmap)).toEqual([
      [5, null],
      [0, null],
    ]);
  });

  test('a bound below zero reaches down without end', () => {
    expect(heatmapOf(matrix([{ le: '-1' }, [[1, '1']]], [{ le: '+Inf' }, [[1, '1']]]), window).bounds).toEqual([
      -Infinity,
      -1,
      Infinity,
    ]);
  });
});

describe('native histograms', () => {
  test('bring their buckets along, and where there is none there is no cell', () => {
    const heatmap = heatmapOf(
      histograms([
        1,
        [
          [0.5, 1, 3],
          [1, 2, 4],
        ],
      ]),
      window,
    );
    expect(heatmap.bounds).toEqual([0.5, 1, 2]);
    expect(rowsOf(heatmap)).toEqual([
      [3, null],
      [4, null],
    ]);
  });

  test('a wide bucket is spread over the narrow ones of another moment', () => {
    const heatmap = heatmapOf(
      histograms(
        [
          1,
          [
            [1, 2, 1],
            [2, 4, 3],
          ],
        ],
        [2, [[1, 4, 8]]],
      ),
      window,
    );
    expect(rowsOf(heatmap)).toEqual([
      [1, 4],
      [3, 4],
    ]);
  });

  test('without any bucket there is nothing to draw', () => {
    expect(heatmapOf(histograms([1, []]), window)).toMatchObject({ bounds: [], max: 0 });
  });
});

for (const [what, result, can] of [
  ['buckets', matrix([{ le: '1' }, [[1, '1']]]), true],
  ['native histograms', histograms([1, []]), true],
  ['buckets and something else', matrix([{ le: '1' }, []], [{ job: 'a' }, []]), false],
  ['nothing', matrix(), false],
  ['a vector', vector([{ le: '1' }, '1']), false],
] as const) {
  test(`${what} ${can ? 'can' : 'cannot'} be a heatmap`, () => {
    expect(canBeHeatmap(result)).toBe(can);
  });
}

test('only histograms have no lines', () => {
  expect(hasOnlyHistograms(histograms([1, []]))).toBe(true);
  expect(hasOnlyHistograms(matrix([{ le: '1' }, [[1, '1']]]))).toBe(false);
});
