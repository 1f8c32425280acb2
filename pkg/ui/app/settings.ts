// What the reader prefers, kept by the browser: it belongs to the person, not to the link.

import { useSyncExternalStore } from 'react';

export interface Settings {
  /** Show times in the browser's zone instead of UTC. */
  readonly localTime: boolean;
  /** Complete, check and highlight while typing. */
  readonly completion: boolean;
  /** The notice that was dismissed last. */
  readonly dismissedNotice: string;
}

const KEY = 'tributary.settings';
const defaults: Settings = { localTime: false, completion: true, dismissedNotice: '' };
const listeners = new Set<() => void>();
let current = read();

/** The settings and a way to change some. */
export function useSettings(): readonly [Settings, (changes: Partial<Settings>) => void] {
  return [useSyncExternalStore(subscribe, () => current), changeSettings];
}

export function changeSettings(changes: Partial<Settings>): void {
  current = { ...current, ...changes };
  // A browser that keeps nothing still works, until the page is closed.
  try {
    localStorage.setItem(KEY, JSON.stringify(current));
  } catch {}
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function read(): Settings {
  try {
    return { ...defaults, ...(JSON.parse(localStorage.getItem(KEY) ?? '{}') as Partial<Settings>) };
  } catch {
    return defaults;
  }
}
