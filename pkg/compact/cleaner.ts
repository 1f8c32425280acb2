// Deletes what was marked long enough ago, and what uploads that never ended have left.

import { forEachParallel } from '../async/parallel.ts';
import type { RequestContext } from '../async/request.ts';
import { deleteBlock } from '../block/delete.ts';
import { type Mark, readMark } from '../block/marks.ts';
import { collect } from '../errors/collect.ts';
import { during, type Fault, messageOf } from '../errors/fault.ts';
import { ulidTime } from '../model/ulid.ts';
import type { Bucket } from '../objstore/bucket.ts';
import type { Logger } from '../telemetry/logger.ts';
import { PARTIAL_AGE_MS } from './config.ts';
import type { Guard } from './lease.ts';
import type { CompactMeters } from './meters.ts';

export interface CleanerDeps {
  readonly bucket: Bucket;
  readonly logger: Logger;
  readonly meters: CompactMeters;
  readonly now: () => number;
  /** Asked before each change of the bucket. */
  readonly guard: Guard;
}

const CONCURRENCY = 32;

/** Blocks whose mark is at least this old, by identifier. */
export function dueDeletions(marks: ReadonlyMap<string, Mark>, deleteDelayMs: number, nowMs: number): string[] {
  const due: string[] = [];
  for (const [ulid, { timeSeconds }] of marks) if (nowMs - timeSeconds * 1000 >= deleteDelayMs) due.push(ulid);
  return due.sort();
}

/** Deletes blocks; one that fails is counted and keeps nobody back. All failures are thrown as one at the end. */
export async function deleteBlocks(
  request: RequestContext,
  deps: CleanerDeps,
  ulids: readonly string[],
  why: string,
): Promise<void> {
  const failures: unknown[] = [];
  const remove = async (ulid: string, signal: AbortSignal): Promise<void> => {
    try {
      await deps.guard.ensure({ ...request, signal });
      await deleteBlock({ ...request, signal }, deps.bucket, ulid);
      deps.meters.cleaned.inc();
      deps.logger.info('block is deleted', { block: ulid, why });
    } catch (thrown) {
      if (signal.aborted) throw thrown;
      deps.meters.cleanFailures.inc();
      deps.logger.warn('block could not be deleted', { block: ulid, err: messageOf(thrown) });
      failures.push(thrown);
    }
  };
  await forEachParallel(ulids, CONCURRENCY, remove, request.signal);
  if (failures.length > 0) throw during('delete blocks', collect(failures));
}

/**
 * Of blocks without a usable meta.json, each with why it has none, those to delete: it has none at all and nothing was
 * added for two days, or the block was on its way out already and its mark is due. One that only cannot be read is no
 * upload that never ended: the samples are there, and somebody has to look at it.
 */
export async function duePartials(
  request: RequestContext,
  deps: CleanerDeps,
  partial: ReadonlyMap<string, Fault>,
  deleteDelayMs: number,
): Promise<string[]> {
  const due: string[] = [];
  const now = deps.now();
  for (const [ulid, { kind }] of partial) {
    const mark = await readMark(request, deps, 'deletion', ulid);
    const isDue =
      mark === undefined
        ? kind === 'not-found' && now - (await newestTime(request, deps.bucket, ulid)) > PARTIAL_AGE_MS
        : now - mark.timeSeconds * 1000 >= deleteDelayMs;
    if (isDue) due.push(ulid);
  }
  return due;
}

/** When the block was last added to; where the bucket does not tell, when its identifier was made. */
async function newestTime(request: RequestContext, bucket: Bucket, ulid: string): Promise<number> {
  let newest: number | undefined;
  for await (const { attributes } of bucket.list(request, ulid, { recursive: true, attributes: true })) {
    if (attributes !== undefined) newest = Math.max(newest ?? 0, attributes.lastModified);
  }
  return newest ?? ulidTime(ulid);
}
