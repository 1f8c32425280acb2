// The threads on which a compactor works: they merge as well as downsample, so that what begins with one goes on with the
// other. Where there is no built program for threads, the one that asks does it.

import { Gate } from '../async/gate.ts';
import { WorkerPool } from '../async/worker-pool.ts';
import type { DownsampleJob, DownsampleResult } from './downsample/downsample-job.ts';
import { type DownsampleThreads, noThreads } from './downsample-threads.ts';
import type { MergeJob, MergeResult } from './merge-job.ts';
import { type MergeThreads, noMergeThreads } from './merge-threads.ts';

/** What a thread is asked for. */
export type WorkJob = { readonly merge: MergeJob } | { readonly downsample: DownsampleJob };

export interface WorkThreads {
  readonly merge: MergeThreads;
  readonly downsample: DownsampleThreads;
  /** Starts a thread, unless there is one: it is ready when there is something to do. */
  prepare(): void;
  close(): Promise<void>;
}

/** How many of each may be at work at once; no limit when it is 0. */
export interface WorkThreadSizes {
  readonly merge: number;
  readonly downsample: number;
}

export function workThreads({ merge, downsample }: WorkThreadSizes): WorkThreads {
  const script = import.meta.url;
  if (!script.endsWith('.js')) {
    return { merge: noMergeThreads, downsample: noThreads, prepare: () => {}, close: async () => {} };
  }
  const size = merge <= 0 || downsample <= 0 ? 0 : Math.max(merge, downsample);
  const pool = new WorkerPool({ size, script: new URL('./work.worker.js', import.meta.url) });
  const merging = new Gate(merge);
  const downsampling = new Gate(downsample);
  const run = (signal: AbortSignal, gate: Gate, job: WorkJob, onProgress: () => void): Promise<unknown> =>
    gate.run(signal, () => pool.run(signal, job, onProgress));
  const prepare = (): void => pool.prepare();
  return {
    merge: {
      run: async (signal, job, onProgress) =>
        (await run(signal, merging, { merge: job }, onProgress)) as MergeResult | undefined,
      prepare,
    },
    downsample: {
      run: async (signal, job, onProgress) =>
        (await run(signal, downsampling, { downsample: job }, onProgress)) as DownsampleResult | undefined,
      prepare,
    },
    prepare,
    close: () => pool.close(),
  };
}
