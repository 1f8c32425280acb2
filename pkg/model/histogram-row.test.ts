import assert from 'node:assert/strict';
import { describe, expect, test } from 'vitest';
import { randomFrom } from '../bytes/damage-fixture.ts';
import { compactHistogram, scaleHistogram, subtractHistograms } from './histogram-math.ts';
import { BucketTable, HistogramRow, type RowLayout, rowNumbers, ScaledDifferences } from './histogram-row.ts';
import { HistogramSum } from './histogram-sum.ts';
import { type HistogramValue, sameHistogram, withHint, withParts } from './histogram-value.ts';

const below = randomFrom(7);

const layouts: readonly RowLayout[] = [
  {
    schema: 2,
    zeroThreshold: 0.001,
    customValues: [],
    positive: Int32Array.of(-1, 0, 3, 4),
    negative: Int32Array.of(2),
  },
  { schema: 2, zeroThreshold: 0.001, customValues: [], positive: Int32Array.of(0, 3, 9), negative: Int32Array.of() },
  { schema: 1, zeroThreshold: 0.001, customValues: [], positive: Int32Array.of(0, 1, 2), negative: Int32Array.of() },
  { schema: 2, zeroThreshold: 0.5, customValues: [], positive: Int32Array.of(-1, 0, 3, 4), negative: Int32Array.of(2) },
  {
    schema: -53,
    zeroThreshold: 0,
    customValues: [1, 2, 5],
    positive: Int32Array.of(0, 1, 3),
    negative: Int32Array.of(),
  },
];

/** Rows with numbers of all sizes, some empty buckets among them. */
function rowsOf(layout: RowLayout, count: number): HistogramRow[] {
  const numbers = rowNumbers(count, new Float64Array(count * (layout.positive.length + layout.negative.length)));
  for (const column of Object.values(numbers) as Float64Array[]) {
    for (let i = 0; i < column.length; i++)
      column[i] = below(3) === 0 ? 0 : (below(2 ** 31) / 2 ** 31) * 10 ** below(12);
  }
  const table = new BucketTable(layout, numbers);
  return Array.from({ length: count }, (_, i) => new HistogramRow(table, i, 'not-reset'));
}

function plain(histogram: HistogramValue): HistogramValue {
  return withParts(histogram, {});
}

function assertSame(actual: HistogramValue | undefined, expected: HistogramValue | undefined): void {
  if (actual !== undefined && expected !== undefined && sameHistogram(actual, expected)) return;
  assert.deepEqual(actual && plain(actual), expected);
}

describe('rows of a table', () => {
  test('have the buckets of their row', () => {
    const layout = layouts[0];
    const numbers = rowNumbers(2, Float64Array.of(1, 0, 3, 4, 5, 6, 7, 8, 9, 0));
    numbers.totals.set([13, 30]);
    const [, second] = [0, 1].map((row) => new HistogramRow(new BucketTable(layout, numbers), row, 'reset'));
    expect(plain(second)).toEqual({
      hint: 'reset',
      schema: 2,
      zeroThreshold: 0.001,
      zeroCount: 0,
      count: 30,
      sum: 0,
      positive: { indexes: layout.positive, counts: Float64Array.of(6, 7, 8, 9) },
      negative: { indexes: layout.negative, counts: Float64Array.of(0) },
      customValues: [],
    });
    const { count, sum, zeroCount, zeroThreshold, positive, hint } = HistogramRow.ofNumbers(second, 'gauge');
    expect([count, sum, zeroCount, zeroThreshold, positive.counts.length, hint]).toEqual([30, 0, 0, 0, 0, 'gauge']);
  });

  test.each(layouts)('of schema $schema and zero threshold $zeroThreshold differ as plain histograms do', (layout) => {
    const rows = rowsOf(layout, 200);
    const differences = new ScaledDifferences();
    const made: (readonly [HistogramValue, HistogramValue])[] = [];
    for (let i = 1; i < rows.length; i++) {
      const [before, after, factor] = [rows[below(rows.length)], rows[i], 1 / (1 + below(300))];
      const change = subtractHistograms(plain(after), plain(before))!;
      const expected = scaleHistogram(compactHistogram(withHint(change.value, 'gauge')), factor);
      const actual = differences.of(after, before, factor)!;
      expect(actual.hint).toBe('gauge');
      made.push([actual, expected]);
    }
    // Not before all are made: none may change what another one shows.
    for (const [actual, expected] of made) assertSame(actual, expected);
  });

  test('of other layouts have no such difference, nor have those that scaling empties', () => {
    const [first, ...others] = layouts.map((layout) => rowsOf(layout, 1)[0]);
    for (const other of others) expect(new ScaledDifferences().of(other, first, 1)).toBeUndefined();
    const numbers = rowNumbers(2, Float64Array.of(5e-324, 0, 0, 0, 0, 0));
    const [tiny, none] = [0, 1].map((row) => new HistogramRow(new BucketTable(layouts[2], numbers), row, 'unknown'));
    expect(new ScaledDifferences().of(tiny, none, 0.25)).toBeUndefined();
    expect(new ScaledDifferences().of(tiny, none, 1)?.positive.counts).toEqual(Float64Array.of(5e-324));
  });

  test('add up to what plain histograms add up to, differences of them too', () => {
    for (let turn = 0; turn < 100; turn++) {
      const differences = new ScaledDifferences();
      const rows = Array.from({ length: 2 + below(6) }, () => {
        const [after, before] = rowsOf(layouts[below(layouts.length)], 2);
        return below(2) === 0 ? after : differences.of(after, before, 1 / (1 + below(60)))!;
      });
      const [ofRows, ofPlain] = [new HistogramSum(rows[0]), new HistogramSum(plain(rows[0]))];
      for (const row of rows.slice(1)) expect(ofRows.add(row)).toEqual(ofPlain.add(plain(row)));
      assertSame(ofRows.value(), ofPlain.value());
      assertSame(ofRows.clone().value(3), ofPlain.value(3));
    }
  });
});
