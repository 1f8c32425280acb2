// Writes marks on behalf of the compactor: logged, counted, and never twice.

import type { RequestContext } from '../async/request.ts';
import { newMark, writeMark } from '../block/marks.ts';
import type { Bucket } from '../objstore/bucket.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { CompactMeters } from './meters.ts';

export interface MarkerDeps {
  readonly bucket: Bucket;
  readonly logger: Logger;
  readonly meters: CompactMeters;
  readonly now: () => number;
}

/** Marks a block to be deleted after the delay. `reason` is a word for the metrics. */
export async function markForDeletion(
  request: RequestContext,
  deps: MarkerDeps,
  ulid: string,
  why: { readonly reason: string; readonly details: string },
): Promise<void> {
  const mark = newMark('deletion', ulid, { details: why.details, nowMs: deps.now() });
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
  if (!(await writeMark(request, deps, mark))) return;
  deps.meters.markedNoCompact(why.reason);
  deps.logger.warn('block is marked not to be compacted', { block: ulid, reason: why.reason, why: why.details });
}
