// Matchers to the series of one block: which posting lists are needed comes from the index-header, the lists from the
// cache or, by few ranged reads, from the index.

import { setImmediate as nextTurn } from 'node:timers/promises';
import { throwIfAborted } from '../../async/deadline.ts';
import { mapParallel } from '../../async/parallel.ts';
import type { RequestContext } from '../../async/request.ts';
import type { IndexHeaderReader } from '../../block/index-header/reader.ts';
import { compareUtf8 } from '../../bytes/compare.ts';
import type { IndexCache } from '../../cache/index-cache.ts';
import { during } from '../../errors/fault.ts';
import type { Matcher } from '../../model/matcher.ts';
import { type MatchPlan, matchPostings, type PostingGroup, planInPieces } from '../../tsdb/index/match.ts';
import { readPostingList } from '../../tsdb/index/posting-list.ts';
import { NO_POSTINGS } from '../../tsdb/index/postings.ts';
import { partition } from './partitioner.ts';
import type { RemoteBlock } from './remote-block.ts';
import type { RequestStats } from './request-stats.ts';

/** Posting lists are read with this many requests at once. */
const CONCURRENT_READS = 4;
/** An expression over many values lets others have their turn after so many milliseconds. */
const TURN_MS = 20;

/** A list to be read: bytes [start, end) of the index hold it, length and checksum included, and perhaps padding. */
interface WantedList {
  readonly key: string;
  readonly name: string;
  readonly value: string;
  readonly start: number;
  readonly end: number;
}

/**
 * The ids of the series that match, ascending: which is label order. No matchers match nothing here. The list may be
 * shared with a cache: do not change it.
 */
export async function expandPostings(
  request: RequestContext,
  block: RemoteBlock,
  header: IndexHeaderReader,
  matchers: readonly Matcher[],
  cache: IndexCache,
  stats: RequestStats,
): Promise<Uint32Array> {
  if (matchers.length === 0) return NO_POSTINGS;
  const known = cache.expanded(block.ulid, matchers);
  if (known !== undefined) return known;

  const plan = await planInTurns(request, matchers, header);
  if (plan.isEmpty) return NO_POSTINGS;
  const groups: readonly PostingGroup[] = [...plan.keep, ...plan.drop];
  const lists = new Map<string, Uint32Array>();
  const wanted: WantedList[] = [];
  for (const group of plan.needsAll ? [{ name: '', values: [''] }, ...groups] : groups) {
    // The values of a literal alternation stand as they were written.
    const values = inOrder(group.values);
    const ranges = header.postingsRanges(group.name, values);
    for (let i = 0; i < values.length; i++) {
      if (ranges[2 * i] < 0) continue;
      const value = values[i];
      const key = listKey(group.name, value);
      if (lists.has(key)) continue;
      const cached = cache.postings(block.ulid, group.name, value);
      lists.set(key, cached ?? NO_POSTINGS);
      stats.postings.touched++;
      stats.postings.touchedBytes += ranges[2 * i + 1] - ranges[2 * i];
      // The header's range lies between a list's length and its checksum; both are wanted here.
      if (cached === undefined) {
        wanted.push({ key, name: group.name, value, start: ranges[2 * i] - 4, end: ranges[2 * i + 1] + 4 });
      }
    }
  }
  await readLists(request, block, wanted, lists, cache, stats);
  const found = matchPostings(plan, (name, value) => lists.get(listKey(name, value)) ?? NO_POSTINGS);
  cache.storeExpanded(block.ulid, matchers, found);
  return found;
}

async function planInTurns(
  request: RequestContext,
  matchers: readonly Matcher[],
  header: IndexHeaderReader,
): Promise<MatchPlan> {
  const planning = planInPieces(matchers, { valuesOf: (name, prefix) => valuesOf(header, name, prefix) });
  let sinceMs = performance.now();
  for (;;) {
    const { done, value } = planning.next();
    if (done) return value;
    if (performance.now() - sinceMs < TURN_MS) continue;
    await nextTurn();
    throwIfAborted(request.signal);
    sinceMs = performance.now();
  }
}

async function readLists(
  request: RequestContext,
  block: RemoteBlock,
  wanted: WantedList[],
  lists: Map<string, Uint32Array>,
  cache: IndexCache,
  stats: RequestStats,
): Promise<void> {
  wanted.sort((a, b) => a.start - b.start);
  const parts = partition(
    wanted.length,
    (i) => wanted[i].start,
    (i) => wanted[i].end,
  );
  await mapParallel(
    parts,
    CONCURRENT_READS,
    async (part, signal) => {
      const bytes = await block.readIndex({ ...request, signal }, part.start, part.end - part.start);
      stats.postings.fetches++;
      stats.postings.fetchedBytes += bytes.length;
      for (let i = part.first; i < part.last; i++) {
        const { key, name, value, start, end } = wanted[i];
        let list: Uint32Array;
        try {
          list = readPostingList(bytes, start - part.start, Math.min(bytes.length, end - part.start));
        } catch (thrown) {
          throw during(`read postings of ${name}=${JSON.stringify(value)} in ${block.ulid}/index`, thrown);
        }
        stats.postings.fetched++;
        lists.set(key, list);
        cache.storePostings(block.ulid, name, value, list);
      }
    },
    request.signal,
  );
}

function inOrder(values: readonly string[]): readonly string[] {
  for (let i = 1; i < values.length; i++) {
    if (compareUtf8(values[i - 1], values[i]) > 0) return [...values].sort(compareUtf8);
  }
  return values;
}

function valuesOf(header: IndexHeaderReader, name: string, prefix: string): string[] {
  const values: string[] = [];
  header.scanValues(name, prefix, (value) => {
    values.push(value);
  });
  return values;
}

function listKey(name: string, value: string): string {
  return `${name.length}:${name}${value}`;
}
