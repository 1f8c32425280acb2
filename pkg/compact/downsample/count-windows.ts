// What a downsampled block on this machine holds, every checksum compared: by a kernel as long as all is well, else by the
// plain code, which tells what is not.

import { AggregateParts, splitAggregateChunk } from '../../block/aggr-chunk.ts';
import { checkIndex, type IndexHealth, soundHealth } from '../../block/health.ts';
import { Fault } from '../../errors/fault.ts';
import { SampleBuffer } from '../../storage/sample-columns.ts';
import type { Block } from '../../tsdb/block.ts';
import { noSinks } from '../../tsdb/block-kernel.ts';
import { decodeXorChunk } from '../../tsdb/chunkenc/decode.ts';
import { ENCODING_AGGREGATE } from '../../tsdb/chunkenc/encoding.ts';
import { MAX_SEGMENT_SIZE } from '../../tsdb/chunks/format.ts';
import { ChunkView } from '../../tsdb/chunks/segment-reader.ts';
import type { SeriesEntry } from '../../tsdb/index/series-entry.ts';
import { downsampleKernel } from './kernels/downsample-kernel.ts';

export interface WindowCounts {
  readonly health: IndexHealth;
  readonly windowCount: number;
  /** What the counts add up to. */
  readonly sampleCount: number;
}

/** To those who only look. */
const ofNoMatter = { from: 0, to: 1 };

/** Reads every entry and the counts of every chunk. `onProgress` is called again and again. */
export function countWindows(block: Block, onProgress: () => void): WindowCounts {
  return countCompiled(block, onProgress) ?? countWindowsPlainly(block, onProgress);
}

/** Undefined when something is not as it usually is. */
export function countCompiled(block: Block, onProgress: () => void): WindowCounts | undefined {
  const kernel = downsampleKernel(block, ofNoMatter, MAX_SEGMENT_SIZE, noSinks);
  if (kernel === undefined || !kernel.begin()) return undefined;
  const sizes = kernel.look(onProgress);
  if (sizes === undefined) return undefined;
  const { exports } = kernel;
  return { health: soundHealth(sizes), windowCount: exports.sampleCount(), sampleCount: exports.aggregatedCount() };
}

/** The same without a kernel: its oracle. */
export function countWindowsPlainly(block: Block, onProgress: () => void): WindowCounts {
  const counter = new CountReader(block);
  const health = checkIndex(block, (entry) => {
    counter.add(entry);
    onProgress();
  });
  return { health, windowCount: counter.windowCount, sampleCount: counter.sampleCount };
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
