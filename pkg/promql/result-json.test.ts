import assert from 'node:assert/strict';
import { describe, test } from 'vitest';
import { type HistogramValue, noBuckets } from '../model/histogram-value.ts';
import { Labels } from '../model/labels.ts';
import type { Value } from '../model/value.ts';
import { printResult, printTime } from './result-json.ts';

const text = (value: Value) => [...printResult(value)].join('');

describe('times', () => {
  for (const [timeMs, expected] of [
    [0, '0'],
    [1_718_668_800_000, '1718668800'],
    [1500, '1.500'],
    [1_435_781_430_781, '1435781430.781'],
    [5, '0.005'],
    [-1500, '-1.500'],
    [-5, '-0.005'],
    [-2000, '-2'],
  ] as const) {
    test(`${timeMs} ms is ${expected}`, () => assert.equal(printTime(timeMs), expected));
  }
});

describe('results', () => {
  const labels = Labels.of({ b: 'ü "q" \\ \b\f\u0001 </x> \u2028', a: '1' });

  test('a scalar has a plain time and no exponent', () => {
    assert.equal(text({ kind: 'scalar', timeMs: 1500, value: 1e-7 }), '[1.5,"0.0000001"]');
  });

  test('a string is quoted', () => {
    assert.equal(text({ kind: 'string', timeMs: 1000, value: 'a"b' }), '[1,"a\\"b"]');
  });

  test('a vector has sorted labels, escaped as Go does', () => {
    const value = text({ kind: 'vector', timeMs: 1500, samples: [{ labels, value: 1e-7 }] });
    const b = 'ü \\"q\\" \\\\ \\u0008\\u000c\\u0001 </x> \u2028';
    assert.equal(value, `[{"metric":{"a":"1","b":"${b}"},"value":[1.500,"1e-07"]}]`);
    assert.equal((JSON.parse(value) as { metric: object }[])[0].metric['b' as never], labels.get('b'));
  });

  test('an empty vector and an empty matrix are empty lists', () => {
    assert.equal(text({ kind: 'vector', timeMs: 0, samples: [] }), '[]');
    assert.equal(text({ kind: 'matrix', series: [] }), '[]');
  });

  test('a matrix lists its points, whether series share their times or not', () => {
    const shared = Float64Array.of(1000, 2500);
    const series = [
      { labels: Labels.of({ a: '1' }), times: shared, values: Float64Array.of(1, -0) },
      { labels: Labels.of({ a: '2' }), times: shared, values: Float64Array.of(Number.NaN, Number.POSITIVE_INFINITY) },
      { labels: Labels.empty, times: Float64Array.of(3000), values: Float64Array.of(0.1) },
    ];
    assert.equal(
      text({ kind: 'matrix', series }),
      '[{"metric":{"a":"1"},"values":[[1,"1"],[2.500,"-0"]]},' +
        '{"metric":{"a":"2"},"values":[[1,"NaN"],[2.500,"+Inf"]]},' +
        '{"metric":{},"values":[[3,"0.1"]]}]',
    );
  });

  test('chunks are about 64 KiB', () => {
    const times = Float64Array.from({ length: 50_000 }, (_, i) => i * 1000);
    const chunks = [...printResult({ kind: 'matrix', series: [{ labels, times, values: times }] })];
    assert.ok(chunks.length > 10);
    assert.ok(chunks.every((chunk) => chunk.length < 70_000));
    assert.equal((JSON.parse(chunks.join('')) as { values: unknown[] }[])[0].values.length, 50_000);
  });
});

describe('native histograms', () => {
  const histogram: HistogramValue = {
    hint: 'unknown',
    schema: 0,
    zeroThreshold: 0.001,
    zeroCount: 2,
    count: 9.5,
    sum: Number.NaN,
    positive: { indexes: Int32Array.of(0, 1, 3), counts: Float64Array.of(4, 0, 1e-7) },
    negative: { indexes: Int32Array.of(1, 2), counts: Float64Array.of(1, 2.5) },
    customValues: [],
  };
  const printed =
    '{"count":"9.5","sum":"NaN","buckets":[[1,"-4","-2","2.5"],[1,"-2","-1","1"],[3,"-0.001","0.001","2"],' +
    '[0,"0.5","1","4"],[0,"4","8","1e-07"]]}';
  const empty = { ...histogram, zeroCount: 0, positive: noBuckets, negative: noBuckets };
  const custom = {
    ...empty,
    schema: -53,
    customValues: [0.5, 2],
    positive: { indexes: Int32Array.of(0, 1, 2), counts: Float64Array.of(1, 2, 3) },
  };
  const labels = Labels.of({ a: 'b' });

  test('in a vector: buckets ascend, empty ones are left out', () => {
    const value: Value = { kind: 'vector', timeMs: 1500, samples: [{ labels, value: NaN, histogram }] };
    assert.equal(text(value), `[{"metric":{"a":"b"},"histogram":[1.500,${printed}]}]`);
  });

  test('without any bucket, and with custom bounds', () => {
    const samples = [empty, custom].map((one) => ({ labels, value: NaN, histogram: one }));
    const parsed = JSON.parse(text({ kind: 'vector', timeMs: 0, samples })) as unknown;
    assert.deepEqual(parsed, [
      { metric: { a: 'b' }, histogram: [0, { count: '9.5', sum: 'NaN' }] },
      {
        metric: { a: 'b' },
        histogram: [
          0,
          {
            count: '9.5',
            sum: 'NaN',
            buckets: [
              [3, '-Inf', '0.5', '1'],
              [0, '0.5', '2', '2'],
              [0, '2', '+Inf', '3'],
            ],
          },
        ],
      },
    ]);
  });

  test('in a matrix, alone or beside floats', () => {
    const histograms = { times: Float64Array.of(2000, 3000), values: [histogram, histogram] };
    const none = { times: new Float64Array(0), values: new Float64Array(0) };
    const value: Value = {
      kind: 'matrix',
      series: [
        { labels, times: Float64Array.of(1000), values: Float64Array.of(7), histograms },
        { labels, ...none, histograms },
      ],
    };
    const points = `"histograms":[[2,${printed}],[3,${printed}]]`;
    const expected = `[{"metric":{"a":"b"},"values":[[1,"7"]],${points}},{"metric":{"a":"b"},${points}}]`;
    assert.equal(text(value), expected);
  });
});
