// The compiled downsampling of blocks.

import type { Block } from '../../../tsdb/block.ts';
import {
  type BlockKernel,
  type BlockKernelExports,
  BlockKernelProgram,
  type ChunkSinks,
} from '../../../tsdb/block-kernel.ts';
import { wasmBase64 } from './downsample.generated.ts';

interface Exports extends BlockKernelExports {
  begin(from: number, to: number, segmentBytes: number): void;
  /** Does up to so many series. */
  step(most: number): number;
  /** Where in the index the series at hand begins. */
  entryAt(): number;
  /** Goes on behind the series at hand, which others wrote up to a place; 0 when something is not as it usually is. */
  skip(segment: number, sizeBytes: number): number;
  /** Windows. */
  sampleCount(): number;
  /** Raw samples. */
  aggregatedCount(): number;
}

export type DownsampleKernel = BlockKernel<Exports>;

const program = new BlockKernelProgram<Exports>(wasmBase64);

/** Undefined for a block that is not for a kernel. Resolutions in ms, 0 is raw; segments grow up to `segmentBytes`. */
export function downsampleKernel(
  block: Block,
  resolutions: { readonly from: number; readonly to: number },
  segmentBytes: number,
  sinks: ChunkSinks,
): DownsampleKernel | undefined {
  const kernel = program.over([block], sinks);
  if (kernel === undefined) return undefined;
  kernel.exports.begin(resolutions.from, resolutions.to, segmentBytes);
  kernel.keepSymbols();
  return kernel;
}
