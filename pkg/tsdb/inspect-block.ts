// A look at every series and every chunk of a block by a kernel, as long as all is well.

import type { Block } from './block.ts';
import { type BlockSizes, noSinks } from './block-kernel.ts';
import { MAX_SEGMENT_SIZE } from './chunks/format.ts';
import { concatenationKernel } from './kernels/concatenate-kernel.ts';

export interface BlockInspection extends BlockSizes {
  readonly sampleCount: number;
}

/**
 * Decodes every entry, compares every checksum, and counts the samples. Undefined unless series and labels are in order, and
 * the chunks of each series, inside the time of the block, too; it is also undefined for a few blocks with nothing wrong.
 */
export function inspectBlock(block: Block, onProgress: () => void): BlockInspection | undefined {
  const kernel = concatenationKernel([block], MAX_SEGMENT_SIZE, noSinks);
  if (kernel === undefined) return undefined;
  kernel.keepSymbols();
  const sizes = kernel.begin() ? kernel.look(onProgress) : undefined;
  return sizes && { ...sizes, sampleCount: kernel.exports.sampleCount() };
}
