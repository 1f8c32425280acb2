// What the blocks API says, as the page uses it. The answer comes from outside: what is missing or odd in it has a plain
// meaning here.

import { labelText } from '../parts/label-filter.ts';
import type { LabelRecord } from '../parts/label-set.tsx';

export interface BlockMark {
  readonly kind: string;
  /** Unix ms. */
  readonly timeMs: number;
  readonly details: string;
  readonly reason: string;
}

export interface BlockEntry {
  readonly ulid: string;
  /** From inclusive, to exclusive, ms. */
  readonly from: number;
  readonly to: number;
  readonly labels: LabelRecord;
  readonly resolutionMs: number;
  readonly level: number;
  readonly source: string;
  readonly sources: readonly string[];
  readonly seriesCount: number;
  readonly sampleCount: number;
  readonly chunkCount: number;
  /** Recorded in meta.json; 0 when it is not. */
  readonly sizeBytes: number;
  readonly marks: readonly BlockMark[];
  /** Stream and resolution: what compaction may put together. */
  readonly group: string;
  /** meta.json as it is. */
  readonly meta: Readonly<Record<string, unknown>>;
}

export interface PartialBlock {
  readonly ulid: string;
  readonly kind: string;
  readonly error: string;
}

export interface BacklogGroup {
  readonly group: string;
  readonly labels: LabelRecord;
  readonly resolutionMs: number;
  readonly compactionCount: number;
  readonly downsampleCount: number;
  readonly blockCount: number;
  readonly sizeBytes: number;
  readonly blockedBecause: string;
}

export interface Backlog {
  readonly workedOutAtMs: number;
  readonly groups: readonly BacklogGroup[];
  readonly deletionCount: number;
  readonly bytesPerSecond: number | undefined;
  readonly estimatedEndMs: number | undefined;
}

export interface BlocksAnswer {
  readonly label: string;
  readonly blocks: readonly BlockEntry[];
  readonly partial: readonly PartialBlock[];
  /** Undefined before the bucket was looked at. */
  readonly refreshedAtMs: number | undefined;
  readonly error: string;
  readonly canMark: boolean;
  readonly backlog: Backlog | undefined;
}

/** An answer of the API; blocks come in the order of their beginning. */
export function blocksOf(data: unknown): BlocksAnswer {
  const answer = recordOf(data);
  const marks = new Map<string, BlockMark[]>();
  for (const mark of listOf(answer['marks']).map(recordOf)) {
    const id = textOf(mark['id']);
    const list = marks.get(id) ?? [];
    marks.set(id, list);
    list.push({
      kind: textOf(mark['kind']),
      timeMs: numberOf(mark['timeMs']),
      details: textOf(mark['details']),
      reason: textOf(mark['reason']),
    });
  }
  const refreshedAtMs = Date.parse(textOf(answer['refreshedAt']));
  return {
    label: textOf(answer['label']),
    blocks: listOf(answer['blocks'])
      .map((meta) => entryOf(recordOf(meta), marks))
      .sort((a, b) => a.from - b.from || (a.ulid < b.ulid ? -1 : 1)),
    partial: listOf(answer['partial'])
      .map(recordOf)
      .map((one) => ({ ulid: textOf(one['id']), kind: textOf(one['kind']), error: textOf(one['error']) })),
    refreshedAtMs: refreshedAtMs > 0 ? refreshedAtMs : undefined,
    error: textOf(answer['err']),
    canMark: answer['canMark'] === true,
    backlog: answer['backlog'] === undefined ? undefined : backlogOf(recordOf(answer['backlog'])),
  };
}

function entryOf(
  meta: Readonly<Record<string, unknown>>,
  marks: ReadonlyMap<string, readonly BlockMark[]>,
): BlockEntry {
  const thanos = recordOf(meta['thanos']);
  const compaction = recordOf(meta['compaction']);
  const stats = recordOf(meta['stats']);
  const labels = labelsOf(thanos['labels']);
  const resolutionMs = numberOf(recordOf(thanos['downsample'])['resolution']);
  const ulid = textOf(meta['ulid']);
  return {
    ulid,
    from: numberOf(meta['minTime']),
    to: numberOf(meta['maxTime']),
    labels,
    resolutionMs,
    level: numberOf(compaction['level']),
    source: textOf(thanos['source']),
    sources: listOf(compaction['sources']).map(textOf),
    seriesCount: numberOf(stats['numSeries']),
    sampleCount: numberOf(stats['numSamples']),
    chunkCount: numberOf(stats['numChunks']),
    sizeBytes: listOf(thanos['files']).reduce<number>((sum, file) => sum + numberOf(recordOf(file)['size_bytes']), 0),
    marks: marks.get(ulid) ?? [],
    group: `${resolutionMs} ${labelText(labels)}`,
    meta,
  };
}

function backlogOf(backlog: Readonly<Record<string, unknown>>): Backlog {
  const { bytesPerSecond, estimatedEndMs } = backlog;
  return {
    workedOutAtMs: numberOf(backlog['workedOutAtMs']),
    deletionCount: numberOf(backlog['deletionCount']),
    bytesPerSecond: typeof bytesPerSecond === 'number' ? bytesPerSecond : undefined,
    estimatedEndMs: typeof estimatedEndMs === 'number' ? estimatedEndMs : undefined,
    groups: listOf(backlog['groups'])
      .map(recordOf)
      .map((group) => ({
        group: textOf(group['group']),
        labels: labelsOf(group['labels']),
        resolutionMs: numberOf(group['resolutionMs']),
        compactionCount: numberOf(group['compactionCount']),
        downsampleCount: numberOf(group['downsampleCount']),
        blockCount: numberOf(group['blockCount']),
        sizeBytes: numberOf(group['sizeBytes']),
        blockedBecause: textOf(group['blockedBecause']),
      })),
  };
}

/** What a resolution is called. */
export function resolutionText(ms: number): string {
  return ms === 0 ? 'raw' : ms === 300_000 ? '5m' : ms === 3_600_000 ? '1h' : `${ms} ms`;
}

/** An object's members; an empty one for what is none. */
export function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
}

/** A list; an empty one for what is none. */
export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function labelsOf(value: unknown): LabelRecord {
  return Object.fromEntries(
    Object.entries(recordOf(value))
      .filter((pair): pair is [string, string] => typeof pair[1] === 'string')
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function numberOf(value: unknown): number {
  return typeof value === 'number' && Number.isFinite(value) ? value : 0;
}
