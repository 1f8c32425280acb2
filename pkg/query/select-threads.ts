// Threads that read the series of large selects: decode chunks, merge replicas, and compute columns, while the thread of the
// query takes in what the stores send and folds columns into groups, in the order of the series.

import type { Transferable } from 'node:worker_threads';
import { faultOf } from '../async/deadline.ts';
import type { RequestContext } from '../async/request.ts';
import { WorkerPool } from '../async/worker-pool.ts';
import type { ColumnTask } from '../promql/column-task.ts';
import type { Series, SeriesThreads } from '../storage/series.ts';
import { type ChunkReading, ChunkSeries } from '../store/chunk-series.ts';
import { packJob, type SelectJob, type SelectResult } from './select-job.ts';

/** What a float chunk holds in most cases. */
const SAMPLES_PER_CHUNK = 120;
/** A batch of fewer samples is read sooner than it is sent. */
const LEAST_SAMPLES = 10_000;
/** Batches in hand for each thread: one at work, one that waits. */
const JOBS_PER_THREAD = 2;
/** How long a job goes on for a query that has ended, before its thread is ended, too, ms. */
const GRACE_MS = 1_000;
/** Threads without work hold some tens of MiB: they are ended after this long, ms. */
const IDLE_MS = 60_000;

export interface SelectThreadsConfig {
  /** At most; 0 for none. */
  readonly size: number;
  /** Samples a select reads by itself before it has threads read more. */
  readonly fromSamples: number;
}

/** Has a job done: gives a SelectResult, or undefined when the series cannot be read. */
export type RunJob = (signal: AbortSignal, job: SelectJob, transfer: readonly Transferable[]) => Promise<unknown>;

/** Those of one process. Threads are started by the first select that is large enough. */
export class SelectThreads {
  readonly #config: SelectThreadsConfig;
  readonly #run: RunJob;
  readonly #pool: WorkerPool | undefined;
  #idleTimer: NodeJS.Timeout | undefined;

  /** `run` is for tests; without, there are threads only in a build, since Node runs no TypeScript on them. */
  constructor(config: SelectThreadsConfig, run?: RunJob) {
    const script = new URL('./select.worker.js', import.meta.url);
    const hasThreads = run === undefined && config.size > 0 && import.meta.url.endsWith('.js');
    const pool = hasThreads ? new WorkerPool({ size: config.size, script }) : undefined;
    this.#config = pool === undefined && run === undefined ? { ...config, size: 0 } : config;
    this.#pool = pool;
    this.#run = run ?? ((signal, job, transfer) => this.#onThread(signal, job, transfer));
  }

  /** For one select; undefined when there are no threads. */
  of(request: RequestContext): SeriesThreads | undefined {
    return this.#config.size === 0 ? undefined : new ThreadedSelect(request, this.#config, this.#run);
  }

  async close(): Promise<void> {
    clearTimeout(this.#idleTimer);
    await this.#pool?.close();
  }

  async #onThread(signal: AbortSignal, job: SelectJob, transfer: readonly Transferable[]): Promise<unknown> {
    clearTimeout(this.#idleTimer);
    try {
      return await this.#pool?.run(signal, job, undefined, transfer);
    } finally {
      clearTimeout(this.#idleTimer);
      this.#idleTimer = setTimeout(() => void this.#pool?.endIdle(), IDLE_MS);
      this.#idleTimer.unref();
    }
  }
}

class ThreadedSelect implements SeriesThreads {
  readonly ahead: number;
  readonly #request: RequestContext;
  readonly #fromSamples: number;
  readonly #run: RunJob;
  #sampleCount = 0;

  constructor(request: RequestContext, { size, fromSamples }: SelectThreadsConfig, run: RunJob) {
    this.ahead = size * JOBS_PER_THREAD;
    this.#request = request;
    this.#fromSamples = fromSamples;
    this.#run = run;
  }

  run(batch: readonly Series[], task: unknown): Promise<unknown> | undefined {
    let chunkCount = 0;
    for (const series of batch) {
      if (!(series instanceof ChunkSeries)) return undefined;
      for (const { from, to } of series.chunks) chunkCount += to - from;
    }
    const sampleCount = chunkCount * SAMPLES_PER_CHUNK;
    this.#sampleCount += sampleCount;
    const isSmall = this.#sampleCount < this.#fromSamples || sampleCount < Math.min(LEAST_SAMPLES, this.#fromSamples);
    if (isSmall || batch.length === 0) return undefined;
    const series = batch as readonly ChunkSeries[];
    const packed = packJob(series, task as ColumnTask);
    if (packed === undefined) return undefined;
    return this.#work(series[0].reading, packed);
  }

  async #work(reading: ChunkReading, { job, transfer, sizeBytes }: NonNullable<ReturnType<typeof packJob>>) {
    const { bytes } = this.#request;
    // What goes over, and the columns that come back.
    const stepCount = job.task.kind === 'window' ? job.task.windows.stepCount : job.task.stepCount;
    const heldBytes = sizeBytes + (job.firstSlice.length - 1) * stepCount * BYTES_PER_VALUE;
    try {
      bytes?.take(heldBytes);
      const result = (await this.#untilEnd(job, transfer)) as SelectResult | undefined;
      for (const stretch of result?.others ?? []) reading.mixed?.onOther(stretch);
      return result?.columns;
    } finally {
      bytes?.give(heldBytes);
    }
  }

  /** A query that ends lets go of its jobs at once; their threads may finish them, if that does not take long. */
  #untilEnd(job: SelectJob, transfer: readonly Transferable[]): Promise<unknown> {
    const { signal } = this.#request;
    const ending = new AbortController();
    return new Promise((resolve, reject) => {
      let timer: NodeJS.Timeout | undefined;
      const onAbort = (): void => {
        reject(faultOf(signal));
        timer = setTimeout(() => ending.abort(faultOf(signal)), GRACE_MS);
        timer.unref();
      };
      if (signal.aborted) {
        reject(faultOf(signal));
        return;
      }
      signal.addEventListener('abort', onAbort, { once: true });
      void this.#run(ending.signal, job, transfer)
        .then(resolve, reject)
        .finally(() => {
          clearTimeout(timer);
          signal.removeEventListener('abort', onAbort);
        });
    });
  }
}

/** A double and a byte. */
const BYTES_PER_VALUE = 9;
