// Looks at a block that downsampling made, as it is on the disk, before anybody else gets it.

import { AggregateParts, splitAggregateChunk } from '../../block/aggr-chunk.ts';
import { checkIndex, describeDefects, type IndexHealth } from '../../block/health.ts';
import { Fault } from '../../errors/fault.ts';
import { SampleBuffer } from '../../storage/sample-columns.ts';
import { Block } from '../../tsdb/block.ts';
import { decodeXorChunk } from '../../tsdb/chunkenc/decode.ts';
import { ENCODING_AGGREGATE } from '../../tsdb/chunkenc/encoding.ts';
import { ChunkView } from '../../tsdb/chunks/segment-reader.ts';
import type { SeriesEntry } from '../../tsdb/index/series-entry.ts';
import type { DownsampledBlock } from './downsample-block.ts';

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
    const counter = new CountReader(block);
    const health = checkIndex(block, (entry) => {
      counter.add(entry);
      onProgress();
    });
    const found = describeDefects(health) ?? countDefect(counter, meta.stats.numSamples, aggregatedCount);
    if (found !== undefined) throw new Fault('internal', `the downsampled block is invalid: ${found}`);
    return health;
  } finally {
    block.close();
  }
}

function countDefect(counter: CountReader, windowCount: number, sampleCount: number): string | undefined {
  if (counter.windowCount !== windowCount) return `it has ${counter.windowCount} windows, ${windowCount} were written`;
  if (counter.sampleCount === sampleCount) return undefined;
  return `its counts add up to ${counter.sampleCount}, ${sampleCount} samples went in`;
}

class CountReader {
  windowCount = 0;
  sampleCount = 0;
  readonly #block: Block;
  readonly #view = new ChunkView();
  readonly #parts = new AggregateParts();
  readonly #counts = new SampleBuffer();

  constructor(block: Block) {
    this.#block = block;
  }

  add(entry: SeriesEntry): void {
    const view = this.#view;
    const parts = this.#parts;
    for (let i = 0; i < entry.chunkCount; i++) {
      this.#block.segments.readNext(entry.segments[i], entry.offsets[i], view);
      if (view.encoding !== ENCODING_AGGREGATE) throw new Fault('internal', `a chunk has encoding ${view.encoding}`);
      splitAggregateChunk(view.bytes, view.offset, view.offset + view.length, parts);
      if (parts.encodings[0] === 0) continue;
      this.#counts.clear();
      decodeXorChunk(view.bytes, parts.offsets[0], parts.lengths[0], this.#counts);
      this.windowCount += this.#counts.length;
      for (let k = 0; k < this.#counts.length; k++) this.sampleCount += this.#counts.values[k];
    }
  }
}
