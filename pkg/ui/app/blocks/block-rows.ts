// Blocks as rows of a timeline: a heading for each stream, below it a row for each resolution, in that a lane for each
// compaction level and for blocks that overlap.

import type { Bar } from '../parts/bars.ts';
import { assignLanes } from '../parts/intervals.ts';
import { labelText } from '../parts/label-filter.ts';
import type { LabelRecord } from '../parts/label-set.tsx';
import { type BlockEntry, resolutionText } from './blocks.ts';
import type { BlockFindings } from './findings.ts';

export interface BlockRow {
  readonly key: string;
  readonly labels: LabelRecord;
  /** Undefined for the heading of a stream. */
  readonly resolutionMs: number | undefined;
  readonly laneCount: number;
  readonly bars: readonly Bar[];
  readonly blockCount: number;
}

/** By one external label, or by all of them when it is empty. `describe` gives the words of one block. */
export function blockRows(
  blocks: readonly BlockEntry[],
  label: string,
  findings: BlockFindings,
  describe: (block: BlockEntry) => string,
): readonly BlockRow[] {
  const streams = new Map<string, { labels: LabelRecord; byResolution: Map<number, BlockEntry[]> }>();
  for (const block of blocks) {
    const labels = label === '' ? block.labels : { [label]: block.labels[label] ?? '' };
    const key = labelText(labels);
    const stream = streams.get(key) ?? { labels, byResolution: new Map<number, BlockEntry[]>() };
    streams.set(key, stream);
    const list = stream.byResolution.get(block.resolutionMs);
    if (list === undefined) stream.byResolution.set(block.resolutionMs, [block]);
    else list.push(block);
  }
  const rows: BlockRow[] = [];
  for (const [key, { labels, byResolution }] of [...streams].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const blockCount = [...byResolution.values()].reduce((sum, list) => sum + list.length, 0);
    rows.push({ key, labels, resolutionMs: undefined, laneCount: 1, bars: [], blockCount });
    for (const [resolutionMs, list] of [...byResolution].sort(([a], [b]) => a - b)) {
      const { bars, laneCount } = laidOut(list, findings, describe);
      rows.push({ key: `${resolutionMs} ${key}`, labels, resolutionMs, laneCount, bars, blockCount: list.length });
    }
  }
  return rows;
}

/** The largest blocks on top: level by level, each with as many lanes as its blocks need. */
function laidOut(
  blocks: readonly BlockEntry[],
  findings: BlockFindings,
  describe: (block: BlockEntry) => string,
): { readonly bars: readonly Bar[]; readonly laneCount: number } {
  const levels = new Map<number, BlockEntry[]>();
  for (const block of blocks) {
    const list = levels.get(block.level);
    if (list === undefined) levels.set(block.level, [block]);
    else list.push(block);
  }
  const bars: Bar[] = [];
  let laneCount = 0;
  for (const [, list] of [...levels].sort(([a], [b]) => b - a)) {
    const sorted = [...list].sort((a, b) => a.from - b.from);
    const { lanes, laneCount: needed } = assignLanes(sorted);
    for (const [i, block] of sorted.entries()) {
      bars.push({
        key: block.ulid,
        from: block.from,
        to: block.to,
        lane: laneCount + lanes[i],
        look: lookOf(block, findings),
        text: describe(block),
      });
    }
    laneCount += needed;
  }
  return { bars, laneCount };
}

function lookOf(block: BlockEntry, { overlapping, replacedBy }: BlockFindings): string {
  const looks = [`look-level-${Math.min(5, Math.max(1, block.level))}`];
  if (overlapping.has(block.ulid)) looks.push('look-overlap');
  if (replacedBy.has(block.ulid)) looks.push('look-replaced');
  if (block.marks.some(({ kind }) => kind === 'deletion')) looks.push('look-deletion');
  if (block.marks.some(({ kind }) => kind === 'no-compact')) looks.push('look-no-compact');
  return looks.join(' ');
}

/** `raw`, `5m`: what stands before a row. */
export function rowText({ labels, resolutionMs, blockCount }: BlockRow): string {
  const blocks = `${blockCount} ${blockCount === 1 ? 'block' : 'blocks'}`;
  return resolutionMs === undefined ? `${labelText(labels)}: ${blocks}` : `${resolutionText(resolutionMs)}: ${blocks}`;
}
