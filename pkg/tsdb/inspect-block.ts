// A look at every series and every chunk of a block by a kernel, as long as all is well.

import type { Block } from './block.ts';
import { noSinks } from './block-kernel.ts';
import { MAX_SEGMENT_SIZE } from './chunks/format.ts';
import { concatenationKernel, stepEnds } from './kernels/concatenate-kernel.ts';

export interface BlockInspection {
  readonly seriesCount: number;
  readonly chunkCount: number;
  readonly sampleCount: number;
  /** Lower bounds: distances between neighbours, so the last series, and the last two chunks of each, do not count. */
  readonly seriesMaxSizeBytes: number;
  readonly chunkMaxSizeBytes: number;
}

/** Between signs of life. */
const SERIES_PER_LOOK = 256;

/**
 * Decodes every entry, compares every checksum, and counts the samples. Undefined unless series and labels are in order, and
 * the chunks of each series, inside the time of the block, too; it is also undefined for a few blocks with nothing wrong.
 */
export function inspectBlock(block: Block, onProgress: () => void): BlockInspection | undefined {
  const kernel = concatenationKernel([block], MAX_SEGMENT_SIZE, noSinks);
  if (kernel === undefined) return undefined;
  const [refs] = kernel.refs;
  for (let i = 0; i < refs.length; i++) refs[i] = i;
  if (!kernel.begin()) return undefined;
  for (;;) {
    const end = stepEnds[kernel.exports.inspect(SERIES_PER_LOOK)];
    if (end === 'unusual') return undefined;
    onProgress();
    if (end === 'more') continue;
    const { exports } = kernel;
    return {
      seriesCount: exports.seriesCount(),
      chunkCount: exports.chunkCount(),
      sampleCount: exports.sampleCount(),
      seriesMaxSizeBytes: exports.seriesMaxBytes(),
      chunkMaxSizeBytes: exports.chunkMaxBytes(),
    };
  }
}
