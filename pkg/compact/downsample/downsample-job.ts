// The part of a task that takes the processor: a downloaded block is looked at, downsampled, and the outcome is looked at in
// turn. Plain data in and out, so that it can be done on another thread.

import { join } from 'node:path';
import type { IndexHealth } from '../../block/health.ts';
import type { BlockMeta } from '../../tsdb/block-meta.ts';
import { checkSource, openSource } from '../verify.ts';
import { downsampleBlock } from './downsample-block.ts';
import { downsampleCompiled } from './downsample-compiled.ts';
import type { Resolutions } from './series-downsampler.ts';
import { verifyDownsampled } from './verify-downsampled.ts';

export interface DownsampleJob {
  /** Has the source under its identifier, and gets the new block. */
  readonly directory: string;
  readonly source: string;
  /** The identifier of the new block. */
  readonly ulid: string;
  readonly resolutions: Resolutions;
  readonly acceptsMalformedIndex: boolean;
}

export interface DownsampleResult {
  readonly meta: BlockMeta;
  readonly health: IndexHealth;
}

/**
 * Undefined, and no block, when none of the samples is a number. A failure that lies in the source has its identifier as the
 * fact `block`. A block that must not be used is left for the caller to remove. `onProgress` is called again and again as
 * series are read and written.
 */
export async function downsampleSource(
  job: DownsampleJob,
  signal: AbortSignal,
  onProgress: () => void = () => {},
): Promise<DownsampleResult | undefined> {
  const { directory, ulid, resolutions, acceptsMalformedIndex } = job;
  const block = openSource(join(directory, job.source), job.source);
  try {
    const options = { ulid, resolutions, signal, onProgress };
    const compiled = await downsampleCompiled(directory, block, options);
    // What is not for the kernel may be broken.
    if (compiled === undefined) checkSource(block, { acceptsMalformedIndex, onProgress });
    const made = compiled === undefined ? await downsampleBlock(directory, block, options) : compiled.block;
    if (made === undefined) return undefined;
    return { meta: made.meta, health: verifyDownsampled(join(directory, ulid), made, onProgress) };
  } finally {
    block.close();
  }
}
