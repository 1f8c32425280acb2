// Matchers to postings. A matcher that does not select series without the label keeps the union of the lists of its
// matching values; one that does takes away the union of the lists of the values it does not match. Planning needs label
// values only, so whoever fetches lists over a network knows all of them before the first is read.

import type { Matcher } from '../../model/matcher.ts';
import { intersect, NO_POSTINGS, subtract, union } from './postings.ts';

/** The lists of some values of one name, joined. Values come in order and are not empty; they may be missing in the index. */
export interface PostingGroup {
  readonly name: string;
  readonly values: readonly string[];
}

export interface MatchPlan {
  /** Nothing can match: no list need be read. */
  readonly isEmpty: boolean;
  /** Start from the list of all series, since nothing is kept. */
  readonly needsAll: boolean;
  /** The answer is in each of these… */
  readonly keep: readonly PostingGroup[];
  /** …and in none of these. */
  readonly drop: readonly PostingGroup[];
}

/** What planning asks of an index. */
export interface ValueSource {
  /** Values of a name in order; those before `prefix`, and those that do not start with it, may be left out. */
  valuesOf(name: string, prefix: string): readonly string[];
}

/** Decides which lists answer the matchers. No matchers select everything. */
export function planMatch(matchers: readonly Matcher[], source: ValueSource): MatchPlan {
  const keep: PostingGroup[] = [];
  const drop: PostingGroup[] = [];
  for (const matcher of matchers) {
    const { name } = matcher;
    if (matcher.matchesEmpty) {
      const values = valuesNotMatched(matcher, source);
      if (values.length > 0) drop.push({ name, values });
    } else {
      const values = valuesMatched(matcher, source);
      if (values.length === 0) return { isEmpty: true, needsAll: false, keep: [], drop: [] };
      keep.push({ name, values });
    }
  }
  // Small unions first: an empty or short one saves reading the others.
  keep.sort((a, b) => a.values.length - b.values.length);
  return { isEmpty: false, needsAll: keep.length === 0, keep, drop };
}

/** Carries out a plan. `read` gives the list of a pair, empty when the index has none; '' and '' is the list of all. */
export function matchPostings(plan: MatchPlan, read: (name: string, value: string) => Uint32Array): Uint32Array {
  if (plan.isEmpty) return NO_POSTINGS;
  let found = plan.needsAll ? read('', '') : undefined;
  for (const group of plan.keep) {
    const joined = unionOf(group, read);
    found = found === undefined ? joined : intersect(found, joined);
    if (found.length === 0) return found;
  }
  for (const group of plan.drop) {
    if (found!.length === 0) break;
    found = subtract(found!, unionOf(group, read));
  }
  return found!;
}

function unionOf(group: PostingGroup, read: (name: string, value: string) => Uint32Array): Uint32Array {
  return union(group.values.map((value) => read(group.name, value)));
}

function valuesMatched(matcher: Matcher, source: ValueSource): readonly string[] {
  if (matcher.op === '=') return [matcher.value];
  if (matcher.op === '=~') {
    const { set, prefix } = matcher.regexp!;
    if (set !== undefined) return set;
    return source.valuesOf(matcher.name, prefix).filter((value) => matcher.matches(value));
  }
  return source.valuesOf(matcher.name, '').filter((value) => matcher.matches(value));
}

function valuesNotMatched(matcher: Matcher, source: ValueSource): readonly string[] {
  if (matcher.op === '!=') return [matcher.value];
  if (matcher.op === '!~') {
    const { set, prefix } = matcher.regexp!;
    if (set !== undefined) return set;
    return source.valuesOf(matcher.name, prefix).filter((value) => !matcher.matches(value));
  }
  return source.valuesOf(matcher.name, '').filter((value) => !matcher.matches(value));
}
