// A compactor over a copy of the bucket, ours and the reference's in turn: wall time, processor time, peak memory of a pass.

import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { parseMeta } from '../pkg/block/meta.ts';
import { isUlid } from '../pkg/model/ulid.ts';
import { historyBucket, wideBucket } from './compaction-data.ts';
import { benchBucket, type Progress } from './data.ts';
import type { Side } from './fleet.ts';
import { type Measured, measured } from './measured.ts';

export interface CompactionRow {
  readonly what: string;
  readonly unit: string;
  readonly thanos: readonly number[];
  readonly tributary: readonly number[];
}

interface Run extends Measured {
  /** The blocks that are left, by what does not differ from run to run. */
  readonly outline: string;
}

const RUNS = 3;

const NO_DOWNSAMPLING = '--downsampling.disable';

interface Kind {
  readonly what: string;
  readonly bucket: (progress: Progress) => string;
  readonly flags: readonly string[];
}

const kinds: readonly Kind[] = [
  { what: 'compaction', bucket: benchBucket, flags: [NO_DOWNSAMPLING] },
  {
    what: 'compaction of replicas by penalty',
    bucket: benchBucket,
    flags: [NO_DOWNSAMPLING, '--deduplication.replica-label=replica', '--deduplication.func=penalty'],
  },
  { what: 'compaction: downsampling 60 days of 100 series', bucket: historyBucket, flags: [] },
];

/** Half a gigabyte on the disk, and as much for each side's copy: only when asked for. */
const wideKind: Kind = {
  what: 'compaction of 200,000 series',
  bucket: wideBucket,
  flags: [NO_DOWNSAMPLING],
};

export interface CompactionOptions {
  readonly scratch: string;
  readonly rounds: number;
  /** Only the kinds whose names hold it. */
  readonly only: string;
  readonly isWide: boolean;
  readonly progress: Progress;
}

/** Rows of every kind of compaction, and what differs between the results of both sides. */
export async function compareCompactions(
  sides: readonly Side[],
  { scratch, rounds, only, isWide, progress }: CompactionOptions,
): Promise<{ readonly rows: readonly CompactionRow[]; readonly differences: readonly string[] }> {
  const rows: CompactionRow[] = [];
  const differences: string[] = [];
  for (const { what, bucket: made, flags } of isWide ? [...kinds, wideKind] : kinds) {
    if (!what.includes(only)) continue;
    const bucket = made(progress);
    const runs: [Run[], Run[]] = [[], []];
    for (let round = -1; round < RUNS * rounds; round++) {
      for (const side of round % 2 === 0 ? [0, 1] : [1, 0]) {
        const run = await compactOnce(sides[side], bucket, join(scratch, 'compaction'), flags);
        if (round >= 0) runs[side].push(run);
      }
    }
    const [thanos, tributary] = runs;
    if (thanos[0].outline !== tributary[0].outline) differences.push(`${what}: blocks differ`);
    for (const [name, unit, of] of [
      ['', 'ms', ({ wallMs }: Run) => wallMs],
      [', processor time', 'ms', ({ cpuMs }: Run) => cpuMs],
      [', peak memory', 'MiB', ({ peakMib }: Run) => peakMib],
    ] as const) {
      rows.push({ what: `${what}${name}`, unit, thanos: thanos.map(of), tributary: tributary.map(of) });
    }
  }
  return { rows, differences };
}

async function compactOnce(
  { command, prefix }: Side,
  bucket: string,
  scratch: string,
  flags: readonly string[],
): Promise<Run> {
  rmSync(scratch, { recursive: true, force: true });
  mkdirSync(scratch, { recursive: true });
  const directory = join(scratch, 'bucket');
  cpSync(bucket, directory, { recursive: true });
  const args = [
    ...prefix,
    'compact',
    '--http-address=127.0.0.1:0',
    `--objstore.config=${JSON.stringify({ type: 'FILESYSTEM', config: { directory } })}`,
    `--data-dir=${join(scratch, 'data')}`,
    '--consistency-delay=0s',
    '--delete-delay=0s',
    '--log.level=warn',
    ...flags,
  ];
  const run = await measured(command, args);
  return { ...run, outline: outlineOf(directory) };
}

function outlineOf(directory: string): string {
  return readdirSync(directory)
    .filter(isUlid)
    .map((ulid) => parseMeta(readFileSync(join(directory, ulid, 'meta.json'))))
    .map(({ minTime, maxTime, stats, compaction, thanos: { labels, resolutionMs } }) =>
      JSON.stringify([String(labels), resolutionMs, minTime, maxTime, stats, compaction.level, compaction.sources]),
    )
    .sort()
    .join('\n');
}
