// Runs a query in the worker.

import { apiUrl } from '../api.ts';
import { ApiError } from '../fetch-answer.ts';
import type { DecodedAnswer, WorkerMessage, WorkerRequest } from './query.worker.ts';
import type { QueryRequest } from './request.ts';

interface Waiting {
  readonly resolve: (answer: DecodedAnswer) => void;
  readonly reject: (failure: ApiError) => void;
  readonly onProgress: (receivedBytes: number) => void;
}

const waiting = new Map<number, Waiting>();
let worker: Worker | undefined;
let lastId = 0;

export interface RunOptions {
  /** The id the server shows the query with. */
  readonly requestId: string;
  readonly signal: AbortSignal;
  readonly onProgress: (receivedBytes: number) => void;
}

/** The decoded answer. Throws `ApiError`; on abort at once, and the server sees the connection close. */
export function runQuery({ path, parameters }: QueryRequest, options: RunOptions): Promise<DecodedAnswer> {
  const { signal, onProgress, requestId } = options;
  const id = ++lastId;
  return new Promise<DecodedAnswer>((resolve, reject) => {
    const cancel = (): void => {
      started().postMessage({ cancel: id });
      waiting.delete(id);
      reject(new ApiError('canceled', 'you canceled it'));
    };
    const end = (): void => signal.removeEventListener('abort', cancel);
    signal.addEventListener('abort', cancel, { once: true });
    waiting.set(id, {
      onProgress,
      resolve: (answer) => {
        end();
        resolve(answer);
      },
      reject: (failure) => {
        end();
        reject(failure);
      },
    });
    const request: WorkerRequest = { id, url: apiUrl(path), parameters, requestId };
    started().postMessage(request);
  });
}

function started(): Worker {
  if (worker !== undefined) return worker;
  const fresh = new Worker(new URL('./query.worker.ts', import.meta.url), { type: 'module' });
  fresh.addEventListener('message', ({ data }: MessageEvent<WorkerMessage>) => {
    const one = waiting.get(data.id);
    if (one === undefined) return;
    if ('receivedBytes' in data) {
      one.onProgress(data.receivedBytes);
      return;
    }
    waiting.delete(data.id);
    if ('answer' in data) one.resolve(data.answer);
    else one.reject(new ApiError(data.failure.kind, data.failure.message, data.failure.status));
  });
  fresh.addEventListener('error', (event) => {
    // Out of memory, or the script cannot be loaded: nobody would answer those who wait.
    event.preventDefault();
    for (const { reject } of waiting.values())
      reject(new ApiError('network', 'the part of this page that reads answers failed'));
    waiting.clear();
    fresh.terminate();
    worker = undefined;
  });
  worker = fresh;
  return fresh;
}
