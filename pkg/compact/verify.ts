// Looks at blocks before and after a merge: nothing broken goes in, and nothing broken or lost comes out.

import { checkIndex, type Defect, defects, describeDefects, type IndexHealth } from '../block/health.ts';
import { during, Fault } from '../errors/fault.ts';
import { Block } from '../tsdb/block.ts';
import type { BlockStats } from '../tsdb/block-meta.ts';
import { type BlockCounts, countBlock } from './count-block.ts';
import { DAMAGED_REASON, OUT_OF_ORDER_REASON } from './damage-reasons.ts';

export interface SourceOptions {
  readonly acceptsMalformedIndex: boolean;
  /** Called for each series. */
  readonly onProgress?: () => void;
}

/** Opens a source, to be closed by the caller. What is wrong with it is `corrupt`, with its identifier as the fact `block`. */
export function openSource(directory: string, ulid: string): Block {
  try {
    return Block.open(directory);
  } catch (thrown) {
    throw during(`verify block ${ulid}`, thrown, { block: ulid });
  }
}

/** Walks the index of a source. A defect is `corrupt`, with the facts `block` and `reason`, the word for its mark. */
export function checkSource(block: Block, { acceptsMalformedIndex, onProgress = () => {} }: SourceOptions): void {
  const { ulid } = block.meta;
  try {
    const health = checkIndex(block, onProgress);
    const found = describeDefects(health, toleratedIn(acceptsMalformedIndex));
    if (found !== undefined) throw new Fault('corrupt', found, { facts: { reason: reasonOf(health) } });
  } catch (thrown) {
    throw during(`verify block ${ulid}`, thrown, { block: ulid });
  }
}

/** Samples right after the end of a block are left out of the merger, as they always were. */
export function toleratedIn(acceptsMalformedIndex: boolean): ReadonlySet<Defect> {
  return new Set<Defect>(acceptsMalformedIndex ? ['labelOrder', 'seriesOrder', 'late'] : ['late']);
}

function reasonOf({ counts }: IndexHealth): string {
  const kinds = (Object.keys(defects) as Defect[]).filter((kind) => counts[kind] > 0 && kind !== 'late');
  return kinds.length === 1 && kinds[0] === 'disordered' ? OUT_OF_ORDER_REASON : DAMAGED_REASON;
}

/**
 * Walks the index of a merger, reads every chunk with its checksum, and compares the counts with what the merge counted
 * and with the sources, which it must equal when the merge was lossless: a copy. Chunks come out with the checksums they
 * came in with, so a wrong one is looked for in the sources: then it is `corrupt`, with that block among the facts. Any
 * other difference is `internal`: the block must not leave this machine. `onProgress` is called for each series.
 */
export function verifyMerger(
  directory: string,
  stats: BlockStats,
  sources: readonly Block[],
  { isLossless, onProgress }: { readonly isLossless: boolean; readonly onProgress: () => void },
): IndexHealth {
  const block = Block.open(directory);
  try {
    let counts: BlockCounts;
    try {
      counts = countBlock(block, onProgress);
    } catch (thrown) {
      for (const source of sources) countSource(source, onProgress);
      throw new Fault('internal', `the merger of ${sources.length} blocks cannot be read`, { cause: thrown });
    }
    const found =
      describeDefects(counts.health) ?? countDefects(counts.samples, stats, sources, { isLossless, onProgress });
    if (found !== undefined) throw new Fault('internal', `the merger of ${sources.length} blocks is invalid: ${found}`);
    return counts.health;
  } finally {
    block.close();
  }
}

/** The same of a source: what is wrong with it is `corrupt`, with the block and a reason. */
function countSource(block: Block, onProgress: () => void): BlockCounts {
  const { ulid } = block.meta;
  try {
    return countBlock(block, onProgress);
  } catch (thrown) {
    throw during(`read chunks of block ${ulid}`, thrown, { block: ulid });
  }
}

type Totals = Pick<BlockStats, 'numSamples' | 'numSeries'>;

function countDefects(
  counted: number,
  stats: BlockStats,
  sources: readonly Block[],
  { isLossless, onProgress }: { readonly isLossless: boolean; readonly onProgress: () => void },
): string | undefined {
  if (counted !== stats.numSamples) return `its chunks have ${counted} samples, ${stats.numSamples} were written`;
  const recorded = sources.map(({ meta }): Totals => meta.stats);
  if (differenceFrom(recorded, stats, isLossless) === undefined) return undefined;
  // What a meta.json records may be wrong, or not there: the blocks themselves decide.
  const found = sources.map((source): Totals => {
    const { health, samples } = countSource(source, onProgress);
    return { numSamples: samples, numSeries: health.seriesCount };
  });
  return differenceFrom(found, stats, isLossless);
}

/** What a merger has too much or too little of, in words. */
function differenceFrom(
  sources: readonly Totals[],
  { numSamples, numSeries }: Totals,
  isLossless: boolean,
): string | undefined {
  const sum = (of: (source: Totals) => number) => sources.reduce((total, source) => total + of(source), 0);
  const samples = sum((source) => source.numSamples);
  if (numSamples > samples) return `it has ${numSamples} samples, its sources ${samples}`;
  if (numSamples < samples && isLossless)
    return `it has ${numSamples} samples, its sources ${samples}, and nothing overlaps`;
  const most = sum((source) => source.numSeries);
  const least = isLossless ? Math.max(...sources.map((source) => source.numSeries)) : 1;
  if (numSeries > most || numSeries < least) return `it has ${numSeries} series, its sources ${least} to ${most}`;
  return undefined;
}
