// The compiled concatenation of blocks.

import type { Block } from '../block.ts';
import { type BlockKernel, type BlockKernelExports, BlockKernelProgram, type ChunkSinks } from '../block-kernel.ts';
import { wasmBase64 } from './concatenate.generated.ts';

interface Exports extends BlockKernelExports {
  begin(segmentBytes: number): void;
  step(): number;
  sampleCount(): number;
  floatCount(): number;
  histogramCount(): number;
}

export type ConcatenationKernel = BlockKernel<Exports>;

/** As many as the kernel has room for. */
const MAX_INPUTS = 64;

const program = new BlockKernelProgram<Exports>(wasmBase64);

/** Over blocks in order of time; undefined for those that are not for a kernel. Segments grow up to `segmentBytes`. */
export function concatenationKernel(
  blocks: readonly Block[],
  segmentBytes: number,
  sinks: ChunkSinks,
): ConcatenationKernel | undefined {
  if (blocks.length > MAX_INPUTS || blocks.some(({ tombstones }) => tombstones.size > 0)) return undefined;
  const kernel = program.over(blocks, sinks);
  kernel?.exports.begin(segmentBytes);
  return kernel;
}
