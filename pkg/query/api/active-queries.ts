// /api/v1/status/active_queries: what runs now, and the end of it by hand.

import type { ByteBudget } from '../../async/byte-budget.ts';
import { Fault } from '../../errors/fault.ts';
import type { ApiAnswer, ApiRequest } from '../../net/http/api.ts';
import type { ActiveQueries, ActiveQuery } from '../active-queries.ts';

export interface ActiveQueriesDeps {
  readonly active: ActiveQueries;
  readonly budget: ByteBudget;
  readonly maxConcurrent: number;
}

/** The list, oldest first. */
export async function handleActiveQueries({ active, budget, maxConcurrent }: ActiveQueriesDeps): Promise<ApiAnswer> {
  const { totalBytes, shareBytes } = budget.config;
  return {
    data: {
      queries: active.list().map(entryOf),
      maxConcurrent,
      memory: { usedBytes: budget.usedBytes, limitBytes: totalBytes, queryLimitBytes: shareBytes },
    },
  };
}

/** Ends the query named in the path. */
export async function handleCancelQuery(
  { active }: ActiveQueriesDeps,
  { pathParameters }: ApiRequest,
): Promise<ApiAnswer> {
  const { id } = pathParameters;
  if (!active.cancel(id)) throw new Fault('not-found', `no query with the id ${JSON.stringify(id)} is running`);
  return { data: { id, canceled: true } };
}

function entryOf(query: ActiveQuery): Readonly<Record<string, unknown>> {
  return {
    id: query.id,
    query: query.expression,
    kind: query.kind,
    state: query.isWaiting ? 'waiting' : 'running',
    startTime: new Date(query.arrivedMs).toISOString(),
    durationSeconds: seconds(query.durationMs),
    queuedSeconds: seconds(query.queuedMs),
    timeoutSeconds: seconds(query.timeoutMs),
    tenant: query.tenant,
    requestId: query.requestId,
    start: query.startMs / 1000,
    end: query.endMs / 1000,
    ...(query.stepMs === 0 ? {} : { step: query.stepMs / 1000 }),
    series: query.seriesCount,
    samples: query.sampleCount,
    bytes: query.usedBytes,
    peakBytes: query.peakBytes,
  };
}

function seconds(ms: number): number {
  return Math.round(ms) / 1000;
}
