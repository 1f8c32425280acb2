// Where blocks are merged: on threads of their own, or here, where there is no built program for threads.

import { WorkerPool } from '../async/worker-pool.ts';
import { type MergeJob, type MergeResult, mergeSources } from './merge-job.ts';

export interface MergeThreads {
  /** As mergeSources. An abort ends it at once. */
  run(signal: AbortSignal, job: MergeJob): Promise<MergeResult | undefined>;
  close(): Promise<void>;
}

/** On the thread that asks, giving it back for other work now and then. */
export const noMergeThreads: MergeThreads = {
  run: (signal, job) => mergeSources(job, signal),
  close: async () => {},
};

/** At most `size` mergers at once, each on a thread of its own; from source, where threads cannot be, on the one that asks. */
export function mergeThreads(size: number): MergeThreads {
  if (!import.meta.url.endsWith('.js')) return noMergeThreads;
  const pool = new WorkerPool({ size, script: new URL('./merge.worker.js', import.meta.url) });
  return {
    run: async (signal, job) => (await pool.run(signal, job)) as MergeResult | undefined,
    close: () => pool.close(),
  };
}
