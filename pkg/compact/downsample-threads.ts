// Where blocks are downsampled, as a pass sees it: on threads (work-threads.ts), or on its own.

import type { DownsampleJob, DownsampleResult } from './downsample/downsample-job.ts';

export interface DownsampleThreads {
  /** As downsampleSource. An abort ends it at once. `onProgress` is called now and then while it gets on. */
  run(signal: AbortSignal, job: DownsampleJob, onProgress: () => void): Promise<DownsampleResult | undefined>;
  /** Starts a thread, while its first job's sources are fetched. Absent where there are no threads. */
  prepare?(): void;
}

/** On the thread that asks, giving it back for other work now and then. */
export const noThreads: DownsampleThreads = {
  // Loaded only when it is used: where there are threads, this one never downsamples.
  run: async (signal, job, onProgress) => {
    const { downsampleSource } = await import('./downsample/downsample-job.ts');
    return downsampleSource(job, signal, onProgress);
  },
};
