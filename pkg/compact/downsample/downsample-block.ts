// One block into one of a coarser resolution, series by series in their order.

import { throwIfAborted } from '../../async/deadline.ts';
import type { Block } from '../../tsdb/block.ts';
import { BlockFiles } from '../../tsdb/block-files.ts';
import { type DownsampledBlock, type DownsampleOptions, SeriesDownsampler } from './series-downsampler.ts';

/** The thread is given back for other work about this often. */
const SLICE_MS = 20;
const SERIES_PER_LOOK = 8;

/**
 * Writes a block with the aggregates of `source`, which stays open, into the directory `parent`, from where it is to be
 * uploaded: it need not survive a crash of the machine. Undefined, and no block, when no sample was a number. Origin and
 * time are those of the source, and so are its counts of floats and histograms, as the reference has them. A failure that
 * lies in the source has its identifier among its facts.
 */
export async function downsampleBlock(
  parent: string,
  source: Block,
  options: DownsampleOptions,
): Promise<DownsampledBlock | undefined> {
  const files = new BlockFiles(parent, options.ulid, false);
  try {
    const downsampler = new SeriesDownsampler(source, files, options);
    let sliceEnd = performance.now() + SLICE_MS;
    let i = 0;
    for (const id of source.index.walk()) {
      downsampler.add(id);
      if (++i % SERIES_PER_LOOK !== 0 || performance.now() < sliceEnd) continue;
      await new Promise((resolve) => setImmediate(resolve));
      throwIfAborted(options.signal);
      options.onProgress?.();
      sliceEnd = performance.now() + SLICE_MS;
    }
    const made = downsampler.finish();
    if (made === undefined) files.abort();
    else files.commit(made.meta);
    return made;
  } catch (thrown) {
    files.abort();
    throw thrown;
  }
}
