// Which endpoints can hold what was asked: by time, by external labels, and by the caller's own choice of addresses.

import { mayMatch } from '../model/external-labels.ts';
import type { Matcher } from '../model/matcher.ts';
import type { Endpoint } from './endpoint.ts';

/** Matcher sets of `storeMatch[]`, ORed; empty means every endpoint. */
export type StoreMatch = readonly (readonly Matcher[])[];

export interface Selection {
  readonly minTime: number;
  readonly maxTime: number;
  readonly matchers: readonly Matcher[];
  readonly storeMatch: StoreMatch;
}

/** The endpoints, in their order, that may hold something of the selection; missing ones among them. */
export function selectEndpoints(endpoints: readonly Endpoint[], selection: Selection): readonly Endpoint[] {
  return endpoints.filter((endpoint) => isSelected(endpoint, selection));
}

function isSelected(endpoint: Endpoint, { minTime, maxTime, matchers, storeMatch }: Selection): boolean {
  if (minTime > endpoint.maxTime || maxTime < endpoint.minTime) return false;
  if (!isStoreMatched(endpoint, storeMatch)) return false;
  const { labelSets, mayHoldOthers } = endpoint;
  return mayHoldOthers === true || labelSets.length === 0 || labelSets.some((set) => mayMatch(set, matchers));
}

// Only matchers on `__address__` are looked at. A store in this process has no address and is never matched.
function isStoreMatched(endpoint: Endpoint, storeMatch: StoreMatch): boolean {
  if (storeMatch.length === 0) return true;
  if (endpoint.address === '') return false;
  return storeMatch.some((set) =>
    set.every((matcher) => matcher.name !== '__address__' || matcher.matches(endpoint.address)),
  );
}
