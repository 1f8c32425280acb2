// Sorted streams of series into one: equal labels become one series, its chunks in one order and each once.

import { compareLabels, type Labels } from '../model/labels.ts';
import { LoserTree } from '../storage/loser-tree.ts';
import { orderChunks } from './chunk-order.ts';
import type { ChunkSlice } from './chunk-table.ts';
import type { SeriesBatch, StoreSeries } from './store.ts';

/** A batch is handed on when it has this many series or about this many bytes of chunks. */
const BATCH_SERIES = 512;
const BATCH_BYTES = 1 << 18;

/** Series in label order; an array is one. What makes its series as they are asked for is asked for each once. */
export interface SeriesList {
  readonly length: number;
  at(index: number): StoreSeries | undefined;
}

/** A batch to be merged: a `SeriesBatch`, or one whose series are made as they are merged. */
export interface BatchToMerge extends Pick<SeriesBatch, 'warnings' | 'release'> {
  readonly series: SeriesList;
}

/**
 * Merges streams that are each in label order; neighbours with equal labels inside one stream are fused too. The
 * result is in label order, each label set once, chunks as `orderChunks` has them. Holds one batch of each stream and
 * the one being filled. Closes the streams when it ends, also early; throws what the first of them threw.
 */
export async function* mergeResponses(streams: readonly AsyncIterable<BatchToMerge>[]): AsyncGenerator<SeriesBatch> {
  const cursors = streams.map((stream) => new Cursor(stream));
  let warnings: string[] = [];
  // Of batches that are used up; what is pending may point into the last of them.
  let releases: (() => void)[] = [];
  for (const cursor of cursors) {
    cursor.onWarnings = (texts) => warnings.push(...texts);
    cursor.onUsedUp = (release) => releases.push(release);
  }
  try {
    await Promise.all(cursors.map((cursor) => cursor.fill()));
    const tree = new LoserTree(cursors.length, (a, b) => isBefore(cursors[a], cursors[b]));
    let out: StoreSeries[] = [];
    let bytes = 0;
    let pending: StoreSeries | undefined;
    let slices: ChunkSlice[] | undefined;

    for (;;) {
      const cursor = cursors[tree.winner];
      const next = cursor?.current;
      if (pending !== undefined && next !== undefined && pending.labels.equals(next.labels)) {
        slices ??= [...pending.chunks];
        slices.push(...next.chunks);
      } else {
        if (pending !== undefined) {
          bytes += chunkBytes(slices ?? pending.chunks);
          out.push(new MergedSeries(pending.labels, slices ?? pending.chunks));
          if (out.length >= BATCH_SERIES || bytes >= BATCH_BYTES) {
            yield { series: out, warnings, release: allOf(releases) };
            releases = [];
            out = [];
            warnings = [];
            bytes = 0;
          }
        }
        pending = next;
        slices = undefined;
      }
      if (next === undefined) break;
      cursor.advance();
      if (cursor.isDrained) await cursor.fill();
      tree.replay();
    }
    if (out.length > 0 || warnings.length > 0) yield { series: out, warnings, release: allOf(releases) };
  } finally {
    await Promise.allSettled(cursors.map((cursor) => cursor.close()));
  }
}

class Cursor {
  readonly #stream: AsyncIterator<BatchToMerge>;
  #series: SeriesList = [];
  #at = 0;
  /** Undefined once the stream has ended. */
  current: StoreSeries | undefined;
  #isEnded = false;
  #release: (() => void) | undefined;
  onWarnings: (texts: readonly string[]) => void = () => {};
  onUsedUp: (release: () => void) => void = () => {};

  constructor(stream: AsyncIterable<BatchToMerge>) {
    this.#stream = stream[Symbol.asyncIterator]();
  }

  get isDrained(): boolean {
    return this.#at >= this.#series.length && !this.#isEnded;
  }

  advance(): void {
    this.#at++;
    this.current = this.#at < this.#series.length ? this.#series.at(this.#at) : undefined;
  }

  async fill(): Promise<void> {
    while (this.isDrained) {
      if (this.#release !== undefined) this.onUsedUp(this.#release);
      this.#release = undefined;
      const result = await this.#stream.next();
      this.#at = 0;
      if (result.done === true) {
        this.#isEnded = true;
        this.#series = [];
        return;
      }
      this.#series = result.value.series;
      this.current = this.#series.length > 0 ? this.#series.at(0) : undefined;
      this.#release = result.value.release;
      if (result.value.warnings.length > 0) this.onWarnings(result.value.warnings);
    }
  }

  async close(): Promise<void> {
    if (!this.#isEnded) await this.#stream.return?.();
  }
}

function allOf(releases: readonly (() => void)[]): () => void {
  return () => {
    for (const release of releases) release();
  };
}

function isBefore(a: Cursor, b: Cursor): boolean {
  const x: Labels | undefined = a.current?.labels;
  const y: Labels | undefined = b.current?.labels;
  if (x === undefined) return false;
  return y === undefined || compareLabels(x, y) < 0;
}

/**
 * Puts its chunks in order when they are asked for: of replicas that takes an object a chunk, which would outlive the young
 * generation of the collector if it waited with the batch.
 */
class MergedSeries implements StoreSeries {
  readonly labels: Labels;
  readonly #slices: readonly ChunkSlice[];
  #ordered: readonly ChunkSlice[] | undefined;

  constructor(labels: Labels, slices: readonly ChunkSlice[]) {
    this.labels = labels;
    this.#slices = slices;
  }

  get chunks(): readonly ChunkSlice[] {
    this.#ordered ??= this.#slices.length === 0 ? this.#slices : orderChunks(this.#slices);
    return this.#ordered;
  }
}

/** About the bytes of some chunks, taking the parts of a slice for neighbours in the table's bytes. */
function chunkBytes(slices: readonly ChunkSlice[]): number {
  let bytes = 0;
  for (const { table, from, to } of slices) {
    const first = table.firstPart[from];
    const last = table.firstPart[to] - 1;
    if (last < first) continue;
    bytes += Math.abs(table.partOffset[last] - table.partOffset[first]) + table.partLength[last];
  }
  return bytes;
}
