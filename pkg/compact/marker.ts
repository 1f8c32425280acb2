// Writes marks on behalf of the compactor: logged, counted, and never twice.

import type { RequestContext } from '../async/request.ts';
import { newMark, writeMark } from '../block/marks.ts';
import type { Bucket } from '../objstore/bucket.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { Guard } from './lease.ts';
import type { CompactMeters } from './meters.ts';

export interface MarkerDeps {
  readonly bucket: Bucket;
  readonly logger: Logger;
  readonly meters: CompactMeters;
  readonly now: () => number;
  /** Asked before each change of the bucket. */
  readonly guard: Guard;
}

/** Marks a block to be deleted after the delay. `reason` is a word for the metrics. */
export async function markForDeletion(
  request: RequestContext,
  deps: MarkerDeps,
  ulid: string,
  why: { readonly reason: string; readonly details: string },
): Promise<void> {
  const mark = newMark('deletion', ulid, { details: why.details, nowMs: deps.now() });
  await deps.guard.ensure(request);
  if (!(await writeMark(request, deps, mark))) return;
  deps.meters.markedForDeletion(why.reason);
  deps.logger.info('block is marked for deletion', { block: ulid, why: why.details });
}

/** Marks a block not to be compacted. */
export async function markNoCompact(
  request: RequestContext,
  deps: MarkerDeps,
  ulid: string,
  why: { readonly reason: string; readonly details: string },
): Promise<void> {
  const mark = newMark('no-compact', ulid, { ...why, nowMs: deps.now() });
  await deps.guard.ensure(request);
  if (!(await writeMark(request, deps, mark))) return;
  deps.meters.markedNoCompact(why.reason);
  deps.logger.warn('block is marked not to be compacted', { block: ulid, reason: why.reason, why: why.details });
}

/** Marks a block not to be downsampled. */
export async function markNoDownsample(
  request: RequestContext,
  deps: MarkerDeps,
  ulid: string,
  why: { readonly reason: string; readonly details: string },
): Promise<void> {
  const mark = newMark('no-downsample', ulid, { ...why, nowMs: deps.now() });
  await deps.guard.ensure(request);
  if (!(await writeMark(request, deps, mark))) return;
  deps.meters.markedNoDownsample(why.reason);
  deps.logger.warn('block is marked not to be downsampled', { block: ulid, reason: why.reason, why: why.details });
}
