// Where blocks are merged, as a pass sees it: on threads (work-threads.ts), or on its own.

import type { MergeJob, MergeResult } from './merge-job.ts';

export interface MergeThreads {
  /** As mergeSources. An abort ends it at once. `onProgress` is called now and then while it gets on. */
  run(signal: AbortSignal, job: MergeJob, onProgress: () => void): Promise<MergeResult | undefined>;
  /** Starts a thread, while its first job's sources are fetched. Absent where there are no threads. */
  prepare?(): void;
}

/** On the thread that asks, giving it back for other work now and then. */
export const noMergeThreads: MergeThreads = {
  // Loaded only when it is used: where there are threads, this one never merges.
  run: async (signal, job, onProgress) => {
    const { mergeSources } = await import('./merge-job.ts');
    return mergeSources(job, signal, onProgress);
  },
};
