// Where blocks are merged: on threads of their own, or here, where there is no built program for threads.

import { WorkerPool } from '../async/worker-pool.ts';
import type { MergeJob, MergeResult } from './merge-job.ts';

export interface MergeThreads {
  /** As mergeSources. An abort ends it at once. `onProgress` is called now and then while it gets on. */
  run(signal: AbortSignal, job: MergeJob, onProgress: () => void): Promise<MergeResult | undefined>;
  /** Starts a thread, while its first job's sources are fetched. Absent where there are no threads. */
  prepare?(): void;
  close(): Promise<void>;
}

/** On the thread that asks, giving it back for other work now and then. */
export const noMergeThreads: MergeThreads = {
  // Loaded only when it is used: where there are threads, this one never merges.
  run: async (signal, job, onProgress) => {
    const { mergeSources } = await import('./merge-job.ts');
    return mergeSources(job, signal, onProgress);
  },
  close: async () => {},
};

/** At most `size` mergers at once, each on a thread of its own; from source, where threads cannot be, on the one that asks. */
export function mergeThreads(size: number): MergeThreads {
  if (!import.meta.url.endsWith('.js')) return noMergeThreads;
  const pool = new WorkerPool({ size, script: new URL('./merge.worker.js', import.meta.url) });
  return {
    run: async (signal, job, onProgress) => (await pool.run(signal, job, onProgress)) as MergeResult | undefined,
    prepare: () => pool.prepare(),
    close: () => pool.close(),
  };
}
