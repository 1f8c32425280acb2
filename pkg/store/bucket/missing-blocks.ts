// Blocks that are in the bucket and cannot be served, their index being broken or out of reach: what they might have
// answered is missing, and whoever asks for it is told.

import type { BlockMeta } from '../../block/meta.ts';
import { splitMatchers } from '../../model/external-labels.ts';
import { Labels } from '../../model/labels.ts';
import type { Matcher } from '../../model/matcher.ts';
import { MIN_TIME, printRfc3339 } from '../../model/time.ts';
import { ulidTime } from '../../model/ulid.ts';
import type { TsdbInfo } from '../store.ts';

export interface MissingBlock {
  readonly ulid: string;
  /** Undefined when its meta.json cannot be read: it may then have any labels, and any time up to when it was made. */
  readonly meta: BlockMeta | undefined;
  /** Why it is not served, in words. */
  readonly problem: string;
}

/** What of a request decides whether a block could have mattered. Times in ms, both inclusive. */
export interface MissingQuery {
  readonly minTime: number;
  readonly maxTime: number;
  readonly matchers: readonly Matcher[];
  readonly blockMatchers?: readonly Matcher[];
  /** Resolutions up to this are read, and any with `fillsWithCoarser`. */
  readonly maxResolutionMs: number;
  readonly fillsWithCoarser?: boolean;
}

/** A bucket in trouble may lack thousands of blocks: so many are named in one answer, the others counted. */
const MOST_NAMED = 20;

type ServedMetas = Iterable<{ readonly meta: BlockMeta }>;

export class MissingBlocks {
  #blocks: readonly MissingBlock[] = [];

  set(blocks: Iterable<MissingBlock>): void {
    this.#blocks = [...blocks];
  }

  get list(): readonly MissingBlock[] {
    return this.#blocks;
  }

  /** Announced as if they were served: nobody asks for a time that nobody announces, and nobody would be told. */
  infos(): TsdbInfo[] {
    return this.#blocks.map(({ ulid, meta }) => {
      if (meta === undefined) return { labels: Labels.empty, minTime: MIN_TIME, maxTime: ulidTime(ulid) };
      return { labels: meta.thanos.labels, minTime: meta.minTime, maxTime: meta.maxTime };
    });
  }

  /**
   * A text for each block that might have added to the answer, and one for all after the twentieth. `served` is asked for the
   * blocks with equal labels.
   */
  warnings(query: MissingQuery, served: (labels: Labels) => ServedMetas): string[] {
    const texts = this.#texts(query, served);
    const others = texts.length - MOST_NAMED;
    if (others <= 1) return texts;
    return [
      ...texts.slice(0, MOST_NAMED),
      `${others} more blocks are missing from the answer, the store's log names them`,
    ];
  }

  #texts(query: MissingQuery, served: (labels: Labels) => ServedMetas): string[] {
    return this.#blocks.flatMap(({ ulid, meta, problem }) => {
      if (meta === undefined) {
        if (query.minTime > ulidTime(ulid) || !isChosen(ulid, undefined, query)) return [];
        const made = printRfc3339(ulidTime(ulid));
        return `block ${ulid}, made at ${made}, is missing from the answer, whatever it holds: ${problem}`;
      }
      const { minTime, maxTime, thanos } = meta;
      if (!mayMatter(meta, query) || isMadeUpFor(meta, query, [...served(thanos.labels)])) return [];
      const span = `${printRfc3339(minTime)} to ${printRfc3339(maxTime)}`;
      return `block ${ulid} of ${thanos.labels} from ${span} is missing from the answer: ${problem}`;
    });
  }
}

function mayMatter({ ulid, minTime, maxTime, thanos }: BlockMeta, query: MissingQuery): boolean {
  if (thanos.resolutionMs > query.maxResolutionMs && query.fillsWithCoarser !== true) return false;
  if (maxTime <= query.minTime || minTime > query.maxTime) return false;
  if (splitMatchers(query.matchers, thanos.labels) === undefined) return false;
  return isChosen(ulid, thanos.labels, query);
}

/** Whether the caller's choice of blocks takes it. Labels that are not known may be any. */
function isChosen(ulid: string, labels: Labels | undefined, { blockMatchers = [] }: MissingQuery): boolean {
  const known = (labels ?? Labels.empty).with(Labels.of({ __block_id: ulid }));
  return blockMatchers.every((matcher) => {
    const isUnknown = labels === undefined && !known.has(matcher.name);
    return isUnknown || matcher.matches(known.get(matcher.name));
  });
}

/** Blocks it was made from have what it has; so have blocks of another resolution that cover its time. */
function isMadeUpFor(meta: BlockMeta, query: MissingQuery, served: readonly { readonly meta: BlockMeta }[]): boolean {
  const { minTime, maxTime, compaction, thanos } = meta;
  const sources = served
    .filter((other) => other.meta.thanos.resolutionMs === thanos.resolutionMs)
    .flatMap((other) => other.meta.compaction.sources);
  if (compaction.sources.length > 0 && compaction.sources.every((source) => sources.includes(source))) return true;
  let covered = Math.max(minTime, query.minTime);
  const end = Math.min(maxTime, query.maxTime + 1);
  const others = served
    .map((other) => other.meta)
    .filter(({ thanos: { resolutionMs } }) => {
      return (
        resolutionMs !== thanos.resolutionMs &&
        (resolutionMs <= query.maxResolutionMs || query.fillsWithCoarser === true)
      );
    })
    .sort((a, b) => a.minTime - b.minTime);
  for (const other of others) if (other.minTime <= covered) covered = Math.max(covered, other.maxTime);
  return covered >= end;
}
