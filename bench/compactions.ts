// A compactor over a copy of the bucket, ours and the reference's in turn: wall time, processor time, peak memory of a pass.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { parseMeta } from '../pkg/block/meta.ts';
import { isUlid } from '../pkg/model/ulid.ts';
import type { Side } from './fleet.ts';

export interface CompactionRow {
  readonly what: string;
  readonly unit: string;
  readonly thanos: readonly number[];
  readonly tributary: readonly number[];
}

interface Run {
  readonly wallMs: number;
  readonly cpuMs: number;
  readonly peakMib: number;
  /** The blocks that are left, by what does not differ from run to run. */
  readonly outline: string;
}

const RUNS = 3;
const POLL_MS = 10;

const kinds = [
  ['compaction', ['--downsampling.disable']],
  [
    'compaction of replicas by penalty',
    ['--downsampling.disable', '--deduplication.replica-label=replica', '--deduplication.func=penalty'],
  ],
] as const;

/** Rows of every kind of compaction, and what differs between the results of both sides. */
export async function compareCompactions(
  sides: readonly Side[],
  bucket: string,
  scratch: string,
  rounds: number,
): Promise<{ readonly rows: readonly CompactionRow[]; readonly differences: readonly string[] }> {
  const rows: CompactionRow[] = [];
  const differences: string[] = [];
  for (const [what, flags] of kinds) {
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
  const since = performance.now();
  const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'inherit'] });
  const exited = once(child, 'exit').then(([code]) => ({ code: code as number | null, at: performance.now() }));
  const seen = { cpuMs: 0, peakMib: 0 };
  let isRunning = true;
  exited.finally(() => {
    isRunning = false;
  });
  while (isRunning) {
    look(child.pid ?? 0, seen);
    await pause(POLL_MS);
  }
  const end = await exited;
  if (end.code !== 0) throw new Error(`${command} compact ended with ${end.code}`);
  return { wallMs: end.at - since, ...seen, outline: outlineOf(directory) };
}

/** Both grow only, so that the last look before the end is what counts. */
function look(pid: number, seen: { cpuMs: number; peakMib: number }): void {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    const peak = /^VmHWM:\s+(\d+) kB/m.exec(status);
    if (peak !== null) seen.peakMib = Number(peak[1]) / 1024;
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
    seen.cpuMs = (Number(fields[11]) + Number(fields[12])) * 10;
  } catch {
    // It has ended.
  }
}

function outlineOf(directory: string): string {
  return readdirSync(directory)
    .filter(isUlid)
    .map((ulid) => parseMeta(readFileSync(join(directory, ulid, 'meta.json'))))
    .map(({ minTime, maxTime, stats, compaction, thanos: { labels } }) =>
      JSON.stringify([String(labels), minTime, maxTime, stats, compaction.level, compaction.sources]),
    )
    .sort()
    .join('\n');
}
