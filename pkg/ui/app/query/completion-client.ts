// What completion knows of the data: metrics, labels and values, from the API of this process, in the time of the panel
// and of the text before the cursor. Answers are kept for some minutes.

import type { PrometheusClient } from '@prometheus-io/codemirror-promql';
import { labelMatchersToString } from '@prometheus-io/codemirror-promql/dist/esm/parser';
import { callApi } from '../api.ts';
import { hasApi } from '../facts.ts';
import type { ApiParameters } from '../fetch-answer.ts';

type Matchers = NonNullable<Parameters<PrometheusClient['labelValues']>[2]>;

const KEEP_MS = 5 * 60_000;
const MOST_KEPT = 200;
/** A list longer than this helps nobody, and takes long to send. */
const MOST_ITEMS = 20_000;
const TIMEOUT_MS = 15_000;

export interface CompletionWindow {
  readonly startMs: number;
  readonly endMs: number;
}

interface Kept {
  readonly untilMs: number;
  readonly answer: Promise<unknown>;
}

const kept = new Map<string, Kept>();

/** The window is asked for at every call, so that it follows the panel. */
export function completionClient(window: () => CompletionWindow): PrometheusClient {
  const ask = async <T>(path: string, parameters: ApiParameters, otherwise: T): Promise<T> => {
    const { startMs, endMs } = window();
    // Whole minutes: while one types, the same question stays the same.
    const times = { start: Math.floor(startMs / 60_000) * 60, end: Math.ceil(endMs / 60_000) * 60 };
    return await askOnce(path, { ...parameters, ...times }, otherwise);
  };
  return {
    metricNames: () => ask('label/__name__/values', { limit: MOST_ITEMS }, []),
    labelNames: (metric) => ask('labels', { limit: MOST_ITEMS, 'match[]': selector(metric, []) }, []),
    labelValues: (label, metric, matchers = []) => {
      const parameters = { limit: MOST_ITEMS, 'match[]': selector(metric, matchers, label) };
      return ask(`label/${encodeURIComponent(label)}/values`, parameters, []);
    },
    series: async (metric, matchers = []) => {
      const match = selector(metric, matchers);
      if (match === undefined) return [];
      const list = await ask<readonly Record<string, string>[]>('series', { limit: 1000, 'match[]': match }, []);
      return list.map((labels) => new Map(Object.entries(labels)));
    },
    metricMetadata: () => (hasApi('/api/v1/metadata') ? askOnce('metadata', {}, {}) : Promise.resolve({})),
    flags: () => Promise.resolve({}),
  };
}

/** What is typed so far as a selector, the label that is being typed left out; undefined when there is nothing to match. */
function selector(metric: string | undefined, matchers: Matchers, label?: string): string | undefined {
  if (metric === undefined || metric === '') {
    const text = labelMatchersToString('', matchers, label);
    // Matchers that match nothing at all alone are refused: they say nothing either.
    return matchers.length === 0 || text === '{}' || matchers.every((one) => one.matchesEmpty()) ? undefined : text;
  }
  return labelMatchersToString(metric, matchers, label);
}

/** Completion that fails completes nothing: the reader is typing and has not asked. */
async function askOnce<T>(path: string, parameters: ApiParameters, otherwise: T): Promise<T> {
  const key = JSON.stringify([path, parameters]);
  const nowMs = Date.now();
  let entry = kept.get(key);
  if (entry === undefined || entry.untilMs < nowMs) {
    const answer = callApi<T>(path, { parameters, signal: AbortSignal.timeout(TIMEOUT_MS) }).then(({ data }) => data);
    entry = { untilMs: nowMs + KEEP_MS, answer };
    kept.set(key, entry);
    for (const oldest of kept.keys()) {
      if (kept.size <= MOST_KEPT) break;
      kept.delete(oldest);
    }
  }
  try {
    return ((await entry.answer) as T | null) ?? otherwise;
  } catch {
    kept.delete(key);
    return otherwise;
  }
}
