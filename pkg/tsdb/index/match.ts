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

/** Values an expression is tried on before `planInPieces` gives way. */
const VALUES_PER_PIECE = 4096;

/** Decides which lists answer the matchers. No matchers select everything. */
export function planMatch(matchers: readonly Matcher[], source: ValueSource): MatchPlan {
  const planning = planInPieces(matchers, source);
  for (;;) {
    const { done, value } = planning.next();
    if (done) return value;
  }
}

/** The same for those who have others waiting: gives way whenever an expression was tried on some thousand values. */
export function* planInPieces(matchers: readonly Matcher[], source: ValueSource): Generator<void, MatchPlan, void> {
  const keep: PostingGroup[] = [];
  const drop: PostingGroup[] = [];
  for (const matcher of matchers) {
    const { name } = matcher;
    if (matcher.matchesEmpty) {
      const values = yield* valuesThat(matcher, false, source);
      if (values.length > 0) drop.push({ name, values });
    } else {
      const values = yield* valuesThat(matcher, true, source);
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

function* valuesThat(
  matcher: Matcher,
  areMatched: boolean,
  source: ValueSource,
): Generator<void, readonly string[], void> {
  const { name, op, value, regexp } = matcher;
  // Wanted are the values that the text stands for, or all others.
  const isText = (op === '=' || op === '=~') === areMatched;
  if (isText && regexp === undefined) return [value];
  if (isText && regexp?.set !== undefined) return regexp.set;
  const values = source.valuesOf(name, isText ? regexp!.prefix : '');
  const found: string[] = [];
  for (let i = 0; i < values.length; i++) {
    if (i % VALUES_PER_PIECE === VALUES_PER_PIECE - 1) yield;
    if (matcher.matches(values[i]) === areMatched) found.push(values[i]);
  }
  return found;
}
