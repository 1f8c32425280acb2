// A query's way from being asked to its answer, for a view: what runs, how far it is, and the last answer until the next.

import { useCallback, useEffect, useRef, useState } from 'react';
import { callApi } from '../api.ts';
import { hasApi } from '../facts.ts';
import { ApiError } from '../fetch-answer.ts';
import type { DecodedAnswer } from './query.worker.ts';
import type { QueryRequest } from './request.ts';
import { runQuery } from './run-query.ts';

/** What a running query has done so far, as the server tells. */
export interface Progress {
  readonly receivedBytes: number;
  readonly state: string;
  readonly series: number;
  readonly samples: number;
}

export interface RunState {
  readonly isRunning: boolean;
  readonly startedMs: number;
  readonly progress: Progress;
  /** The last good answer with its request; it stays while the next one is awaited. */
  readonly done:
    | { readonly request: QueryRequest; readonly answer: DecodedAnswer; readonly tookMs: number }
    | undefined;
  readonly failure: ApiError | undefined;
}

const noProgress: Progress = { receivedBytes: 0, state: '', series: 0, samples: 0 };
const idle: RunState = { isRunning: false, startedMs: 0, progress: noProgress, done: undefined, failure: undefined };
const POLL_MS = 1000;

/**
 * Runs `make()` whenever `key` changes; an empty key runs nothing and forgets the last answer. `cancel` ends what runs:
 * the server sees the connection close and stops as well.
 */
export function useRun(key: string, make: () => QueryRequest): readonly [RunState, () => void] {
  const [state, setState] = useState<RunState>(idle);
  const controller = useRef<AbortController>(undefined);
  const latestMake = useRef(make);
  latestMake.current = make;
  useEffect(() => {
    if (key === '') {
      setState(idle);
      return;
    }
    const current = new AbortController();
    controller.current = current;
    const request = latestMake.current();
    const startedMs = performance.now();
    const requestId = newRequestId();
    const update = (change: (before: RunState) => RunState): void => {
      if (controller.current === current) setState(change);
    };
    update((before) => ({ ...before, isRunning: true, startedMs, progress: noProgress, failure: undefined }));
    const stopPolling = poll(requestId, current.signal, (told) =>
      update((before) => ({ ...before, progress: { ...before.progress, ...told } })),
    );
    runQuery(request, {
      requestId,
      signal: current.signal,
      onProgress: (receivedBytes) =>
        update((before) => ({ ...before, progress: { ...before.progress, receivedBytes } })),
    })
      .then((answer) => {
        const tookMs = performance.now() - startedMs;
        update((before) => ({ ...before, isRunning: false, done: { request, answer, tookMs }, failure: undefined }));
      })
      .catch((thrown: unknown) => {
        const failure = thrown instanceof ApiError ? thrown : new ApiError('unknown', String(thrown));
        update((before) => ({
          ...before,
          isRunning: false,
          failure,
          done: failure.kind === 'canceled' ? before.done : undefined,
        }));
      })
      .finally(stopPolling);
    return () => {
      controller.current = undefined;
      current.abort();
      stopPolling();
    };
  }, [key]);
  const cancel = useCallback(() => controller.current?.abort(), []);
  return [state, cancel];
}

/** Asks the server every second what became of a query, where it tells. */
function poll(requestId: string, signal: AbortSignal, tell: (progress: Partial<Progress>) => void): () => void {
  if (!hasApi('/api/v1/status/active_queries')) return () => {};
  const timer = setInterval(() => {
    callApi<{ queries?: readonly Record<string, unknown>[] }>('status/active_queries', { signal })
      .then(({ data }) => {
        const own = data.queries?.find((query) => query['requestId'] === requestId);
        if (own === undefined) return;
        tell({
          state: String(own['state'] ?? ''),
          series: Number(own['series'] ?? 0),
          samples: Number(own['samples'] ?? 0),
        });
      })
      // The query itself will tell when the server cannot be reached.
      .catch(() => {});
  }, POLL_MS);
  return () => clearInterval(timer);
}

function newRequestId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(12));
  return `page-${Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')}`;
}
