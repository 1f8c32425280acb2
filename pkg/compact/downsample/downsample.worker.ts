// Downsampling on a thread of its own. Whoever asks ends the thread to stop it.

import { serveJobs } from '../../async/worker-pool.ts';
import { type DownsampleJob, downsampleSource } from './downsample-job.ts';

const never = new AbortController().signal;

serveJobs((job, onProgress) => downsampleSource(job as DownsampleJob, never, onProgress));
