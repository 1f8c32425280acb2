// What the stores API says, as the page uses it. The answer comes from outside: whatever is missing or odd in it has a
// plain meaning here.

import type { LabelRecord } from '../parts/label-set.tsx';

export type StoreState = 'up' | 'down' | 'left';

export interface StoreRange {
  readonly labels: LabelRecord;
  readonly minTime: number;
  readonly maxTime: number;
}

export interface StoreEntry {
  readonly name: string;
  readonly component: string;
  readonly state: StoreState;
  /** Unix ms; undefined when it is not told. */
  readonly lastCheckMs: number | undefined;
  /** Of the last good answer; undefined when there was none. */
  readonly lastAnswerMs: number | undefined;
  readonly lastError: string;
  readonly labelSets: readonly LabelRecord[];
  readonly minTime: number;
  readonly maxTime: number;
  readonly isStrict: boolean;
  readonly isDiscovered: boolean;
  /** False: it has no data of its own to ask for. */
  readonly hasStore: boolean;
  /** What each label set covers. */
  readonly ranges: readonly StoreRange[];
}

/** The endpoints of an answer: those in trouble first, then by component and name. */
export function storesOf(data: unknown): readonly StoreEntry[] {
  const entries: StoreEntry[] = [];
  for (const [component, list] of Object.entries(recordOf(data))) {
    if (!Array.isArray(list)) continue;
    for (const item of list) entries.push(entryOf(component, recordOf(item)));
  }
  return entries.sort(
    (a, b) => ORDER[a.state] - ORDER[b.state] || compare(a.component, b.component) || compare(a.name, b.name),
  );
}

const ORDER: Readonly<Record<StoreState, number>> = { down: 0, left: 1, up: 2 };

/** Everything about an entry in which a reader may look for words. */
export function storeText({ name, component, state, lastError, labelSets }: StoreEntry): string {
  return [name, component, state, lastError, ...labelSets.map((labels) => JSON.stringify(labels))].join(' ');
}

function entryOf(component: string, item: Readonly<Record<string, unknown>>): StoreEntry {
  const lastError = textOf(item['lastError']);
  const labelSets = listOf(item['labelSets']).map(labelsOf);
  const minTime = numberOf(item['minTime'], Number.MIN_SAFE_INTEGER);
  const maxTime = numberOf(item['maxTime'], Number.MAX_SAFE_INTEGER);
  const state = item['state'];
  const ranges = listOf(item['ranges']).map((range) => {
    const fields = recordOf(range);
    return {
      labels: labelsOf(fields['labels']),
      minTime: numberOf(fields['minTime'], minTime),
      maxTime: numberOf(fields['maxTime'], maxTime),
    };
  });
  return {
    name: textOf(item['name']),
    component,
    state: state === 'up' || state === 'down' || state === 'left' ? state : lastError === '' ? 'up' : 'down',
    lastCheckMs: timeOf(item['lastCheck']),
    lastAnswerMs: timeOf(item['lastAnswer']),
    lastError,
    labelSets,
    minTime,
    maxTime,
    isStrict: item['isStrict'] === true,
    isDiscovered: item['isDiscovered'] === true,
    hasStore: item['hasStore'] !== false,
    // An endpoint that does not tell its databases apart covers its times with each of its label sets.
    ranges:
      ranges.length > 0
        ? ranges
        : (labelSets.length > 0 ? labelSets : [{}]).map((labels) => ({ labels, minTime, maxTime })),
  };
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function labelsOf(value: unknown): LabelRecord {
  return Object.fromEntries(
    Object.entries(recordOf(value)).filter((pair): pair is [string, string] => typeof pair[1] === 'string'),
  );
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function numberOf(value: unknown, otherwise: number): number {
  return typeof value === 'number' && Number.isFinite(value) ? value : otherwise;
}

/** Undefined for the zero time, which means never. */
function timeOf(value: unknown): number | undefined {
  const ms = typeof value === 'string' ? Date.parse(value) : Number.NaN;
  return Number.isNaN(ms) || ms <= 0 ? undefined : ms;
}
