// Fetches and decodes answers away from the page: parsing tens of megabytes of JSON would make it stand still.

import { ApiError, type ApiParameters, fetchBytes, openEnvelope } from '../fetch-answer.ts';
import { decodeQueryData, type QueryData } from './decode.ts';

export interface WorkerRequest {
  readonly id: number;
  readonly url: string;
  readonly parameters: ApiParameters;
  readonly requestId: string;
}

export interface DecodedAnswer extends QueryData {
  readonly warnings: readonly string[];
  readonly infos: readonly string[];
  /** The answer as it came: what a download of JSON gives. */
  readonly raw: Blob;
}

export type WorkerMessage =
  | { readonly id: number; readonly receivedBytes: number }
  | { readonly id: number; readonly answer: DecodedAnswer }
  | { readonly id: number; readonly failure: { kind: string; message: string; status: number } };

const running = new Map<number, AbortController>();

self.addEventListener('message', ({ data }: MessageEvent<WorkerRequest | { readonly cancel: number }>) => {
  if ('cancel' in data) running.get(data.cancel)?.abort();
  else void answer(data);
});

async function answer({ id, url, parameters, requestId }: WorkerRequest): Promise<void> {
  const controller = new AbortController();
  running.set(id, controller);
  let toldMs = 0;
  try {
    const { status, bytes } = await fetchBytes(url, {
      method: 'POST',
      parameters,
      headers: { 'X-Request-ID': requestId },
      signal: controller.signal,
      onProgress: (receivedBytes) => {
        if (performance.now() - toldMs < 100) return;
        toldMs = performance.now();
        post({ id, receivedBytes });
      },
    });
    const { data, warnings, infos } = openEnvelope<unknown>(status, bytes);
    const decoded = decodeQueryData(data);
    const raw = new Blob([bytes], { type: 'application/json' });
    const { offsets, times, values } = decoded.result;
    post({ id, answer: { ...decoded, warnings, infos, raw } }, [offsets.buffer, times.buffer, values.buffer]);
  } catch (thrown) {
    const failure =
      thrown instanceof ApiError
        ? { kind: thrown.kind, message: thrown.message, status: thrown.status }
        : { kind: 'not-json', message: thrown instanceof Error ? thrown.message : String(thrown), status: 0 };
    post({ id, failure });
  } finally {
    running.delete(id);
  }
}

function post(message: WorkerMessage, transfer: Transferable[] = []): void {
  self.postMessage(message, { transfer });
}
