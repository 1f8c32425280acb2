import { describe, expect, test } from 'vitest';
import type { ApiRoute } from './api.ts';
import { RouteTable } from './route-table.ts';

function route(handler: string): ApiRoute {
  return { path: '', methods: ['GET'], handler, handle: async () => ({ data: null }) };
}

function tableOf(paths: readonly string[]): RouteTable {
  const table = new RouteTable();
  for (const path of paths) table.add(path, route(path));
  return table;
}

const api = ['/api/v1/query', '/api/v1/label/:name/values', '/api/v1/status/active_queries/:id/cancel', '/'];

describe('route table', () => {
  test.each([
    ['/api/v1/query', '/api/v1/query', {}],
    ['/api/v1/query?query=up', '/api/v1/query', {}],
    ['/api/v1/query?match=a?b', '/api/v1/query', {}],
    ['/api/v1/label/pod/values?start=1', '/api/v1/label/:name/values', { name: 'pod' }],
    ['/api/v1/status/active_queries/17/cancel', '/api/v1/status/active_queries/:id/cancel', { id: '17' }],
  ])('finds %s', (target, handler, pathParameters) => {
    expect(tableOf(api).find(target)).toMatchObject({ route: { handler }, pathParameters });
  });

  test.each([
    ['an unknown path', '/api/v1/unknown'],
    ['a slash too many', '/api/v1/query/'],
    ['two slashes', '//api/v1/query'],
    ['another case', '/API/v1/query'],
    ['an escape', '/api/v1/label/p%6fd/values'],
    ['an empty part', '/api/v1/label//values'],
    ['a whole URL', 'http://host/api/v1/query'],
    ['a fragment', '/api/v1/query#top'],
    ['a fragment after the query string', '/api/v1/query?a=b#top'],
    ['nothing', ''],
    ['all of the server', '*'],
  ])('leaves %s to Express', (_, target) => {
    expect(tableOf(api).find(target)).toBeUndefined();
  });

  test('of two routes for one path the first wins, as everywhere', () => {
    const first = tableOf(['/a/:x', '/a/b', '/c', '/c']);
    expect(first.find('/a/b')?.route.handler).toBe('/a/:x');
    expect(tableOf(['/a/b', '/a/:x']).find('/a/b')?.route.handler).toBe('/a/b');
  });
});
