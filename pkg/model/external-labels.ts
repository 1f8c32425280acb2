// The arithmetic of external labels: those a Prometheus or a block carries for all its series, and replica labels among them.

import type { Labels } from './labels.ts';
import type { Matcher } from './matcher.ts';

/**
 * What matchers leave to ask of the data behind external labels: a matcher on an external name is tested against its
 * value and taken out. Undefined when one of them fails, so that nothing can match.
 */
export function splitMatchers(matchers: readonly Matcher[], external: Labels): readonly Matcher[] | undefined {
  const rest: Matcher[] = [];
  for (const matcher of matchers) {
    const value = external.get(matcher.name);
    if (value === '') rest.push(matcher);
    else if (!matcher.matches(value)) return undefined;
  }
  return rest;
}

/**
 * Whether a label set can hold what matchers select: every matcher whose name stands in the set must accept its value.
 * Names that are not in the set never reject.
 */
export function mayMatch(labelSet: Labels, matchers: readonly Matcher[]): boolean {
  return splitMatchers(matchers, labelSet) !== undefined;
}

/** The final labels of a series: external values win over inner ones, then replica labels go. */
export function finalLabels(inner: Labels, external: Labels, withoutReplicaLabels: ReadonlySet<string>): Labels {
  const all = inner.with(external);
  return withoutReplicaLabels.size === 0 ? all : all.without(withoutReplicaLabels);
}

/** `cluster=eu` pairs of label sets as the reference prints them: `{a="1", b="2"},{a="2"}`. */
export function labelSetsText(labelSets: readonly Labels[]): string {
  return labelSets.map((set) => set.toString()).join(',');
}
