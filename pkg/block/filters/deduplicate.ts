// Drops blocks whose samples are all in another, compacted block: until a compactor has deleted its inputs both are there.

import type { RequestContext } from '../../async/request.ts';
import { type BlockMeta, groupKey } from '../meta.ts';
import type { BlockCounts, BlockFilter } from './block-filter.ts';

export interface DeduplicateConfig {
  /** Blocks marked for deletion, which replace no block that is not: somebody may have wanted their sources back. */
  readonly marked?: () => { has(ulid: string): boolean };
}

export class DeduplicateFilter implements BlockFilter {
  readonly name = 'deduplicate';
  readonly #marked: () => { has(ulid: string): boolean };
  #duplicates: readonly string[] = [];

  constructor({ marked = () => new Set() }: DeduplicateConfig = {}) {
    this.#marked = marked;
  }

  /** What the last sync dropped. */
  get duplicates(): readonly string[] {
    return this.#duplicates;
  }

  async filter(_request: RequestContext, blocks: Map<string, BlockMeta>, counts: BlockCounts): Promise<void> {
    const groups = new Map<string, BlockMeta[]>();
    for (const meta of blocks.values()) {
      const key = groupKey(meta);
      const group = groups.get(key);
      if (group === undefined) groups.set(key, [meta]);
      else group.push(meta);
    }
    const marked = this.#marked();
    this.#duplicates = [...groups.values()].flatMap((group) => duplicatesOf(group, marked));
    for (const ulid of this.#duplicates) {
      blocks.delete(ulid);
      counts.state('duplicate');
    }
  }
}

/** Blocks whose sources all stand in a block of more sources, or in one of the same sources and a lower identifier. */
function duplicatesOf(group: readonly BlockMeta[], marked: { has(ulid: string): boolean }): string[] {
  const candidates = group.map((meta) => ({
    ulid: meta.ulid,
    sources: sourcesOf(meta),
    rank: marked.has(meta.ulid) ? 1 : 0,
  }));
  candidates.sort((a, b) => a.rank - b.rank || b.sources.size - a.sources.size || (a.ulid < b.ulid ? -1 : 1));
  const keptBySource = new Map<string, ReadonlySet<string>[]>();
  const duplicates: string[] = [];
  for (const { ulid, sources } of candidates) {
    const [first] = sources;
    const isDuplicate = (keptBySource.get(first) ?? []).some((kept) => isSubset(sources, kept));
    if (isDuplicate) {
      duplicates.push(ulid);
      continue;
    }
    for (const source of sources) {
      const kept = keptBySource.get(source);
      if (kept === undefined) keptBySource.set(source, [sources]);
      else kept.push(sources);
    }
  }
  return duplicates;
}

/** A block that names no sources is its own: the empty set would be a part of every other and hide the block. */
function sourcesOf(meta: BlockMeta): ReadonlySet<string> {
  return new Set(meta.compaction.sources.length === 0 ? [meta.ulid] : meta.compaction.sources);
}

function isSubset(part: ReadonlySet<string>, whole: ReadonlySet<string>): boolean {
  if (part.size > whole.size) return false;
  for (const item of part) if (!whole.has(item)) return false;
  return true;
}
