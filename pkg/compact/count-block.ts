// What a block on this machine holds, every checksum compared: by a kernel as long as all is well, else by the plain code,
// which tells what is not.

import { checkIndex, type IndexHealth, soundHealth } from '../block/health.ts';
import type { Block } from '../tsdb/block.ts';
import { ChunkView } from '../tsdb/chunks/segment-reader.ts';
import type { SeriesEntry } from '../tsdb/index/series-entry.ts';
import { inspectBlock } from '../tsdb/inspect-block.ts';
import { sampleCountAt } from '../tsdb/stored-chunk.ts';

export interface BlockCounts {
  readonly health: IndexHealth;
  readonly samples: number;
}

/** Reads every entry and compares every checksum of a block's chunks. `onProgress` is called again and again. */
export function countBlock(block: Block, onProgress: () => void): BlockCounts {
  const inspection = inspectBlock(block, onProgress);
  if (inspection === undefined) return countPlainly(block, onProgress);
  return { health: soundHealth(inspection), samples: inspection.sampleCount };
}

/** The same without a kernel: its oracle. */
export function countPlainly(block: Block, onProgress: () => void): BlockCounts {
  const samples = new SampleCounter(block);
  const health = checkIndex(block, (entry) => {
    samples.add(entry);
    onProgress();
  });
  return { health, samples: samples.count };
}

/** Adds up the samples of a block's chunks, whose checksums are compared on the way. */
class SampleCounter {
  count = 0;
  readonly #block: Block;
  readonly #view = new ChunkView();

  constructor(block: Block) {
    this.#block = block;
  }

  add(entry: SeriesEntry): void {
    const view = this.#view;
    for (let i = 0; i < entry.chunkCount; i++) {
      this.#block.segments.readNext(entry.segments[i], entry.offsets[i], view);
      this.count += sampleCountAt(view.encoding, view.bytes, view.offset, view.length);
    }
  }
}
