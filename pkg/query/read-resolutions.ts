// Which resolutions the chunks of an answer have.

import { chunkResolutionMs } from '../store/chunk-resolution.ts';
import type { ChunkTable } from '../store/chunk-table.ts';

/** What was counted counts already: the rest of a long answer need not be looked at. */
const LEVELS = 3;

/** Adds the resolutions of a table's chunks, ms, of which none is coarser than what was allowed. */
export function addResolutions(table: ChunkTable, maxResolutionMs: number, into: Set<number>): void {
  for (let chunk = 0; chunk < table.length && into.size < LEVELS; chunk++) {
    if (table.firstPart[chunk] === table.firstPart[chunk + 1]) continue;
    into.add(chunkResolutionMs(table, chunk, maxResolutionMs));
  }
}
