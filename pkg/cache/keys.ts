// Names of what is cached of a block's index. Lengths stand before what is free text, so that no two things share a key.

import type { Matcher } from '../model/matcher.ts';

/** One posting list: `P:<ULID>:<length of name>:<name>:<value>`. */
export function postingsKey(ulid: string, name: string, value: string): string {
  return `P:${ulid}:${name.length}:${name}:${value}`;
}

/** The answer to all matchers, in whatever order they come: `EP:<ULID>:<matchers, sorted>`. */
export function expandedPostingsKey(ulid: string, matchers: readonly Matcher[]): string {
  // A matcher's text quotes its value; the name is given a length, since it may hold any character.
  const texts = matchers.map((matcher) => `${matcher.name.length}:${matcher.toString()}`).sort();
  return `EP:${ulid}:${texts.join(';')}`;
}

export type IndexItem = 'Postings' | 'ExpandedPostings';

/** Which kind of thing a key of this file names. */
export function itemOf(key: string): IndexItem {
  return key.startsWith('P:') ? 'Postings' : 'ExpandedPostings';
}
