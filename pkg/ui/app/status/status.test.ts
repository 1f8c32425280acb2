import { assert, describe, test } from 'vitest';
import { type Column, sortedRows } from '../parts/data-table.tsx';
import { activeQueriesOf, cardinalityOf, flagsOf } from './status.ts';

describe('status answers', () => {
  test('of any shape do not break the page', () => {
    for (const odd of [null, 7, [], 'x', { queries: [null], headStats: [], seriesCountByMetricName: [5] }]) {
      assert.ok(activeQueriesOf(odd).queries.every(({ query, durationMs }) => query === '' && durationMs === 0));
      assert.strictEqual(cardinalityOf(odd).seriesCount, 0);
      assert.ok(Array.isArray(flagsOf(odd)));
    }
  });

  test('flags come by name', () => {
    assert.deepEqual(flagsOf({ b: '1', a: '' }), [
      { name: 'a', value: '' },
      { name: 'b', value: '1' },
    ]);
  });

  test('an active query has its times in milliseconds', () => {
    const { queries, limitBytes } = activeQueriesOf({
      queries: [
        { id: 'i', query: 'up', kind: 'range', state: 'waiting', durationSeconds: 1.5, timeoutSeconds: 120, step: 15 },
      ],
      memory: { limitBytes: 5 },
    });
    const [{ isWaiting, durationMs, timeoutMs, step, end }] = queries;
    assert.deepEqual(
      [isWaiting, durationMs, timeoutMs, step, end, limitBytes],
      [true, 1500, 120_000, 15, undefined, 5],
    );
  });
});

describe('a table', () => {
  const column: Column<{ n: number; t: string }> = {
    key: 'n',
    title: '',
    width: '',
    cell: () => '',
    sortBy: ({ n }) => n,
  };
  const rows = [
    { n: 2, t: 'a' },
    { n: 1, t: 'b' },
    { n: 2, t: 'c' },
  ];
  for (const [sort, wanted] of [
    ['', 'abc'],
    ['n', 'bac'],
    ['-n', 'acb'],
    ['absent', 'abc'],
  ]) {
    test(`sorted by ${JSON.stringify(sort)} leaves ties as they are`, () => {
      assert.strictEqual(
        sortedRows(rows, [column], sort)
          .map(({ t }) => t)
          .join(''),
        wanted,
      );
    });
  }
});
