// The program of a thread that computes columns for queries.

import { serveJobs } from '../async/worker-pool.ts';
import { runJob, type SelectJob } from './select-job.ts';

serveJobs(async (job) => runJob(job as SelectJob));
