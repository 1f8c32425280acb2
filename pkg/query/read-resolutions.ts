// Which resolutions the chunks of an answer have. Chunks do not say it: those with aggregates are downsampled, and how far
// their samples are apart tells which level they are of.

import { RESOLUTION_1H, RESOLUTION_5M, RESOLUTION_RAW } from '../model/resolution.ts';
import type { ChunkTable } from '../store/chunk-table.ts';
import { Aggregate } from '../store/store.ts';

/** Between the two levels, with room for holes in the finer one. */
const SPARSE_MS = 0.75 * RESOLUTION_1H;
/** What was counted counts already: the rest of a long answer need not be looked at. */
const LEVELS = 3;

/**
 * Adds the resolutions of a table's chunks, ms, of which none is coarser than what was allowed. A downsampled chunk of one
 * sample tells nothing and counts as the finer level.
 */
export function addResolutions(table: ChunkTable, maxResolutionMs: number, into: Set<number>): void {
  const sparseMs = maxResolutionMs < RESOLUTION_1H ? Infinity : SPARSE_MS;
  for (let chunk = 0; chunk < table.length && into.size < LEVELS; chunk++) {
    const part = table.firstPart[chunk];
    if (part === table.firstPart[chunk + 1]) continue;
    if (table.partAggregate[part] === Aggregate.raw) into.add(RESOLUTION_RAW);
    else into.add(spacingMs(table, chunk, part) < sparseMs ? RESOLUTION_5M : RESOLUTION_1H);
  }
}

/** Average distance of the samples of a chunk; every encoding begins with their number, 16 bits big-endian. */
function spacingMs(table: ChunkTable, chunk: number, part: number): number {
  const at = table.partOffset[part];
  const count = table.partLength[part] < 2 ? 0 : (table.bytes[at] << 8) | table.bytes[at + 1];
  // A counter ends with its last raw value once more.
  const samples = table.partAggregate[part] === Aggregate.counter ? count - 1 : count;
  return samples < 2 ? 0 : (table.maxTimes[chunk] - table.minTimes[chunk]) / (samples - 1);
}
