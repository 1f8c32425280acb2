// What lies in the directory of a write-ahead log: segments, and checkpoints that stand for those before them.
//
//   wal/checkpoint.00000004/00000000 …     what was worth keeping of segments up to 4, a log of its own
//   wal/00000005, 00000006, …

import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Fault } from '../../errors/fault.ts';
import { checkpointNumber, walSegmentName, walSegmentNumber } from './format.ts';

export interface WalSegmentFile {
  readonly segment: number;
  readonly path: string;
}

export interface CheckpointDirectory {
  /** The last segment it stands for. */
  readonly lastSegment: number;
  readonly path: string;
}

/** The segments in order. `corrupt` when one between them is missing. */
export function listSegments(directory: string): WalSegmentFile[] {
  const found: WalSegmentFile[] = [];
  for (const name of readdirSync(directory)) {
    const segment = walSegmentNumber(name);
    if (segment !== undefined) found.push({ segment, path: join(directory, name) });
  }
  found.sort((a, b) => a.segment - b.segment);
  for (let i = 1; i < found.length; i++) {
    const wanted = found[i - 1].segment + 1;
    if (found[i].segment !== wanted) {
      throw new Fault('corrupt', `log ${directory}: segment ${walSegmentName(wanted)} is missing`);
    }
  }
  return found;
}

/** The checkpoints in order; one that was never completed has another name. */
export function listCheckpoints(directory: string): CheckpointDirectory[] {
  const found: CheckpointDirectory[] = [];
  for (const { name } of readdirSync(directory, { withFileTypes: true }).filter((entry) => entry.isDirectory())) {
    const lastSegment = checkpointNumber(name);
    if (lastSegment !== undefined) found.push({ lastSegment, path: join(directory, name) });
  }
  return found.sort((a, b) => a.lastSegment - b.lastSegment);
}
