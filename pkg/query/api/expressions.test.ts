import assert from 'node:assert/strict';
import { describe, test } from 'vitest';
import { backgroundRequest } from '../../async/request.ts';
import type { ApiRequest } from '../../net/http/api.ts';
import { Parameters } from '../../net/http/params.ts';
import { plainLanguage, type QueryLanguage, querierDefaults } from '../querier-config.ts';
import { handleFormatQuery, handleParseQuery } from './expressions.ts';

function requestFor(query: string): ApiRequest {
  const parameters = new Parameters(new URLSearchParams({ query }));
  return {
    method: 'GET',
    path: '/api/v1/format_query',
    parameters,
    urlParameters: parameters,
    pathParameters: {},
    header: () => undefined,
    body: new Uint8Array(0),
    context: backgroundRequest(),
  };
}

function configWith(language: Partial<QueryLanguage> = {}) {
  return { ...querierDefaults, language: { ...plainLanguage, ...language } };
}

describe('/format_query', () => {
  test('lays an expression out', async () => {
    const long = `sum by (job) (rate(http_requests_total{code=~"5..",handler!="/-/healthy"}[5m])) / on (job) group_left () up`;
    assert.deepEqual(await handleFormatQuery(configWith(), requestFor(long)), {
      data: [
        '  sum by (job) (rate(http_requests_total{code=~"5..",handler!="/-/healthy"}[5m]))',
        '/ on (job) group_left ()',
        '  up',
      ].join('\n'),
      warnings: [],
    });
  });

  test('refuses what is none, where it is wrong', () =>
    assert.rejects(handleFormatQuery(configWith(), requestFor('up +')), {
      kind: 'invalid',
      message: '1:5: parse error: unexpected end of input',
    }));

  for (const [expression, language] of [
    ['info(up)', { experimentalFunctions: true }],
    ['rate(up[5m] smoothed)', { extendedRangeSelectors: true }],
    ['up + fill (1) up', { fillModifiers: true }],
  ] as const)
    test(`knows ${expression} only with its switch`, async () => {
      await assert.rejects(handleFormatQuery(configWith(), requestFor(expression)), /not enabled/);
      assert.deepEqual(await handleFormatQuery(configWith(language), requestFor(expression)), {
        data: expression,
        warnings: [],
      });
    });
});

test('/parse_query gives the tree', async () => {
  const answer = await handleParseQuery(configWith(), requestFor('-up offset 5m'));
  assert.deepEqual(answer, {
    data: {
      type: 'unaryExpr',
      op: '-',
      expr: {
        type: 'vectorSelector',
        name: 'up',
        matchers: [{ name: '__name__', value: 'up', type: '=' }],
        offset: 300_000,
        offsetExpr: null,
        timestamp: null,
        startOrEnd: null,
        anchored: false,
        smoothed: false,
      },
    },
    warnings: [],
  });
});
