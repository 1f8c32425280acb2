// Mistakes with external labels that give wrong or doubled series, told before somebody finds them in a graph.

import { labelText } from '../parts/label-filter.ts';
import type { LabelRecord } from '../parts/label-set.tsx';
import type { StoreEntry } from './stores.ts';

/** Components whose data comes from one Prometheus each, so that their labels must tell them apart. */
const SOURCES = new Set(['sidecar', 'rule', 'receive']);

/** One line for each mistake, at most ten. */
export function labelFindings(stores: readonly StoreEntry[], replicaLabels: readonly string[]): readonly string[] {
  const sources = stores.filter(
    ({ component, state, hasStore }) => state === 'up' && hasStore && SOURCES.has(component),
  );
  return [
    ...unlabelled(sources),
    ...sameLabels(sources),
    ...undeclaredReplicas(sources, replicaLabels),
    ...unusedReplicaLabels(stores, replicaLabels),
  ].slice(0, 10);
}

function unlabelled(sources: readonly StoreEntry[]): string[] {
  return sources
    .filter(({ labelSets }) => labelSets.every((labels) => Object.keys(labels).length === 0))
    .map(
      ({ name, component }) =>
        `${component} ${name} announces no external labels: its series cannot be told from others`,
    );
}

function sameLabels(sources: readonly StoreEntry[]): string[] {
  const first = new Map<string, string>();
  const findings: string[] = [];
  for (const { name, component, labelSets } of sources) {
    for (const labels of labelSets) {
      const text = labelText(labels);
      const key = `${component} ${text}`;
      const other = first.get(key);
      if (other === undefined) first.set(key, name);
      else if (other !== name) {
        findings.push(`${other} and ${name} announce the same labels ${text}: each needs a replica label of its own`);
      }
    }
  }
  return findings;
}

/** Two sources whose labels differ in one value that looks like a replica's, while nobody said that it is one. */
function undeclaredReplicas(sources: readonly StoreEntry[], replicaLabels: readonly string[]): string[] {
  const found = new Map<string, string>();
  const seen = new Map<string, { readonly value: string; readonly name: string }>();
  for (const { name, labelSets } of sources) {
    for (const labels of labelSets) {
      for (const [label, value] of Object.entries(labels)) {
        if (!/replica/i.test(label) || replicaLabels.includes(label)) continue;
        const key = `${label} ${labelText(without(labels, label))}`;
        const other = seen.get(key);
        if (other === undefined) seen.set(key, { value, name });
        else if (other.value !== value && !found.has(label)) {
          found.set(
            label,
            `${other.name} and ${name} differ only in ${label}: --query.replica-label=${label} would make their series one`,
          );
        }
      }
    }
  }
  return [...found.values()];
}

function unusedReplicaLabels(stores: readonly StoreEntry[], replicaLabels: readonly string[]): string[] {
  const withLabels = stores.filter(({ labelSets }) => labelSets.some((labels) => Object.keys(labels).length > 0));
  if (withLabels.length === 0) return [];
  return replicaLabels
    .filter((label) => !withLabels.some(({ labelSets }) => labelSets.some((labels) => Object.hasOwn(labels, label))))
    .map((label) => `no endpoint has the replica label ${label}`);
}

function without(labels: LabelRecord, name: string): LabelRecord {
  return Object.fromEntries(Object.entries(labels).filter(([label]) => label !== name));
}
