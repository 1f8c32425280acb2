// Merging on a thread of its own. Whoever asks ends the thread to stop it.

import { serveJobs } from '../async/worker-pool.ts';
import { type MergeJob, mergeSources } from './merge-job.ts';

const never = new AbortController().signal;

serveJobs((job, onProgress) => mergeSources(job as MergeJob, never, onProgress));
