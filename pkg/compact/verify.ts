// Looks at blocks before and after a merge: nothing broken goes in, and nothing broken or lost comes out.

import { checkIndex, type Defect, defects, describeDefects, type IndexHealth } from '../block/health.ts';
import type { BlockMeta } from '../block/meta.ts';
import { during, Fault } from '../errors/fault.ts';
import { Block } from '../tsdb/block.ts';
import type { BlockStats } from '../tsdb/block-meta.ts';
import { ChunkView } from '../tsdb/chunks/segment-reader.ts';
import type { SeriesEntry } from '../tsdb/index/series-entry.ts';
import { sampleCountAt } from '../tsdb/stored-chunk.ts';

/** Facts of a Fault about one block that must not be compacted: `block` and the word for its mark, `reason`. */
export const OUT_OF_ORDER_REASON = 'block-index-out-of-order-chunk';
export const DAMAGED_REASON = 'damaged-block';

export interface OpenSource {
  /** Close it. */
  readonly block: Block;
  /** False when some of its samples will not be in a merger: deleted ones, and those after its end. */
  readonly isWhole: boolean;
}

/** Opens a source and walks its index. A defect is `corrupt`, with the block and a reason among its facts. */
export function openSource(directory: string, ulid: string, acceptsMalformedIndex: boolean): OpenSource {
  let block: Block | undefined;
  try {
    block = Block.open(directory);
    // Samples right after the end of a block are left out of the merger, as they always were.
    const tolerated = new Set<Defect>(acceptsMalformedIndex ? ['labelOrder', 'seriesOrder', 'late'] : ['late']);
    const health = checkIndex(block);
    const found = describeDefects(health, tolerated);
    if (found !== undefined) throw new Fault('corrupt', found, { facts: { reason: reasonOf(health) } });
    return { block, isWhole: block.tombstones.size === 0 && health.counts.late === 0 };
  } catch (thrown) {
    block?.close();
    throw during(`verify block ${ulid}`, thrown, { block: ulid });
  }
}

function reasonOf({ counts }: IndexHealth): string {
  const kinds = (Object.keys(defects) as Defect[]).filter((kind) => counts[kind] > 0 && kind !== 'late');
  return kinds.length === 1 && kinds[0] === 'disordered' ? OUT_OF_ORDER_REASON : DAMAGED_REASON;
}

/**
 * Walks the index of a merger, reads every chunk with its checksum, and compares the counts with what the merge counted
 * and with the sources, which it must equal when the merge was lossless: a copy. Chunks come out with the checksums they
 * came in with, so a wrong one is looked for in the sources: then it is `corrupt`, with that block among the facts. Any
 * other difference is `internal`: the block must not leave this machine.
 */
export function verifyMerger(
  directory: string,
  stats: BlockStats,
  sources: readonly Block[],
  isLossless: boolean,
): IndexHealth {
  const block = Block.open(directory);
  try {
    const samples = new SampleCounter(block);
    let health: IndexHealth;
    try {
      health = checkIndex(block, (entry) => samples.add(entry));
    } catch (thrown) {
      for (const source of sources) checkChunks(source);
      throw new Fault('internal', `the merger of ${sources.length} blocks cannot be read`, { cause: thrown });
    }
    const metas = sources.map(({ meta }) => meta);
    const found = describeDefects(health) ?? countDefects(samples.count, stats, metas, isLossless);
    if (found !== undefined) throw new Fault('internal', `the merger of ${sources.length} blocks is invalid: ${found}`);
    return health;
  } finally {
    block.close();
  }
}

/** Compares every checksum of a source's chunks. `corrupt` when one differs, with the block and a reason. */
function checkChunks(block: Block): void {
  const { ulid } = block.meta;
  const samples = new SampleCounter(block);
  try {
    checkIndex(block, (entry) => samples.add(entry));
  } catch (thrown) {
    throw during(`read chunks of block ${ulid}`, thrown, { block: ulid });
  }
}

function countDefects(
  counted: number,
  stats: BlockStats,
  sources: readonly Pick<BlockMeta, 'stats'>[],
  isLossless: boolean,
): string | undefined {
  if (counted !== stats.numSamples) return `its chunks have ${counted} samples, ${stats.numSamples} were written`;
  const sum = (of: (stats: BlockStats) => number) => sources.reduce((total, source) => total + of(source.stats), 0);
  const samples = sum(({ numSamples }) => numSamples);
  if (counted > samples) return `it has ${counted} samples, its sources ${samples}`;
  if (counted < samples && isLossless) return `it has ${counted} samples, its sources ${samples}, and nothing overlaps`;
  const most = sum(({ numSeries }) => numSeries);
  const least = isLossless ? Math.max(...sources.map((source) => source.stats.numSeries)) : 1;
  const { numSeries } = stats;
  if (numSeries > most || numSeries < least) return `it has ${numSeries} series, its sources ${least} to ${most}`;
  return undefined;
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
      this.#block.chunk(entry, i, view);
      this.count += sampleCountAt(view.encoding, view.bytes, view.offset, view.length);
    }
  }
}
