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

/**
 * Reads every entry once; `visit` sees each that can be read, borrowed. Throws `corrupt` when there are entries that cannot
 * be passed over, and what `visit` throws.
 */
export function checkIndex(block: Block, visit?: (entry: SeriesEntry) => void): IndexHealth {
  const check = new IndexCheck(block, new Set());
  const scan = block.index.scan({ verify: true, allowsDisorder: true });
  const entry = new SeriesEntry();
  for (;;) {
    try {
      if (!scan.next(entry)) return check.health;
    } catch (thrown) {
      if (scan.isLost) throw during('walk the index', thrown, { block: block.meta.ulid });
      check.unreadable(scan.id, thrown);
      continue;
    }
    check.series(scan.id, entry);
    visit?.(entry);
  }
}

/** The health of a block in which nothing was found. */
export function soundHealth(
  sizes: Omit<IndexHealth, 'duplicateChunkCount' | 'counts' | 'firstOffenders'>,
): IndexHealth {
  const { seriesCount, chunkCount, seriesMaxSizeBytes, chunkMaxSizeBytes } = sizes;
  const sound = { duplicateChunkCount: 0, counts: noDefects(), firstOffenders: {} };
  return { seriesCount, chunkCount, seriesMaxSizeBytes, chunkMaxSizeBytes, ...sound };
}

function noDefects(): Record<Defect, number> {
  return Object.fromEntries(Object.keys(defects).map((kind) => [kind, 0])) as Record<Defect, number>;
}

/** What is wrong, in words, the worst first; undefined when nothing is. */
export function describeDefects(health: IndexHealth, tolerated: ReadonlySet<Defect> = new Set()): string | undefined {
  const found = (Object.keys(defects) as Defect[]).filter((kind) => health.counts[kind] > 0 && !tolerated.has(kind));
  if (found.length === 0) return undefined;
  return found
    .map((kind) => `${health.counts[kind]} ${defects[kind]} (first: ${health.firstOffenders[kind]})`)
    .join(', ');
}

/** The same for those who read the entries themselves: each is shown as it is read. */
export class IndexCheck {
  readonly #block: Block;
  readonly #tolerated: ReadonlySet<Defect>;
  readonly #counts: Record<Defect, number>;
  readonly #firstOffenders: Partial<Record<Defect, string>> = {};
  #lastRefs = new Uint32Array(64);
  /** Labels of the last series that could be read; -1 before the first. */
  #lastCount = -1;
  #lastId = 0;
  #seriesCount = 0;
  #chunkCount = 0;
  #duplicateChunkCount = 0;
  #seriesMaxSizeBytes = 0;
  #chunkMaxSizeBytes = 0;

  #isSound = true;

  constructor(block: Block, tolerated: ReadonlySet<Defect>) {
    this.#block = block;
    this.#tolerated = tolerated;
    this.#counts = noDefects();
  }

  /** Whether there was no defect so far but tolerated ones. */
  get isSound(): boolean {
    return this.#isSound;
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

  /** An entry that cannot be read, and why. */
  unreadable(id: number, thrown: unknown): void {
    this.#count(id);
    this.#found('undecodable', () => `${messageOf(thrown)}`);
  }

  /** An entry that can be read. */
  series(id: number, entry: SeriesEntry): void {
    this.#count(id);
    this.#checkLabels(id, entry);
    this.#checkChunks(id, entry);
  }

  #count(id: number): void {
    if (this.#seriesCount > 0) {
      this.#seriesMaxSizeBytes = Math.max(this.#seriesMaxSizeBytes, (id - this.#lastId) * this.#block.index.seriesUnit);
    }
    this.#lastId = id;
    this.#seriesCount++;
  }

  #checkLabels(id: number, entry: SeriesEntry): void {
    const { labelRefs: refs, labelCount } = entry;
    if (labelCount === 0) this.#found('unlabelled', () => `series ${id}`);
    for (let i = 2; i < 2 * labelCount; i += 2) {
      if (refs[i] > refs[i - 2]) continue;
      this.#found('labelOrder', () => this.#text(id, entry));
      break;
    }
    if (this.#lastCount >= 0 && compareRefs(this.#lastRefs, 2 * this.#lastCount, refs, 2 * labelCount) >= 0) {
      this.#found('seriesOrder', () => this.#text(id, entry));
    }
    if (this.#lastRefs.length < 2 * labelCount) this.#lastRefs = new Uint32Array(4 * labelCount);
    for (let i = 0; i < 2 * labelCount; i++) this.#lastRefs[i] = refs[i];
    this.#lastCount = labelCount;
  }

  #checkChunks(id: number, entry: SeriesEntry): void {
    const { minTimes, maxTimes, segments, offsets, chunkCount } = entry;
    const { minTime, maxTime } = this.#block.meta;
    this.#chunkCount += chunkCount;
    if (chunkCount === 0) this.#found('chunkless', () => this.#text(id, entry));
    for (let i = 0; i < chunkCount; i++) {
      if (minTimes[i] === maxTime && maxTimes[i] > maxTime) this.#found('late', () => this.#text(id, entry, i));
      // The end of a block is exclusive, but a sample right at it has been tolerated since ever.
      else if (minTimes[i] < minTime || maxTimes[i] > maxTime) this.#found('outside', () => this.#text(id, entry, i));
      if (i > 0 && minTimes[i] <= maxTimes[i - 1]) {
        if (minTimes[i] === minTimes[i - 1] && maxTimes[i] === maxTimes[i - 1]) this.#duplicateChunkCount++;
        else this.#found('disordered', () => this.#text(id, entry, i));
      }
      if (i > 0 && i < chunkCount - 1) {
        const size = packRef(segments[i], offsets[i]) - packRef(segments[i - 1], offsets[i - 1]);
        // A neighbour in another segment says nothing about sizes.
        if (segments[i] === segments[i - 1]) this.#chunkMaxSizeBytes = Math.max(this.#chunkMaxSizeBytes, size);
      }
    }
  }

  #found(kind: Defect, offender: () => string): void {
    if (!this.#tolerated.has(kind)) this.#isSound = false;
    if (this.#counts[kind]++ === 0) this.#firstOffenders[kind] = offender();
  }

  #text(id: number, { labelRefs, labelCount, minTimes, maxTimes }: SeriesEntry, chunk?: number): string {
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
function compareRefs(a: Uint32Array, aLength: number, b: Uint32Array, bLength: number): number {
  const shared = Math.min(aLength, bLength);
  for (let i = 0; i < shared; i++) if (a[i] !== b[i]) return a[i] - b[i];
  return aLength - bLength;
}
