// A Store with an address and what it says of itself: the unit a fan-out chooses among.

import { labelSetsText } from '../model/external-labels.ts';
import type { Labels } from '../model/labels.ts';
import { int64Text } from '../model/time.ts';
import { intersect, type TimeRange } from '../model/time-range.ts';
import type { Store } from './store.ts';

export interface Endpoint {
  /** As configured, before DNS for a fixed address, resolved for a looked-up one; '' for a store in this process. */
  readonly address: string;
  readonly store: Store;
  /** External label sets; none means it may hold anything. */
  readonly labelSets: readonly Labels[];
  /** Set on one that has, beside its label sets, blocks without external labels or of which they are not known. */
  readonly mayHoldOthers?: boolean;
  /** Both inclusive, ms. */
  readonly minTime: number;
  readonly maxTime: number;
  readonly supportsSharding: boolean;
  /** Whether it drops replica labels itself and keeps its output sorted without them. */
  readonly supportsWithoutReplicaLabels: boolean;
  /**
   * Set on an endpoint that was here within the unhealthy timeout and does not answer now: it is not asked, and a query
   * it could have added to gets this text as a warning.
   */
  readonly missing?: string;
}

/** `Addr: host:port MinTime: 0 MaxTime: 1`, the name by which warnings and errors call an endpoint. */
export function endpointText(endpoint: Endpoint): string {
  const { address, minTime, maxTime } = endpoint;
  return `Addr: ${address} MinTime: ${int64Text(minTime)} MaxTime: ${int64Text(maxTime)}`;
}

/** The name with the label sets before it; an endpoint without any is called `Store Gateway`, as the reference does. */
export function labelledEndpointText(endpoint: Endpoint): string {
  const labels = labelSetsText(endpoint.labelSets);
  return `${labels === '' ? 'Store Gateway' : labels} ${endpointText(endpoint)}`;
}

/**
 * Whether endpoints that answer hold replicas of what a missing one announced, as far as a range is concerned: each of
 * its label sets, replica labels aside, for all of its time within the range. One that may hold others is never covered.
 */
export function isCovered(
  missing: Endpoint,
  answering: readonly Endpoint[],
  replicaLabels: readonly string[],
  range: TimeRange,
): boolean {
  const needed = intersect(missing, range);
  if (needed === undefined) return true;
  if (missing.labelSets.length === 0 || missing.mayHoldOthers === true) return false;
  const names = new Set(replicaLabels);
  const keysOf = (endpoint: Endpoint): string[] => endpoint.labelSets.map((set) => set.without(names).key);
  const able = answering.filter((other) => other.minTime <= needed.minTime && other.maxTime >= needed.maxTime);
  const held = new Set(able.flatMap(keysOf));
  return keysOf(missing).every((key) => held.has(key));
}
