// What is asked of both sides: small questions, dashboard queries, and queries over millions of samples.

import { END_MS, LARGE_END_MS } from './data.ts';

export interface Job {
  readonly name: string;
  readonly size: 'small' | 'dashboard' | 'heavy';
  /** Path and parameters of the HTTP API. */
  readonly path: string;
  readonly runs: number;
  /** Runs between a first measurement, of a process just started, and the second, of one that serves dashboards. */
  readonly warmUp: number;
}

const HOUR_MS = 3_600_000;
/** A minute of a dashboard with a few panels that refresh every second. */
const SMALL_WARM_UP = 500;

export const jobs: readonly Job[] = [
  instant('up', 'small', 'up'),
  {
    name: 'label values of pod',
    size: 'small',
    path: `/api/v1/label/pod/values?start=${seconds(END_MS - HOUR_MS)}&end=${seconds(END_MS)}`,
    runs: 30,
    warmUp: SMALL_WARM_UP,
  },
  range('requests by namespace, 1h', 'dashboard', 1, 15, 'sum by (namespace) (rate(http_requests_total[5m]))'),
  range('working set by pod, 6h', 'dashboard', 6, 60, 'max by (pod) (container_memory_working_set_bytes)'),
  range(
    'share of errors, 6h',
    'dashboard',
    6,
    60,
    'sum(rate(http_requests_total{code="500"}[5m])) / sum(rate(http_requests_total[5m]))',
  ),
  range(
    'quantile of one namespace, 6h',
    'dashboard',
    6,
    60,
    'histogram_quantile(0.9, sum by (le) (rate(http_request_duration_seconds_bucket{namespace="web"}[5m])))',
  ),
  instant(
    'rates of all buckets, instant',
    'heavy',
    'sum by (pod, le) (rate(http_request_duration_seconds_bucket[1h]))',
  ),
  range('requests by namespace, 1 day', 'heavy', 24, 120, 'sum by (namespace) (rate(http_requests_total[5m]))'),
  range(
    'quantile of all, 1 day',
    'heavy',
    24,
    120,
    'histogram_quantile(0.9, sum by (le) (rate(http_request_duration_seconds_bucket[5m])))',
  ),
  range('highest of an hour, 1 day', 'heavy', 24, 120, 'max by (namespace) (max_over_time(http_requests_total[1h]))'),
];

/** Over the large bucket. */
export const largeJobs: readonly Job[] = [
  range(
    'requests by namespace, 2 days',
    'heavy',
    48,
    300,
    'sum by (namespace) (rate(http_requests_total[5m]))',
    LARGE_END_MS,
  ),
  range(
    'quantile of all, 2 days',
    'heavy',
    48,
    300,
    'histogram_quantile(0.9, sum by (le) (rate(http_request_duration_seconds_bucket[5m])))',
    LARGE_END_MS,
  ),
];

function instant(name: string, size: Job['size'], query: string): Job {
  const path = `/api/v1/query?query=${encodeURIComponent(query)}&time=${seconds(END_MS)}`;
  return { name, size, path, runs: runsOf(size), warmUp: size === 'small' ? SMALL_WARM_UP : 0 };
}

function range(
  name: string,
  size: Job['size'],
  hours: number,
  stepSeconds: number,
  query: string,
  endMs = END_MS,
): Job {
  const window = `start=${seconds(endMs - hours * HOUR_MS)}&end=${seconds(endMs)}&step=${stepSeconds}`;
  return {
    name,
    size,
    path: `/api/v1/query_range?query=${encodeURIComponent(query)}&${window}`,
    runs: runsOf(size),
    warmUp: 0,
  };
}

function runsOf(size: Job['size']): number {
  return size === 'small' ? 30 : size === 'dashboard' ? 12 : 5;
}

/** Just before the end: a query at the end itself would ask for a moment that no block has. */
function seconds(timeMs: number): number {
  return timeMs / 1000 - 15;
}
