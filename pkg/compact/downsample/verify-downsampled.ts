// Looks at a block that downsampling made, as it is on the disk, before anybody else gets it.

import { describeDefects, type IndexHealth } from '../../block/health.ts';
import { Fault } from '../../errors/fault.ts';
import { Block } from '../../tsdb/block.ts';
import { countWindows, type WindowCounts } from './count-windows.ts';
import type { DownsampledBlock } from './series-downsampler.ts';

/**
 * Walks the index, reads every chunk with its checksum, and compares what the counts add up to with the samples that went
 * in. A difference is `internal`: the block must not leave this machine. `onProgress` is called for each series.
 */
export function verifyDownsampled(
  directory: string,
  { meta, aggregatedCount }: DownsampledBlock,
  onProgress: () => void = () => {},
): IndexHealth {
  const block = Block.open(directory);
  try {
    const counts = countWindows(block, onProgress);
    const found = describeDefects(counts.health) ?? countDefect(counts, meta.stats.numSamples, aggregatedCount);
    if (found !== undefined) throw new Fault('internal', `the downsampled block is invalid: ${found}`);
    return counts.health;
  } finally {
    block.close();
  }
}

function countDefect(counter: WindowCounts, windowCount: number, sampleCount: number): string | undefined {
  if (counter.windowCount !== windowCount) return `it has ${counter.windowCount} windows, ${windowCount} were written`;
  if (counter.sampleCount === sampleCount) return undefined;
  return `its counts add up to ${counter.sampleCount}, ${sampleCount} samples went in`;
}
