// Label and series calls of a Prometheus. Times are milliseconds; selectors are PromQL text.

import type { RequestContext } from '../async/request.ts';
import { Fault } from '../errors/fault.ts';
import { MAX_TIME, MIN_TIME } from '../model/time.ts';
import type { PrometheusClient } from './client.ts';

export interface LabelCall {
  /** `match[]`; empty selects everything. */
  readonly selectors: readonly string[];
  /** Both inclusive. */
  readonly minTime: number;
  readonly maxTime: number;
  /** 0 means all. */
  readonly limit: number;
}

/** The labels of every series that matches, in no promised order. */
export async function seriesOf(
  request: RequestContext,
  client: PrometheusClient,
  call: LabelCall,
): Promise<Readonly<Record<string, string>>[]> {
  const data = await client.api(request, '/api/v1/series', parametersOf(call));
  if (!Array.isArray(data)) throw new Fault('corrupt', 'prometheus /api/v1/series: data is not a list');
  return data as Record<string, string>[];
}

/** Names of labels, in the order Prometheus gave them. */
export async function labelNamesOf(
  request: RequestContext,
  client: PrometheusClient,
  call: LabelCall,
): Promise<string[]> {
  return stringsOf('/api/v1/labels', await client.api(request, '/api/v1/labels', parametersOf(call)));
}

/** Values of one label, in the order Prometheus gave them. */
export async function labelValuesOf(
  request: RequestContext,
  client: PrometheusClient,
  label: string,
  call: LabelCall,
): Promise<string[]> {
  const path = `/api/v1/label/${encodeURIComponent(label)}/values`;
  return stringsOf(path, await client.api(request, path, parametersOf(call)));
}

function parametersOf({ selectors, minTime, maxTime, limit }: LabelCall): URLSearchParams {
  const parameters = new URLSearchParams();
  for (const selector of selectors) parameters.append('match[]', selector);
  // Left out, a bound means all time; far ones are more than Prometheus can parse.
  if (minTime > FIRST_TIME_MS && minTime > MIN_TIME) parameters.set('start', secondsText(minTime));
  if (maxTime < LAST_TIME_MS && maxTime < MAX_TIME) parameters.set('end', secondsText(maxTime));
  if (limit > 0) parameters.set('limit', String(limit));
  return parameters;
}

/** Year 0 and year 9999: nothing lies outside. */
const FIRST_TIME_MS = -62_167_219_200_000;
const LAST_TIME_MS = 253_402_300_799_000;

function secondsText(timeMs: number): string {
  return (timeMs / 1000).toFixed(3);
}

function stringsOf(path: string, data: unknown): string[] {
  if (data === undefined || data === null) return [];
  if (!Array.isArray(data) || data.some((value) => typeof value !== 'string')) {
    throw new Fault('corrupt', `prometheus ${path}: data is not a list of strings`);
  }
  return data as string[];
}
