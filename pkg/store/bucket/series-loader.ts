// Ids of series to their entries, read from the block's index in few ranges.

import { mapParallel } from '../../async/parallel.ts';
import type { RequestContext } from '../../async/request.ts';
import type { IndexHeaderReader } from '../../block/index-header/reader.ts';
import { slabs } from '../../bytes/slabs.ts';
import { during } from '../../errors/fault.ts';
import {
  decodeSeriesEntry,
  MAX_SERIES_SIZE_BYTES,
  SeriesEntry,
  seriesEntrySize,
} from '../../tsdb/index/series-entry.ts';
import { partition } from './partitioner.ts';
import type { RemoteBlock } from './remote-block.ts';
import type { RequestStats } from './request-stats.ts';
import { SeriesTable } from './series-table.ts';

const CONCURRENT_READS = 4;

export interface SeriesRange {
  /** Both inclusive: series without a chunk that meets it are left out. */
  readonly minTime: number;
  readonly maxTime: number;
}

/**
 * Entries of `ids`, ascending, in that order. `kept`, when given, receives the index in `ids` of each series of the
 * table. `header` is the block's: entries end before the posting lists it tells of. Checksums are verified.
 */
export async function loadSeries(
  request: RequestContext,
  block: RemoteBlock,
  ids: Uint32Array,
  header: IndexHeaderReader,
  range: SeriesRange,
  stats: RequestStats,
  kept?: number[],
): Promise<SeriesTable> {
  const estimate = block.seriesEstimate;
  const unit = header.seriesUnit;
  const postingsStart = header.toc.postings;
  const parts = partition(
    ids.length,
    (i) => ids[i] * unit,
    (i) => Math.max(ids[i] * unit + MAX_SERIES_SIZE_BYTES, Math.min(ids[i] * unit + estimate, postingsStart)),
  );
  const read = (signal: AbortSignal, start: number, length: number): Promise<Uint8Array> => {
    stats.series.fetches++;
    return block.readIndex({ ...request, signal }, start, length);
  };
  const table = new SeriesTable(Math.min(256, ids.length));
  const entry = new SeriesEntry();
  stats.series.touched += ids.length;
  for (let first = 0; first < parts.length; first += CONCURRENT_READS) {
    const some = parts.slice(first, first + CONCURRENT_READS);
    const loaded = await mapParallel(
      some,
      CONCURRENT_READS,
      (part, signal) => read(signal, part.start, part.end - part.start),
      request.signal,
    );
    for (let p = 0; p < some.length; p++) {
      const { start, first: from, last } = some[p];
      const bytes = loaded[p];
      stats.series.fetched += last - from;
      stats.series.fetchedBytes += bytes.length;
      for (let i = from; i < last; i++) {
        const position = ids[i] * unit;
        try {
          let at = position - start;
          let entryBytes = bytes;
          const size = seriesEntrySize(bytes, at);
          if (at + size > bytes.length) {
            // Longer than estimated: read once more, exactly.
            entryBytes = await read(request.signal, position, size);
            stats.series.fetchedBytes += entryBytes.length;
            at = 0;
          }
          stats.series.touchedBytes += size;
          decodeSeriesEntry(entryBytes, at, entry);
          header.numberSymbols(entry.labelRefs, 2 * entry.labelCount);
        } catch (thrown) {
          throw during(`read series ${ids[i]} of ${block.ulid}/index`, thrown, { block: block.ulid });
        }
        if (table.add(entry, range.minTime, range.maxTime)) kept?.push(i);
      }
      slabs.giveBack(bytes);
    }
  }
  return table;
}
