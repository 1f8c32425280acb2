// Series of a select on their way to another thread: their chunks in buffers of their own, which go over without a copy.

import type { Transferable } from 'node:worker_threads';
import { Transferred } from '../async/worker-pool.ts';
import { Fault } from '../errors/fault.ts';
import { Labels } from '../model/labels.ts';
import { type ColumnTask, computeColumns } from '../promql/column-task.ts';
import type { CoarseStretch } from '../storage/sample-columns.ts';
import { ChunkReader, type ChunkReading, type ChunkSeries } from '../store/chunk-series.ts';
import type { ChunkSlice, ChunkTable } from '../store/chunk-table.ts';
import { ENCODING_XOR } from '../tsdb/chunkenc/encoding.ts';

/** Plain data. */
export interface SelectJob {
  readonly task: ColumnTask;
  readonly reading: Omit<ChunkReading, 'mixed'>;
  /** The resolution that was wanted, where several may meet. */
  readonly wantedMs: number | undefined;
  readonly tables: readonly ChunkTable[];
  /** Slices one after the other: table, first chunk, end. */
  readonly slices: Int32Array;
  /** Where the slices of each series begin, and where the last ones end. */
  readonly firstSlice: Int32Array;
}

export interface SelectResult {
  readonly columns: ReturnType<typeof computeColumns>;
  /** What was read in other resolutions than the wanted one. */
  readonly others: readonly CoarseStretch[];
}

export interface PackedJob {
  readonly job: SelectJob;
  readonly transfer: readonly Transferable[];
  /** Of all buffers. */
  readonly sizeBytes: number;
}

/** Part of a table that a batch refers to. */
interface Extent {
  readonly index: number;
  from: number;
  to: number;
}

/** Copies what a batch refers to. Undefined when there is anything but floats, whose columns do not go over quickly. */
export function packJob(batch: readonly ChunkSeries[], task: ColumnTask): PackedJob | undefined {
  const extents = new Map<ChunkTable, Extent>();
  let sliceCount = 0;
  for (const { chunks } of batch) {
    sliceCount += chunks.length;
    for (const { table, from, to } of chunks) {
      const extent = extents.get(table);
      if (extent === undefined) {
        extents.set(table, { index: extents.size, from, to });
        continue;
      }
      if (from < extent.from) extent.from = from;
      if (to > extent.to) extent.to = to;
    }
  }
  const tables: ChunkTable[] = [];
  for (const [table, extent] of extents) {
    const copied = copyOf(table, extent);
    if (copied === undefined) return undefined;
    tables.push(copied);
  }
  const slices = new Int32Array(3 * sliceCount);
  const firstSlice = new Int32Array(batch.length + 1);
  let at = 0;
  for (const [i, { chunks }] of batch.entries()) {
    for (const { table, from, to } of chunks) {
      const extent = extents.get(table)!;
      slices[at] = extent.index;
      slices[at + 1] = from - extent.from;
      slices[at + 2] = to - extent.from;
      at += 3;
    }
    firstSlice[i + 1] = at / 3;
  }
  const { mixed, ...reading } = batch[0].reading;
  const transfer = [...tables.flatMap(buffersOf), slices.buffer, firstSlice.buffer];
  return {
    job: { task, reading, wantedMs: mixed?.wantedMs, tables, slices, firstSlice },
    transfer,
    sizeBytes: transfer.reduce((sum, { byteLength }) => sum + byteLength, 0),
  };
}

/** Chunks [from, to) of a table as a table of its own. Undefined when one of them holds no floats. */
function copyOf(table: ChunkTable, { from, to }: Extent): ChunkTable | undefined {
  const partFrom = table.firstPart[from];
  const partTo = table.firstPart[to];
  let low = Infinity;
  let high = 0;
  for (let part = partFrom; part < partTo; part++) {
    if (table.partEncoding[part] !== ENCODING_XOR) return undefined;
    const offset = table.partOffset[part];
    if (offset < low) low = offset;
    if (offset + table.partLength[part] > high) high = offset + table.partLength[part];
  }
  low = Math.min(low, high);
  const firstPart = table.firstPart.slice(from, to + 1);
  for (let i = 0; i < firstPart.length; i++) firstPart[i] -= partFrom;
  const partOffset = table.partOffset.slice(partFrom, partTo);
  for (let i = 0; i < partOffset.length; i++) partOffset[i] -= low;
  return {
    length: to - from,
    minTimes: table.minTimes.slice(from, to),
    maxTimes: table.maxTimes.slice(from, to),
    firstPart,
    partAggregate: table.partAggregate.slice(partFrom, partTo),
    partEncoding: table.partEncoding.slice(partFrom, partTo),
    partOffset,
    partLength: table.partLength.slice(partFrom, partTo),
    bytes: new Uint8Array(table.bytes.subarray(low, high)),
  };
}

function buffersOf(table: ChunkTable): ArrayBuffer[] {
  const { minTimes, maxTimes, firstPart, partAggregate, partEncoding, partOffset, partLength, bytes } = table;
  return [minTimes, maxTimes, firstPart, partAggregate, partEncoding, partOffset, partLength, bytes].map(
    ({ buffer }) => buffer as ArrayBuffer,
  );
}

/** The last reader, whose columns have grown to what series need, and how it reads. */
let kept: { readonly key: string; readonly reader: ChunkReader; others: CoarseStretch[] } | undefined;

/** Does a job. Undefined when the series cannot be read: reading them where their labels are tells why. */
export function runJob({ task, reading, wantedMs, tables, slices, firstSlice }: SelectJob): Transferred | undefined {
  const key = JSON.stringify([reading, wantedMs]);
  if (kept?.key !== key) {
    const others: CoarseStretch[] = [];
    const mixed =
      wantedMs === undefined ? {} : { mixed: { wantedMs, onOther: (one: CoarseStretch) => others.push(one) } };
    kept = { key, reader: new ChunkReader({ ...reading, ...mixed }), others };
  }
  const { reader, others } = kept;
  others.length = 0;
  const series = [];
  for (let i = 0; i + 1 < firstSlice.length; i++) {
    const chunks: ChunkSlice[] = [];
    for (let slice = firstSlice[i]; slice < firstSlice[i + 1]; slice++) {
      chunks.push({ table: tables[slices[3 * slice]], from: slices[3 * slice + 1], to: slices[3 * slice + 2] });
    }
    series.push(reader.series({ labels: Labels.empty, chunks }));
  }
  try {
    const columns = computeColumns(task, series);
    const { values, present, sampleCounts, touchedCounts } = columns;
    const transfer = [values, present, sampleCounts, touchedCounts].map(({ buffer }) => buffer as ArrayBuffer);
    return new Transferred({ columns, others: [...others] } satisfies SelectResult, transfer);
  } catch (thrown) {
    if (thrown instanceof Fault) return undefined;
    throw thrown;
  }
}
