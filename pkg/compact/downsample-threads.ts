// Where blocks are downsampled: on threads of their own, or here, where there is no built program for threads.

import { WorkerPool } from '../async/worker-pool.ts';
import type { DownsampleJob, DownsampleResult } from './downsample/downsample-job.ts';

export interface DownsampleThreads {
  /** As downsampleSource. An abort ends it at once. `onProgress` is called now and then while it gets on. */
  run(signal: AbortSignal, job: DownsampleJob, onProgress: () => void): Promise<DownsampleResult | undefined>;
  /** Starts a thread, while its first job's sources are fetched. Absent where there are no threads. */
  prepare?(): void;
  close(): Promise<void>;
}

/** On the thread that asks, giving it back for other work now and then. */
export const noThreads: DownsampleThreads = {
  // Loaded only when it is used: where there are threads, this one never downsamples.
  run: async (signal, job, onProgress) => {
    const { downsampleSource } = await import('./downsample/downsample-job.ts');
    return downsampleSource(job, signal, onProgress);
  },
  close: async () => {},
};

/** At most `size` blocks at once, each on a thread of its own; from source, where threads cannot be, on the one that asks. */
export function downsampleThreads(size: number): DownsampleThreads {
  if (!import.meta.url.endsWith('.js')) return noThreads;
  const pool = new WorkerPool({ size, script: new URL('./downsample/downsample.worker.js', import.meta.url) });
  return {
    run: async (signal, job, onProgress) => (await pool.run(signal, job, onProgress)) as DownsampleResult | undefined,
    prepare: () => pool.prepare(),
    close: () => pool.close(),
  };
}
