import { describe, expect, test } from 'vitest';
import { histograms, matrix, vector } from './answer-fixture.ts';
import { axisNumbers, axisTimes } from './axis-text.ts';
import { csvOf } from './csv.ts';
import { remember, remembered } from './history.ts';
import { newPanel } from './panel.ts';
import { longerStep, requestOf, stepOf } from './request.ts';
import { seriesFilter, seriesText, tellingLabels } from './series-text.ts';
import { nextRange, parseTimeInput, timeInputText } from './time-input.ts';

describe('CSV', () => {
  test('has a column for each label and a row for each sample', () => {
    const result = matrix(
      [
        { __name__: 'up', a: '1' },
        [
          [1, '1'],
          [2.5, '+Inf'],
        ],
      ],
      [{ b: 'x' }, [[1, '-0']]],
    );
    expect([...csvOf(result)].join('')).toBe(
      '__name__,a,b,time,value\r\n' +
        'up,1,,1970-01-01T00:00:01.000Z,1\r\n' +
        'up,1,,1970-01-01T00:00:02.500Z,+Inf\r\n' +
        ',,x,1970-01-01T00:00:01.000Z,-0\r\n',
    );
  });

  test('quotes what has to be quoted and runs no formula', () => {
    const lines = [
      ...csvOf(vector([{ a: 'say "hi", you', b: '=1+1' }, '-5'], [{ a: 'two\nlines', b: '@x' }, '1e+21'])),
    ];
    expect(lines).toEqual([
      'a,b,time,value\r\n',
      `"say ""hi"", you",'=1+1,1970-01-01T00:00:10.000Z,-5\r\n`,
      `"two\nlines",'@x,1970-01-01T00:00:10.000Z,1e+21\r\n`,
    ]);
  });

  test('has count and sum of histograms', () => {
    const [header, row] = csvOf(histograms([1, [[0, 1, 2]]]));
    expect(header).toBe('job,time,value,histogram_count,histogram_sum\r\n');
    expect(row).toBe('a,1970-01-01T00:00:01.000Z,,2,1.5\r\n');
  });
});

describe('series', () => {
  for (const [labels, text] of [
    [{ __name__: 'up', b: '1', a: 'x"y' }, 'up{b="1",a="x\\"y"}'],
    [{ __name__: 'up' }, 'up'],
    [{}, '{}'],
    [{ 'a b': '<i>' }, '{"a b"="<i>"}'],
  ] as const) {
    test(`as text: ${text}`, () => {
      expect(seriesText(labels as Record<string, string>)).toBe(text);
    });
  }

  test('are told apart by the labels that differ', () => {
    const { shared, telling } = tellingLabels([
      { __name__: 'm', a: '1', b: 'x' },
      { __name__: 'm', a: '2', b: 'x' },
      { __name__: 'm', b: 'x', c: '' },
    ]);
    expect(shared).toEqual({ __name__: 'm', b: 'x' });
    expect([...telling].sort()).toEqual(['a', 'c']);
    expect(tellingLabels([]).shared).toEqual({});
  });

  const text = 'http_requests_total{code="500",job="Shop",path="/a b"}';
  for (const [filter, keeps] of [
    ['', true],
    ['http code=500', true],
    ['SHOP', true],
    ['code=404', false],
    ['http -shop', false],
    ['-payment', true],
    ['/code="5..".*path/', true],
    ['-/job="shop"/', false],
    ['/a b/', true],
    ['/[/', false],
    ['"500"', true],
    ['-', false],
  ] as const) {
    test(`the filter ${filter} ${keeps ? 'keeps' : 'drops'} a series`, () => {
      expect(seriesFilter(filter)(text)).toBe(keeps);
    });
  }
});

describe('what a panel asks for', () => {
  const panel = { ...newPanel({ partialResponse: true }), expr: 'up', rangeMs: 3_600_000 };

  test('a graph, up to now', () => {
    expect(requestOf(panel, true, 7_200_500)).toEqual({
      path: 'query_range',
      startMs: 3_600_500,
      endMs: 7_200_500,
      stepMs: 14_000,
      parameters: {
        query: 'up',
        dedup: true,
        partial_response: true,
        'storeMatch[]': [],
        'replicaLabels[]': [],
        start: 3600.5,
        end: 7200.5,
        stats: 'all',
        step: 14,
      },
    });
  });

  test('a table, with everything that can be chosen', () => {
    const chosen = {
      ...panel,
      endMs: 5000,
      dedup: false,
      maxResolution: 'auto',
      stores: ['a"b:1'],
      replicaLabels: ['r'],
      lookback: '1m',
    };
    expect(requestOf(chosen, false, 0)).toMatchObject({
      path: 'query',
      parameters: {
        time: 5,
        dedup: false,
        max_source_resolution: 'auto',
        'storeMatch[]': ['{__address__="a\\"b:1"}'],
        'replicaLabels[]': ['r'],
        lookback_delta: '1m',
      },
    });
  });

  for (const [rangeMs, step, stepMs, longer] of [
    [60_000, '', 1000, undefined],
    [86_400_000, '', 345_000, undefined],
    [86_400_000, '1m30s', 90_000, undefined],
    [86_400_000, '1s', 1000, 8000],
  ] as const) {
    test(`${rangeMs} ms with the step "${step}" has a step of ${stepMs} ms`, () => {
      expect(stepOf({ ...panel, rangeMs, step })).toBe(stepMs);
      expect(longerStep({ ...panel, rangeMs, step })).toBe(longer);
    });
  }
});

describe('times as typed', () => {
  const nowMs = Date.UTC(2026, 0, 31, 12, 0, 0, 500);
  for (const [text, expected] of [
    ['', undefined],
    [' NOW ', undefined],
    ['now-1h30m', Date.UTC(2026, 0, 31, 10, 30)],
    ['2026-01-31', Date.UTC(2026, 0, 31)],
    ['2026-1-5 7:05', Date.UTC(2026, 0, 5, 7, 5)],
    ['2026-01-31T17:05:09Z', Date.UTC(2026, 0, 31, 17, 5, 9)],
    ['1767225600', 1_767_225_600_000],
    ['2026-13-01', 'invalid'],
    ['25:00', 'invalid'],
    ['now-later', 'invalid'],
  ] as const) {
    test(`"${text}"`, () => {
      expect(parseTimeInput(text, false, nowMs)).toBe(expected);
    });
  }

  test('in the zone of the browser, and back', () => {
    const text = '2026-07-31 17:05:09';
    const ms = parseTimeInput(text, true, nowMs);
    expect(timeInputText(ms as number, true)).toBe(text);
    expect(timeInputText(undefined, true)).toBe('');
  });

  test('ranges go up and down a ladder that ends', () => {
    expect(nextRange(3_600_000, 1)).toBe(7_200_000);
    expect(nextRange(3_700_000, -1)).toBe(3_600_000);
    expect(nextRange(60_000, -1)).toBe(60_000);
  });
});

describe('beside the axes', () => {
  for (const [splits, texts] of [
    [
      [0, 50, 100],
      ['0', '50', '100'],
    ],
    [
      [0, 2e10, 4e10],
      ['0', '20G', '40G'],
    ],
    [
      [1.0001, 1.0002, 1.0003],
      ['1.0001', '1.0002', '1.0003'],
    ],
    [
      [0, 2500, 5000],
      ['0', '2.5k', '5.0k'],
    ],
    [
      [0, 2e-7, 4e-7],
      ['0', '2e-7', '4e-7'],
    ],
    [
      [-1, 0, 1],
      ['-1', '0', '1'],
    ],
  ] as const) {
    test(`numbers ${splits.join(', ')}`, () => {
      expect(axisNumbers(splits)).toEqual(texts);
    });
  }

  test('a new day is told', () => {
    const day = Date.UTC(2026, 0, 31) / 1000;
    expect(axisTimes([day - 3600, day, day + 3600], 3600, false)).toEqual(['23:00', '00:00\n01-31', '01:00']);
    expect(axisTimes([day], 86_400, false)).toEqual(['01-31']);
    expect(axisTimes([day + 5], 1, false)).toEqual(['00:00:05\n01-31']);
  });
});

describe('history', () => {
  function storage(): Pick<Storage, 'getItem' | 'setItem'> & { kept: string | null } {
    return {
      kept: null,
      getItem() {
        return this.kept;
      },
      setItem(_key: string, value: string) {
        this.kept = value;
      },
    };
  }

  test('has each expression once, the newest first, and an end', () => {
    const kept = storage();
    for (let i = 0; i < 60; i++) remember(`up + ${i}`, kept);
    remember(' up + 55 ', kept);
    remember('  ', kept);
    const list = remembered(kept);
    expect(list.slice(0, 3)).toEqual(['up + 55', 'up + 59', 'up + 58']);
    expect(list).toHaveLength(50);
  });

  test('what is no history of ours is none', () => {
    const kept = storage();
    kept.kept = '{"a":1';
    expect(remembered(kept)).toEqual([]);
    kept.kept = '["a", 3]';
    expect(remembered(kept)).toEqual(['a']);
  });
});
