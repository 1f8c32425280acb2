// Which resolution a chunk has. Chunks do not say it: those with aggregates are downsampled, and how far their samples are
// apart tells which level they are of.

import { RESOLUTION_1H, RESOLUTION_5M, RESOLUTION_RAW } from '../model/resolution.ts';
import type { ChunkTable } from './chunk-table.ts';
import { Aggregate } from './store.ts';

/** Between the two levels, with room for holes in the finer one. */
const SPARSE_MS = 0.75 * RESOLUTION_1H;

/** Of a chunk, in ms; never coarser than `maxResolutionMs`. A downsampled chunk of one sample counts as the finer level. */
export function chunkResolutionMs(table: ChunkTable, chunk: number, maxResolutionMs: number): number {
  const part = table.firstPart[chunk];
  if (part === table.firstPart[chunk + 1] || table.partAggregate[part] === Aggregate.raw) return RESOLUTION_RAW;
  if (maxResolutionMs < RESOLUTION_1H) return RESOLUTION_5M;
  return spacingMs(table, chunk, part) < SPARSE_MS ? RESOLUTION_5M : RESOLUTION_1H;
}

/** Average distance of the samples of a chunk; every encoding begins with their number, 16 bits big-endian. */
function spacingMs(table: ChunkTable, chunk: number, part: number): number {
  const at = table.partOffset[part];
  const count = table.partLength[part] < 2 ? 0 : (table.bytes[at] << 8) | table.bytes[at + 1];
  // A counter ends with its last raw value once more.
  const samples = table.partAggregate[part] === Aggregate.counter ? count - 1 : count;
  return samples < 2 ? 0 : (table.maxTimes[chunk] - table.minTimes[chunk]) / (samples - 1);
}
