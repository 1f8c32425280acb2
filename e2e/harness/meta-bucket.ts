// A bucket that holds only what a list of blocks needs: meta.json and marks. Weeks of blocks of two clusters as a compactor
// leaves them, with what a page must show: an overlap, a hole, marks, downsampled blocks, an upload that never ended.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type MarkKind, markName, newMark, printMark } from '../../pkg/block/marks.ts';
import { type BlockMeta, emptyThanos, printMeta } from '../../pkg/block/meta.ts';
import { Labels } from '../../pkg/model/labels.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const FIVE_MINUTES_MS = 300_000;

export interface MetaBucket {
  /** Two blocks of one group that share a time, which no compactor left like that. */
  readonly overlap: readonly [string, string];
  readonly markedForDeletion: string;
  readonly noCompact: string;
  readonly partial: string;
  /** An ordinary block, for tests to mark. */
  readonly plain: string;
  readonly blockCount: number;
}

/** Writes it below `directory`; the newest block ends at `endMs`. The same times give the same bucket. */
export function writeMetaBucket(directory: string, endMs: number): MetaBucket {
  const end =
    Math.floor(endMs / (14 * DAY_MS)) * 14 * DAY_MS + Math.floor((endMs % (14 * DAY_MS)) / (2 * HOUR_MS)) * 2 * HOUR_MS;
  let blockCount = 0;
  const write = (spec: BlockSpec): string => {
    const meta = metaOf(spec, ulidOf(blockCount++));
    const folder = join(directory, meta.ulid);
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'meta.json'), printMeta(meta));
    return meta.ulid;
  };
  const mark = (kind: MarkKind, ulid: string, details: string): string => {
    writeFileSync(join(directory, markName(kind, ulid)), printMark(newMark(kind, ulid, { details, nowMs: endMs })));
    return ulid;
  };
  const clusters = [
    { cluster: 'eu', replica: 'a' },
    { cluster: 'eu', replica: 'b' },
    { cluster: 'us', replica: 'a' },
  ];
  const plain: string[] = [];
  for (const labels of clusters) {
    const twoWeeks = Math.floor((end - 15 * DAY_MS) / (14 * DAY_MS)) * 14 * DAY_MS;
    for (let from = twoWeeks - 56 * DAY_MS; from < twoWeeks; from += 14 * DAY_MS) {
      // Two weeks nobody has: a hole.
      if (labels.cluster === 'us' && from === twoWeeks - 28 * DAY_MS) continue;
      for (const resolutionMs of [0, FIVE_MINUTES_MS, HOUR_MS]) {
        write({ labels, from, to: from + 14 * DAY_MS, level: 4, resolutionMs, sourceCount: 168 });
      }
    }
    const days = Math.floor((end - 12 * HOUR_MS) / (2 * DAY_MS)) * 2 * DAY_MS;
    for (let from = twoWeeks; from < days; from += 2 * DAY_MS) {
      for (const resolutionMs of [0, FIVE_MINUTES_MS]) {
        write({ labels, from, to: from + 2 * DAY_MS, level: 3, resolutionMs, sourceCount: 24 });
      }
    }
    for (let from = days; from < end; from += 2 * HOUR_MS) {
      plain.push(write({ labels, from, to: from + 2 * HOUR_MS, level: 1, resolutionMs: 0, sourceCount: 1 }));
    }
  }
  const labels = { cluster: 'ap', replica: 'a' };
  const from = end - 20 * DAY_MS;
  const span = { labels, level: 2, resolutionMs: 0, sourceCount: 4 };
  const overlap = [
    write({ ...span, from, to: from + 8 * DAY_MS }),
    write({ ...span, from: from + 7 * DAY_MS, to: from + 12 * DAY_MS }),
  ] as const;
  const noCompact = write({ ...span, from: from + 12 * DAY_MS, to: from + 16 * DAY_MS });
  const markedForDeletion = write({ ...span, from: from + 16 * DAY_MS, to: end });
  mark('no-compact', noCompact, 'a chunk of it cannot be read');
  mark('deletion', markedForDeletion, 'made by mistake');
  const partial = ulidOf(blockCount);
  mkdirSync(join(directory, partial), { recursive: true });
  writeFileSync(join(directory, partial, 'index'), '');
  return { overlap, markedForDeletion, noCompact, partial, plain: plain[0], blockCount };
}

interface BlockSpec {
  readonly labels: Readonly<Record<string, string>>;
  readonly from: number;
  readonly to: number;
  readonly level: number;
  readonly resolutionMs: number;
  readonly sourceCount: number;
}

function metaOf({ labels, from, to, level, resolutionMs, sourceCount }: BlockSpec, ulid: string): BlockMeta {
  const hours = (to - from) / HOUR_MS;
  const perHour = resolutionMs === 0 ? 240 : HOUR_MS / resolutionMs;
  const numSamples = Math.round(hours * perHour * 4200);
  const sources = Array.from({ length: sourceCount }, (_, i) => `${ulid.slice(0, 20)}${String(i).padStart(6, '0')}`);
  return {
    ulid,
    minTime: from,
    maxTime: to,
    stats: {
      numSamples,
      numFloatSamples: numSamples,
      numHistogramSamples: 0,
      numSeries: 4200,
      numChunks: Math.ceil(numSamples / 120),
      numTombstones: 0,
    },
    compaction: {
      level,
      sources: sourceCount === 1 ? [ulid] : sources,
      parents: [],
      deletable: false,
      failed: false,
      hints: [],
    },
    thanos: {
      ...emptyThanos,
      version: 1,
      labels: Labels.of(labels),
      resolutionMs,
      source: level === 1 ? 'sidecar' : 'compactor',
      segmentFiles: ['000001'],
      files: [
        { relPath: 'chunks/000001', sizeBytes: Math.round(numSamples * 1.4), sha256: '' },
        { relPath: 'index', sizeBytes: 680_000, sha256: '' },
        { relPath: 'meta.json', sizeBytes: 0, sha256: '' },
      ],
      uploadTime: new Date(to + 120_000).toISOString(),
    },
  };
}

const DIGITS = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

/** Identifiers in order, the same each time. */
function ulidOf(count: number): string {
  const digits = [count >> 10, count >> 5, count].map((value) => DIGITS[value & 31]).join('');
  return `01KTRJBV00000${digits}0000000000`;
}
