// Merging and downsampling on a thread of its own. Whoever asks ends the thread to stop it.

import { serveJobs } from '../async/worker-pool.ts';
import { mergeSources } from './merge-job.ts';
import type { WorkJob } from './work-threads.ts';

const never = new AbortController().signal;

serveJobs(async (asked, onProgress) => {
  const job = asked as WorkJob;
  if ('merge' in job) return mergeSources(job.merge, never, onProgress);
  // Loaded when it is asked for: many a thread only merges.
  const { downsampleSource } = await import('./downsample/downsample-job.ts');
  return downsampleSource(job.downsample, never, onProgress);
});
