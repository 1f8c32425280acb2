// Where blocks are downsampled: on threads of their own, or here, where there is no built program for threads.

import { WorkerPool } from '../async/worker-pool.ts';
import { type DownsampleJob, type DownsampleResult, downsampleSource } from './downsample/downsample-job.ts';

export interface DownsampleThreads {
  /** As downsampleSource. An abort ends it at once. */
  run(signal: AbortSignal, job: DownsampleJob): Promise<DownsampleResult | undefined>;
  close(): Promise<void>;
}

/** On the thread that asks, giving it back for other work now and then. */
export const noThreads: DownsampleThreads = {
  run: (signal, job) => downsampleSource(job, signal),
  close: async () => {},
};

/** At most `size` blocks at once, each on a thread of its own; from source, where threads cannot be, on the one that asks. */
export function downsampleThreads(size: number): DownsampleThreads {
  if (!import.meta.url.endsWith('.js')) return noThreads;
  const pool = new WorkerPool({ size, script: new URL('./downsample/downsample.worker.js', import.meta.url) });
  return {
    run: async (signal, job) => (await pool.run(signal, job)) as DownsampleResult | undefined,
    close: () => pool.close(),
  };
}
