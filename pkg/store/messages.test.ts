import assert from 'node:assert/strict';
import { test } from 'vitest';
import { Matcher } from '../model/matcher.ts';
import { seriesMethod } from '../proto/store-service.ts';
import { seriesRequestMessage, seriesRequestOf } from './messages.ts';
import type { SeriesRequest } from './store.ts';

const asked: SeriesRequest = {
  minTime: -5,
  maxTime: 7,
  matchers: [new Matcher('=', 'a', 'b')],
  maxResolutionMs: 300_000,
  aggregates: [1, 2],
  skipChunks: false,
  partialResponse: 'warn',
  withoutReplicaLabels: ['replica'],
  limit: 0,
  responseBatchSize: 64,
};

for (const [what, more] of [
  ['nothing else', {}],
  ['coarser data where there is no other', { fillsWithCoarser: true }],
  ['hints', { queryHints: { stepMs: 15_000, func: 'sum', rangeMs: 0, grouping: ['job'], by: true } }],
] as const) {
  test(`a Series request that asks for ${what} is the same after its way`, () => {
    const bytes = seriesMethod.request.encode(seriesRequestMessage({ ...asked, ...more }));
    const read = seriesRequestOf(seriesMethod.request.decode(bytes));
    assert.deepEqual({ ...read, matchers: read.matchers.map(String) }, { ...asked, ...more, matchers: ['a="b"'] });
  });
}
