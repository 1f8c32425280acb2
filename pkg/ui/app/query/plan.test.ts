import { describe, expect, test } from 'vitest';
import { parseGoDuration, planRows, storeTotals } from './plan.ts';

const measured = {
  name: '[aggregate] sum by ([job])',
  executionTime: '10ms',
  totalSamples: 100,
  children: [
    {
      name: '[matrixSelector] rate(a[5m])',
      executionTime: '6.5ms',
      selfTimeMs: 6,
      totalTimeMs: 6.5,
      peakSamples: 7,
      peakBytes: 4096,
      series: 3,
      fanout: [
        { endpointAddr: 'a:1', duration: '5ms', bytesProcessed: 10, numResponses: 1, series: 2, chunks: 3, samples: 4 },
        { endpointAddr: 'b:1', duration: '1.5s', error: 'gone' },
      ],
    },
    {
      name: 'number 3',
      executionTime: '500µs',
      fanout: [{ endpointAddr: 'a:1', duration: '7ms', bytesProcessed: 1, series: 1, error: 'slow' }],
    },
  ],
};

test('a tree becomes rows, parents first, with what each did', () => {
  const rows = planRows(measured);
  expect(rows.map(({ id, depth, operator, details }) => [id, depth, operator, details])).toEqual([
    ['0', 0, 'aggregate', 'sum by ([job])'],
    ['0.0', 1, 'matrixSelector', 'rate(a[5m])'],
    ['0.1', 1, 'number 3', ''],
  ]);
  expect(rows[0]).toMatchObject({ totalMs: 10, selfMs: 3, samples: 100, peakBytes: undefined, hasChildren: true });
  expect(rows[1]).toMatchObject({ totalMs: 6.5, selfMs: 6, peakSamples: 7, peakBytes: 4096, series: 3 });
});

test('stores are added up, the slowest first', () => {
  expect(storeTotals(planRows(measured))).toEqual([
    {
      address: 'b:1',
      tookMs: 1500,
      bytes: 0,
      responses: 0,
      series: 0,
      chunks: 0,
      samples: 0,
      error: 'gone',
      fetches: 1,
    },
    { address: 'a:1', tookMs: 7, bytes: 11, responses: 1, series: 3, chunks: 3, samples: 4, error: 'slow', fetches: 2 },
  ]);
});

describe('what is no tree', () => {
  for (const tree of [undefined, null, 3, 'x']) test(String(tree), () => expect(planRows(tree)).toEqual([]));
  test('children that are none, and a name that is missing', () => {
    expect(planRows({ children: 'x', fanout: null })).toMatchObject([{ operator: '', hasChildren: false, stores: [] }]);
  });
});

for (const [text, ms] of [
  ['1m2.5s', 62_500],
  ['7.845939ms', 7.845939],
  ['12µs', 0.012],
  ['1h0m0s', 3_600_000],
  ['0s', 0],
  ['0', 0],
  ['5 ms', undefined],
  ['', undefined],
] as const) {
  test(`the duration "${text}"`, () => {
    if (ms === undefined) expect(parseGoDuration(text)).toBeUndefined();
    else expect(parseGoDuration(text)).toBeCloseTo(ms, 9);
  });
}
