// The matching series of one block as a stream in the order of their final labels.
//
// A block has its series in the order of their own labels. External labels change that order only between a series and
// those that have all its labels and more: such a series is held back until its longer sisters have passed. Where
// labels are dropped or replaced the order may change everywhere; then entries of all series (never their chunks) are
// collected and sorted first.

import { setImmediate as nextTurn } from 'node:timers/promises';
import { readAhead } from '../../async/batches.ts';
import type { RequestContext } from '../../async/request.ts';
import type { IndexHeaderReader } from '../../block/index-header/reader.ts';
import { slabs } from '../../bytes/slabs.ts';
import { compareLabels } from '../../model/labels.ts';
import type { BatchToMerge, SeriesList } from '../merge-responses.ts';
import type { Sharder } from '../shard.ts';
import type { Aggregate, StoreSeries } from '../store.ts';
import type { ByteBudget } from './byte-budget.ts';
import { ChunkLoader, type HeldBytes, type LoadedChunks } from './chunk-loader.ts';
import { LabelPlan } from './label-plan.ts';
import type { RemoteBlock } from './remote-block.ts';
import type { RequestStats } from './request-stats.ts';
import { loadSeries } from './series-loader.ts';
import type { SeriesTable } from './series-table.ts';

export interface BlockSeriesOptions {
  /** Both inclusive. */
  readonly minTime: number;
  readonly maxTime: number;
  readonly skipChunks: boolean;
  readonly aggregates: readonly Aggregate[];
  readonly without: ReadonlySet<string>;
  readonly sharder: Sharder | undefined;
  /** Entries of series read and decoded at once, of the first table and of others. */
  readonly firstEntries: number;
  readonly entriesAtOnce: number;
  /** Most series of the first batch and of others: all blocks make their first one before anything can be answered. */
  readonly firstSeries: number;
  readonly batchSeries: number;
  /** About how many bytes of chunks a batch may hold. */
  readonly batchBytes: number;
  readonly budget: ByteBudget;
}

/** Some series of the block, and the order to give them out in. */
interface OrderedTable {
  readonly table: SeriesTable;
  readonly order: Int32Array;
}

/**
 * Streams the series of `ids` (ascending) with their chunks. Series whose chunks all lie outside of the asked time are
 * left out. A batch's series are made as they are asked for, with `header`. Its chunk bytes stay valid until it is
 * released; what they count against the budget is given back two batches later.
 */
export async function* blockSeries(
  request: RequestContext,
  block: RemoteBlock,
  header: IndexHeaderReader,
  ids: Uint32Array,
  options: BlockSeriesOptions,
  stats: RequestStats,
): AsyncGenerator<BatchToMerge> {
  const plan = new LabelPlan(header, block.labels, options.without);
  const loader = new ChunkLoader(block, options.aggregates, stats);
  const tables = plan.mayReorder
    ? sortedTable(request, block, header, ids, plan, options, stats)
    : orderedTables(request, block, header, ids, plan, options, stats);
  const lender = new Lender(options.budget);
  let mostSeries = options.firstSeries;
  try {
    for await (const { table, order } of readAhead(tables, 1)) {
      for (let at = 0; at < order.length; ) {
        const batch = new Int32Array(Math.min(mostSeries, order.length - at));
        let count = 0;
        const cursor = { segment: -1, last: 0, end: 0 };
        for (let bytes = 0; at < order.length && count < mostSeries && bytes < options.batchBytes; at++) {
          const series = order[at];
          plan.prepare(table, series);
          if (options.sharder !== undefined && !options.sharder.matches(plan.labels(table, series))) continue;
          if (!options.skipChunks) bytes += loader.cost(table, series, cursor);
          batch[count++] = series;
        }
        if (count === 0) continue;
        lender.nextBatch();
        const some = batch.subarray(0, count);
        const chunks = options.skipChunks ? undefined : await loader.load(request, table, some, lender);
        yield { series: new BlockBatch(plan, table, some, chunks), warnings: [], release: lender.release() };
        mostSeries = options.batchSeries;
      }
    }
  } finally {
    lender.close();
  }
}

/**
 * Series that are made as they are asked for. Of many blocks most of the series read are waiting for their turn: as
 * objects they would outlive the young generation of the collector, and all be moved to the old one.
 */
class BlockBatch implements SeriesList {
  readonly #plan: LabelPlan;
  readonly #table: SeriesTable;
  readonly #series: Int32Array;
  readonly #chunks: LoadedChunks | undefined;

  constructor(plan: LabelPlan, table: SeriesTable, series: Int32Array, chunks: LoadedChunks | undefined) {
    this.#plan = plan;
    this.#table = table;
    this.#series = series;
    this.#chunks = chunks;
  }

  get length(): number {
    return this.#series.length;
  }

  at(index: number): StoreSeries {
    return {
      labels: this.#plan.labels(this.#table, this.#series[index]),
      chunks: this.#chunks?.slicesOf(index) ?? [],
    };
  }
}

/** Tables of some thousand series each, ordered by final labels within and across. */
async function* orderedTables(
  request: RequestContext,
  block: RemoteBlock,
  header: IndexHeaderReader,
  ids: Uint32Array,
  plan: LabelPlan,
  options: BlockSeriesOptions,
  stats: RequestStats,
): AsyncGenerator<OrderedTable> {
  let heldIds: number[] = [];
  for (let at = 0; at < ids.length; ) {
    const fresh = ids.subarray(at, at + (at === 0 ? options.firstEntries : options.entriesAtOnce));
    at += fresh.length;
    const some = new Uint32Array(heldIds.length + fresh.length);
    some.set(heldIds);
    some.set(fresh, heldIds.length);
    const kept: number[] = [];
    const table = await loadSeries(request, block, some, header, options, stats, kept);
    const { order, held } = holdBack(table, plan.lastExternalRank, at >= ids.length);
    // Series still held come again with the next table: they may have longer sisters there.
    heldIds = held.map((series) => some[kept[series]]);
    yield { table, order };
    // The chunks of these go before the entries of others.
    if (at === options.firstEntries) await nextTurn();
  }
}

/**
 * The order in which series with external labels attached follow one another. `rank` is the number of symbols before
 * the last external name. Unless this is the end, series that may belong after some to come are held.
 */
export function holdBack(
  table: SeriesTable,
  rank: number,
  isEnd: boolean,
): { readonly order: Int32Array; readonly held: readonly number[] } {
  const order = new Int32Array(table.length);
  let count = 0;
  // Each held series has all the labels of those below it and more; so the last one held comes first.
  const held: number[] = [];
  for (let series = 0; series < table.length; series++) {
    while (held.length > 0) {
      const candidate = held[held.length - 1];
      if (table.isPrefix(candidate, series)) {
        const nextName =
          table.labelIds[table.firstLabel[series] + table.firstLabel[candidate + 1] - table.firstLabel[candidate]];
        // The longer one's next label comes before an external one that the shorter has in that place.
        if (nextName < rank) break;
      }
      order[count++] = candidate;
      held.pop();
    }
    const end = table.firstLabel[series + 1];
    const isBeforeExternal = end === table.firstLabel[series] || table.labelIds[end - 2] < rank;
    if (isBeforeExternal) held.push(series);
    else order[count++] = series;
  }
  if (isEnd) while (held.length > 0) order[count++] = held.pop()!;
  return { order: order.subarray(0, count), held };
}

/** One table of everything, ordered by final labels. */
async function* sortedTable(
  request: RequestContext,
  block: RemoteBlock,
  header: IndexHeaderReader,
  ids: Uint32Array,
  plan: LabelPlan,
  options: BlockSeriesOptions,
  stats: RequestStats,
): AsyncGenerator<OrderedTable> {
  const table = await loadSeries(request, block, ids, header, options, stats);
  const labels = Array.from({ length: table.length }, (_, series) => plan.labels(table, series));
  const order = Int32Array.from(labels, (_, series) => series);
  order.sort((a, b) => compareLabels(labels[a], labels[b]) || a - b);
  yield { table, order };
}

/** What the last two batches hold, one being used and one being read: counted, and each batch's buffers for their return. */
class Lender implements HeldBytes {
  readonly #budget: ByteBudget;
  #previous = 0;
  #current = 0;
  #buffers: Uint8Array[] = [];

  constructor(budget: ByteBudget) {
    this.#budget = budget;
  }

  nextBatch(): void {
    this.#budget.give(this.#previous);
    this.#previous = this.#current;
    this.#current = 0;
    this.#buffers = [];
  }

  keep(bytes: Uint8Array): void {
    this.#buffers.push(bytes);
  }

  /** Gives the buffers of the batch back, when called. */
  release(): () => void {
    const buffers = this.#buffers;
    return () => {
      while (buffers.length > 0) slabs.giveBack(buffers.pop()!);
    };
  }

  async take(signal: AbortSignal, bytes: number): Promise<void> {
    await this.#budget.take(signal, bytes);
    this.#current += bytes;
  }

  close(): void {
    this.#budget.give(this.#previous + this.#current);
    this.#previous = 0;
    this.#current = 0;
  }
}
