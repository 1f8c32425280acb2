// A look at every series and every chunk of a block by a kernel, as long as all is well.

import type { Block } from './block.ts';
import { MAX_SEGMENT_SIZE } from './chunks/format.ts';
import { ConcatenationKernel } from './kernels/concatenate-kernel.ts';

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
const nothingWritten = { writeChunks: () => {}, cutSegment: () => {} };

/**
 * Decodes every entry, compares every checksum, and counts the samples. Undefined unless series and labels are in order, and
 * the chunks of each series, inside the time of the block, too; it is also undefined for a few blocks with nothing wrong.
 */
export function inspectBlock(block: Block, onProgress: () => void): BlockInspection | undefined {
  const kernel = ConcatenationKernel.over([block], MAX_SEGMENT_SIZE, nothingWritten);
  if (kernel === undefined) return undefined;
  const [refs] = kernel.refs;
  for (let i = 0; i < refs.length; i++) refs[i] = i;
  if (!kernel.begin()) return undefined;
  for (;;) {
    const end = kernel.inspect(SERIES_PER_LOOK);
    if (end === 'unusual') return undefined;
    onProgress();
    if (end === 'more') continue;
    const { counts } = kernel;
    return {
      seriesCount: counts.seriesCount(),
      chunkCount: counts.chunkCount(),
      sampleCount: counts.sampleCount(),
      seriesMaxSizeBytes: counts.seriesMaxBytes(),
      chunkMaxSizeBytes: counts.chunkMaxBytes(),
    };
  }
}
