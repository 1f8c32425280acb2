// Label names and values of one block, with and without matchers.

import type { RequestContext } from '../../async/request.ts';
import type { IndexHeaderReader } from '../../block/index-header/reader.ts';
import type { IndexCache } from '../../cache/index-cache.ts';
import { Matcher } from '../../model/matcher.ts';
import { expandPostings } from './expand-postings.ts';
import type { RemoteBlock } from './remote-block.ts';
import type { RequestStats } from './request-stats.ts';
import { loadSeries, type SeriesRange } from './series-loader.ts';
import type { SeriesTable } from './series-table.ts';

const ENTRIES_AT_ONCE = 4096;

export interface LabelSearch {
  readonly block: RemoteBlock;
  readonly header: IndexHeaderReader;
  /** Those on external labels taken out: they hold for this block. */
  readonly matchers: readonly Matcher[];
  readonly range: SeriesRange;
  readonly without: ReadonlySet<string>;
  readonly cache: IndexCache;
  readonly stats: RequestStats;
}

/**
 * Names of the block's series labels, and the external ones when there are any others. Dropped names are never added;
 * they stay when series have them and no matcher is asked.
 */
export async function blockLabelNames(request: RequestContext, search: LabelSearch): Promise<string[]> {
  const { block, header, matchers, without } = search;
  const names = matchers.length === 0 ? header.labelNames() : await namesOfSeries(request, search);
  if (names.length === 0) return names;
  for (const [name] of block.labels) if (!without.has(name)) names.push(name);
  return names;
}

/** Values of a label in the block, its external value included. With matchers only those of series that match. */
export async function blockLabelValues(
  request: RequestContext,
  search: LabelSearch,
  label: string,
): Promise<readonly string[]> {
  const { block, header, matchers } = search;
  const external = block.labels.get(label);
  if (matchers.length === 0) {
    const values = header.labelValues(label);
    return external === '' ? values : [...values, external];
  }
  if (external !== '') {
    for await (const table of matchingSeries(request, search, matchers)) if (table.length > 0) return [external];
    return [];
  }
  if (!header.hasLabel(label)) return [];
  const name = header.symbols.rank(label).id;
  const ids = new Set<number>();
  for await (const table of matchingSeries(request, search, [...matchers, new Matcher('!=', label, '')])) {
    for (let i = 0; i < table.firstLabel[table.length]; i += 2) {
      if (table.labelIds[i] === name) ids.add(table.labelIds[i + 1]);
    }
  }
  return Array.from(ids, (id) => header.symbols.get(id));
}

async function namesOfSeries(request: RequestContext, search: LabelSearch): Promise<string[]> {
  const ids = new Set<number>();
  for await (const table of matchingSeries(request, search, search.matchers)) {
    for (let i = 0; i < table.firstLabel[table.length]; i += 2) ids.add(table.labelIds[i]);
  }
  return Array.from(ids, (id) => search.header.symbols.get(id)).filter((name) => !search.without.has(name));
}

async function* matchingSeries(
  request: RequestContext,
  { block, header, range, cache, stats }: LabelSearch,
  matchers: readonly Matcher[],
): AsyncGenerator<SeriesTable> {
  const ids = await expandPostings(request, block, header, matchers, cache, stats);
  for (let at = 0; at < ids.length; at += ENTRIES_AT_ONCE) {
    const some = ids.subarray(at, at + ENTRIES_AT_ONCE);
    yield await loadSeries(request, block, some, header, range, stats);
  }
}
