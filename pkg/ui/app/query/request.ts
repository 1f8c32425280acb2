// What a panel asks the API for.

import type { ApiParameters } from '../fetch-answer.ts';
import { parseDurationText } from '../parts/text.ts';
import type { Panel } from './panel.ts';

export interface QueryRequest {
  /** Below `/api/v1`: `query`, `query_range`. */
  readonly path: string;
  readonly parameters: ApiParameters;
  /** The window of a range query, ms; of an instant query start and end are its moment and the step is 0. */
  readonly startMs: number;
  readonly endMs: number;
  readonly stepMs: number;
}

/** As many points as the reference's page asks for. */
const POINTS = 250;
const MOST_POINTS = 11_000;

/** The step of a panel's graph, ms: as typed, else by the range in whole seconds. */
export function stepOf(panel: Panel): number {
  const typed = parseDurationText(panel.step);
  if (typed !== undefined && typed > 0) return typed;
  return Math.max(1000, Math.floor(panel.rangeMs / 1000 / POINTS) * 1000);
}

/** The step that would give the most points the server allows, or undefined when the panel's own is fine. */
export function longerStep(panel: Panel): number | undefined {
  return panel.rangeMs / stepOf(panel) > MOST_POINTS ? Math.ceil(panel.rangeMs / MOST_POINTS / 1000) * 1000 : undefined;
}

/** The request of the graph (`range`) or of the table, with `now` for panels that end now. */
export function requestOf(panel: Panel, isRange: boolean, nowMs: number): QueryRequest {
  const endMs = panel.endMs ?? nowMs;
  const common: ApiParameters = {
    query: panel.expr,
    dedup: panel.dedup,
    partial_response: panel.partialResponse,
    max_source_resolution: panel.maxResolution === '' ? undefined : panel.maxResolution,
    'storeMatch[]': panel.stores.map((address) => `{__address__=${JSON.stringify(address)}}`),
    'replicaLabels[]': panel.replicaLabels,
    lookback_delta: panel.lookback === '' ? undefined : panel.lookback,
    // Tells which resolutions were read.
    stats: 'all',
  };
  if (!isRange) {
    return { path: 'query', parameters: { ...common, time: endMs / 1000 }, startMs: endMs, endMs, stepMs: 0 };
  }
  const stepMs = stepOf(panel);
  const startMs = endMs - panel.rangeMs;
  const parameters = { ...common, start: startMs / 1000, end: endMs / 1000, step: stepMs / 1000 };
  return { path: 'query_range', parameters, startMs, endMs, stepMs };
}
