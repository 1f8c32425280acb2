// One task from download to upload. The bucket gets a new block whole or not at all, and nothing else is changed there:
// whatever ends this early is made up for by doing it again.

import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { RequestContext } from '../../async/request.ts';
import { downloadBlock } from '../../block/download.ts';
import { META_FILE } from '../../block/layout.ts';
import { type BlockMeta, emptyThanos, printMeta } from '../../block/meta.ts';
import { blockFiles, segmentFilesOf } from '../../block/upload.ts';
import { newUlid } from '../../model/ulid.ts';
import type { DownsampleConfig } from '../config.ts';
import type { DiskSpace } from '../disk-space.ts';
import type { DownsampleThreads } from '../downsample-threads.ts';
import { neededBytes, publish } from '../group-run.ts';
import type { MarkerDeps } from '../marker.ts';
import { type DownsampleTask, sourcesOf } from './tasks.ts';

export interface TaskDeps extends MarkerDeps {
  readonly threads: DownsampleThreads;
  readonly space: DiskSpace;
  /** Called while a task gets on, as a sign of life. */
  readonly onStep: () => void;
}

/**
 * Carries out a task and gives the new block; undefined when no sample is a number. A failure that lies in the source has
 * its identifier as the fact `block`. What was downloaded stays for the next try after a failure.
 */
export async function runTask(
  request: RequestContext,
  deps: TaskDeps,
  task: DownsampleTask,
  config: DownsampleConfig,
): Promise<BlockMeta | undefined> {
  const { ulid } = task.block;
  const directory = join(config.workDir, ulid);
  await mkdir(directory, { recursive: true });
  for (const name of await readdir(directory)) {
    if (name !== ulid) await rm(join(directory, name), { recursive: true, force: true });
  }
  const release = await deps.space.reserve(
    request.signal,
    directory,
    await neededBytes(request, deps.bucket, [task.block]),
  );
  try {
    deps.threads.prepare?.();
    const options = { concurrency: config.fileConcurrency, isScratch: true };
    await downloadBlock(request, deps.bucket, ulid, join(directory, ulid), options);
    const meta = await makeBlock(request, deps, directory, task, config);
    if (meta !== undefined) await publish(request, deps, join(directory, meta.ulid), meta, config);
    await rm(directory, { recursive: true, force: true });
    return meta;
  } finally {
    release();
  }
}

async function makeBlock(
  request: RequestContext,
  { threads, onStep }: TaskDeps,
  directory: string,
  { block, step }: DownsampleTask,
  { acceptsMalformedIndex }: DownsampleConfig,
): Promise<BlockMeta | undefined> {
  const ulid = newUlid();
  const resolutions = { from: step.from, to: step.to };
  const job = { directory, source: block.ulid, ulid, resolutions, acceptsMalformedIndex };
  const result = await threads.run(request.signal, job, onStep);
  if (result === undefined) return undefined;
  const path = join(directory, ulid);
  const { others: _others, ...base } = result.meta;
  const meta: BlockMeta = {
    ...base,
    compaction: { ...base.compaction, sources: sourcesOf(block) },
    thanos: {
      ...emptyThanos,
      version: 1,
      // As they are after the filters: where replicas are merged, they are without the labels of replicas.
      labels: block.thanos.labels,
      resolutionMs: step.to,
      source: 'compactor',
      segmentFiles: segmentFilesOf(await blockFiles(path, '')),
      seriesMaxSizeBytes: result.health.seriesMaxSizeBytes,
      chunkMaxSizeBytes: result.health.chunkMaxSizeBytes,
      extensions: block.thanos.extensions,
    },
  };
  await writeFile(join(path, META_FILE), printMeta(meta));
  return meta;
}
