// One block into one of a coarser resolution by a kernel, and series that are not for it by the plain code in between. It does
// the same as downsampleBlock, byte for byte, or nothing.

import { throwIfAborted } from '../../async/deadline.ts';
import type { Block } from '../../tsdb/block.ts';
import { BlockFiles } from '../../tsdb/block-files.ts';
import { stepEnd } from '../../tsdb/block-kernel.ts';
import { MAX_SEGMENT_SIZE } from '../../tsdb/chunks/format.ts';
import { type DownsampleKernel, downsampleKernel } from './kernels/downsample-kernel.ts';
import { type DownsampledBlock, type DownsampleOptions, SeriesDownsampler } from './series-downsampler.ts';

/** The thread is given back for other work about this often. */
const SLICE_MS = 20;
const SERIES_PER_STEP = 8;

export interface CompiledResult {
  /** Undefined, and no block, when no sample was a number. */
  readonly block: DownsampledBlock | undefined;
}

/**
 * Writes a block with the aggregates of `source`, as downsampleBlock does. Undefined, and no block, when something is damaged
 * or not as it usually is: downsampleBlock does it then, after somebody has looked what is wrong. Every entry was looked at,
 * and every checksum compared.
 */
export async function downsampleCompiled(
  parent: string,
  source: Block,
  options: DownsampleOptions,
): Promise<CompiledResult | undefined> {
  const files = new BlockFiles(parent, options.ulid, false);
  try {
    const downsampler = new SeriesDownsampler(source, files, options);
    const kernel = downsampleKernel(source, options.resolutions, MAX_SEGMENT_SIZE, {
      writeChunks: (bytes) => downsampler.segments.write(bytes),
      cutSegment: () => downsampler.segments.cut(),
    });
    if (kernel === undefined || !(await addAll(kernel, source, downsampler, options))) {
      files.abort();
      return undefined;
    }
    const { exports } = kernel;
    const block = downsampler.finish({
      seriesCount: exports.seriesCount(),
      chunkCount: exports.chunkCount(),
      sampleCount: exports.sampleCount(),
      aggregatedCount: exports.aggregatedCount(),
    });
    if (block === undefined) files.abort();
    else files.commit(block.meta);
    return { block };
  } catch (thrown) {
    files.abort();
    throw thrown;
  }
}

/** False when something is not as it usually is. */
async function addAll(
  kernel: DownsampleKernel,
  source: Block,
  downsampler: SeriesDownsampler,
  { signal, onProgress }: DownsampleOptions,
): Promise<boolean> {
  if (!kernel.begin()) return false;
  let sliceEnd = performance.now() + SLICE_MS;
  for (;;) {
    const end = stepEnd(kernel.exports.step(SERIES_PER_STEP));
    if (end === 'unusual') return false;
    const { series } = kernel;
    if (series.length > 0) downsampler.index.addEncoded(kernel.entries, series);
    if (end === 'ended') return true;
    if (end === 'plain') {
      downsampler.add(kernel.exports.entryAt() / source.index.seriesUnit);
      const { segment, sizeBytes } = downsampler.segments.place;
      if (kernel.exports.skip(segment, sizeBytes) === 0) return false;
    }
    throwIfAborted(signal);
    if (performance.now() < sliceEnd) continue;
    await new Promise((resolve) => setImmediate(resolve));
    onProgress?.();
    sliceEnd = performance.now() + SLICE_MS;
  }
}
