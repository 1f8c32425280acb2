// Many sorted series sets into one: the parts of a fan-in that are not replicas of one another.

import { compareLabels } from '../model/labels.ts';
import { ColumnMerger } from './dedup.ts';
import { LoserTree } from './loser-tree.ts';
import { SampleBuffer } from './sample-columns.ts';
import type { Series, SeriesSet } from './series.ts';
import { Warnings } from './warnings.ts';

const BATCH_SERIES = 256;

/**
 * One set in label order, each label set once: series with equal labels hold the samples of all, and of two samples at
 * one time the one of the earlier set. Sets are read together, one batch of each at a time.
 */
export function mergeSeriesSets(sets: readonly SeriesSet[]): SeriesSet {
  if (sets.length === 1) return sets[0];
  const warnings = new Warnings();
  return { batches: mergedBatches(sets, warnings), warnings: warnings.list };
}

async function* mergedBatches(sets: readonly SeriesSet[], warnings: Warnings): AsyncGenerator<readonly Series[]> {
  const cursors = sets.map((set) => new Cursor(set));
  try {
    await Promise.all(cursors.map((cursor) => cursor.fill()));
    const tree = new LoserTree(cursors.length, (a, b) => {
      const x = cursors[a].current;
      const y = cursors[b].current;
      if (x === undefined) return false;
      const order = y === undefined ? -1 : compareLabels(x.labels, y.labels);
      return order < 0 || (order === 0 && a < b);
    });
    let out: Series[] = [];
    let same: Series[] = [];
    for (;;) {
      const cursor = cursors[tree.winner];
      const next = cursor?.current;
      if (same.length > 0 && (next === undefined || !next.labels.equals(same[0].labels))) {
        out.push(same.length === 1 ? same[0] : joined(same));
        same = [];
      }
      // A batch's series may be read only until the next batch of their set is pulled, so they are handed on before.
      const isBoundary = next === undefined || cursor.isLast;
      if (next !== undefined) same.push(next);
      if (out.length > 0 && (isBoundary || out.length >= BATCH_SERIES)) {
        yield out;
        out = [];
      }
      if (next === undefined) break;
      cursor.advance();
      if (cursor.isDrained) {
        // What was just taken belongs to the batch that ends here; it is read now if it is not complete yet.
        same = same.map((series) => (series === next ? kept(series) : series));
        await cursor.fill();
      }
      tree.replay();
    }
    for (const set of sets) warnings.addAll(set.warnings);
  } finally {
    await Promise.allSettled(cursors.map((cursor) => cursor.close()));
  }
}

class Cursor {
  readonly #batches: AsyncIterator<readonly Series[]>;
  #series: readonly Series[] = [];
  #at = 0;
  #isEnded = false;

  constructor(set: SeriesSet) {
    this.#batches = set.batches[Symbol.asyncIterator]();
  }

  get current(): Series | undefined {
    return this.#series[this.#at];
  }

  get isLast(): boolean {
    return this.#at === this.#series.length - 1;
  }

  get isDrained(): boolean {
    return this.#at >= this.#series.length && !this.#isEnded;
  }

  advance(): void {
    this.#at++;
  }

  async fill(): Promise<void> {
    while (this.isDrained) {
      const result = await this.#batches.next();
      this.#at = 0;
      this.#isEnded = result.done === true;
      this.#series = result.done === true ? [] : result.value;
    }
  }

  async close(): Promise<void> {
    if (!this.#isEnded) await this.#batches.return?.();
  }
}

/** The series with its samples read already, so that it outlives its batch. */
function kept(series: Series): Series {
  const samples = new SampleBuffer();
  series.readInto(samples);
  return { labels: series.labels, readInto: (into) => into.pushColumns(samples) };
}

function joined(parts: readonly Series[]): Series {
  return {
    labels: parts[0].labels,
    readInto(into) {
      const columns = parts.map((part) => {
        const column = new SampleBuffer();
        part.readInto(column);
        return column;
      });
      new ColumnMerger().merge('chain', columns, false, into);
    },
  };
}
