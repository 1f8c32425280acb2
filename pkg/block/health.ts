// Walks the index of a local block and counts every known defect, naming the first offender of each kind. What else comes
// out are the sizes that size reads from a bucket.

import { during, messageOf } from '../errors/fault.ts';
import { Labels } from '../model/labels.ts';
import type { Block } from '../tsdb/block.ts';
import { packRef } from '../tsdb/chunks/ref.ts';
import { SeriesEntry } from '../tsdb/index/series-entry.ts';

/** Every defect, the worst first. `outside` and `late` are told against the block's own time. */
export const defects = {
  undecodable: 'series entries that cannot be read',
  outside: 'chunks outside of the time of the block',
  late: 'chunks that start where the block ends',
  disordered: 'chunks that overlap or precede the one before in their series',
  labelOrder: 'series whose labels are out of order',
  seriesOrder: 'series out of order',
  unlabelled: 'series without labels',
  chunkless: 'series without chunks',
} as const;
export type Defect = keyof typeof defects;

export interface IndexHealth {
  readonly seriesCount: number;
  readonly chunkCount: number;
  /** Chunks of exactly the time of the one before: tolerated. */
  readonly duplicateChunkCount: number;
  readonly counts: Readonly<Record<Defect, number>>;
  /** The first series with each defect, as text. */
  readonly firstOffenders: Readonly<Partial<Record<Defect, string>>>;
  /** Lower bounds: distances between neighbours, so the last series, and the last two chunks of each, do not count. */
  readonly seriesMaxSizeBytes: number;
  readonly chunkMaxSizeBytes: number;
}

/** Reads every entry once. Throws `corrupt` only when the entries cannot be walked at all. */
export function checkIndex(block: Block): IndexHealth {
  const check = new IndexCheck(block);
  try {
    for (const id of block.index.walk()) check.series(id);
  } catch (thrown) {
    throw during('walk the index', thrown, { block: block.meta.ulid });
  }
  return check.health;
}

/** What is wrong, in words, the worst first; undefined when nothing is. */
export function describeDefects(health: IndexHealth, tolerated: ReadonlySet<Defect> = new Set()): string | undefined {
  const found = (Object.keys(defects) as Defect[]).filter((kind) => health.counts[kind] > 0 && !tolerated.has(kind));
  if (found.length === 0) return undefined;
  return found
    .map((kind) => `${health.counts[kind]} ${defects[kind]} (first: ${health.firstOffenders[kind]})`)
    .join(', ');
}

class IndexCheck {
  readonly #block: Block;
  readonly #entry = new SeriesEntry();
  readonly #counts: Record<Defect, number>;
  readonly #firstOffenders: Partial<Record<Defect, string>> = {};
  #lastRefs = new Uint32Array(0);
  #lastId = 0;
  #seriesCount = 0;
  #chunkCount = 0;
  #duplicateChunkCount = 0;
  #seriesMaxSizeBytes = 0;
  #chunkMaxSizeBytes = 0;

  constructor(block: Block) {
    this.#block = block;
    this.#counts = Object.fromEntries(Object.keys(defects).map((kind) => [kind, 0])) as Record<Defect, number>;
  }

  get health(): IndexHealth {
    return {
      seriesCount: this.#seriesCount,
      chunkCount: this.#chunkCount,
      duplicateChunkCount: this.#duplicateChunkCount,
      counts: this.#counts,
      firstOffenders: this.#firstOffenders,
      seriesMaxSizeBytes: this.#seriesMaxSizeBytes,
      chunkMaxSizeBytes: this.#chunkMaxSizeBytes,
    };
  }

  series(id: number): void {
    if (this.#seriesCount > 0) {
      this.#seriesMaxSizeBytes = Math.max(this.#seriesMaxSizeBytes, (id - this.#lastId) * this.#block.index.seriesUnit);
    }
    this.#lastId = id;
    this.#seriesCount++;
    try {
      this.#block.index.series(id, this.#entry, true);
    } catch (thrown) {
      this.#found('undecodable', () => `${messageOf(thrown)}`);
      return;
    }
    this.#checkLabels(id);
    this.#checkChunks(id);
  }

  #checkLabels(id: number): void {
    const { labelRefs, labelCount } = this.#entry;
    const refs = labelRefs.slice(0, 2 * labelCount);
    if (labelCount === 0) this.#found('unlabelled', () => `series ${id}`);
    for (let i = 2; i < refs.length; i += 2) {
      if (refs[i] > refs[i - 2]) continue;
      this.#found('labelOrder', () => this.#text(id));
      break;
    }
    if (this.#seriesCount > 1 && compareRefs(this.#lastRefs, refs) >= 0)
      this.#found('seriesOrder', () => this.#text(id));
    this.#lastRefs = refs;
  }

  #checkChunks(id: number): void {
    const { minTimes, maxTimes, segments, offsets, chunkCount } = this.#entry;
    const { minTime, maxTime } = this.#block.meta;
    this.#chunkCount += chunkCount;
    if (chunkCount === 0) this.#found('chunkless', () => this.#text(id));
    for (let i = 0; i < chunkCount; i++) {
      if (minTimes[i] === maxTime && maxTimes[i] > maxTime) this.#found('late', () => this.#text(id, i));
      // The end of a block is exclusive, but a sample right at it has been tolerated since ever.
      else if (minTimes[i] < minTime || maxTimes[i] > maxTime) this.#found('outside', () => this.#text(id, i));
      if (i > 0 && minTimes[i] <= maxTimes[i - 1]) {
        if (minTimes[i] === minTimes[i - 1] && maxTimes[i] === maxTimes[i - 1]) this.#duplicateChunkCount++;
        else this.#found('disordered', () => this.#text(id, i));
      }
      if (i > 0 && i < chunkCount - 1) {
        const size = packRef(segments[i], offsets[i]) - packRef(segments[i - 1], offsets[i - 1]);
        // A neighbour in another segment says nothing about sizes.
        if (segments[i] === segments[i - 1]) this.#chunkMaxSizeBytes = Math.max(this.#chunkMaxSizeBytes, size);
      }
    }
  }

  #found(kind: Defect, offender: () => string): void {
    if (this.#counts[kind]++ === 0) this.#firstOffenders[kind] = offender();
  }

  #text(id: number, chunk?: number): string {
    const { labelRefs, labelCount, minTimes, maxTimes } = this.#entry;
    const flat: string[] = [];
    for (let i = 0; i < 2 * labelCount; i++) {
      const ref = labelRefs[i];
      flat.push(ref < this.#block.index.symbols.count ? this.#block.index.symbols.get(ref) : `symbol ${ref}`);
    }
    const series = `series ${id} ${Labels.fromSorted(flat)}`;
    return chunk === undefined ? series : `${series}, chunk ${chunk} from ${minTimes[chunk]} to ${maxTimes[chunk]}`;
  }
}

/** Symbols are in byte order, so label order is the order of references, pair by pair. */
function compareRefs(a: Uint32Array, b: Uint32Array): number {
  const shared = Math.min(a.length, b.length);
  for (let i = 0; i < shared; i++) if (a[i] !== b[i]) return a[i] - b[i];
  return a.length - b.length;
}
