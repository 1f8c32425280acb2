// What the heads of databases hold most of: between messages, numbers and JSON.

import type { RequestContext } from '../async/request.ts';
import type { Matcher } from '../model/matcher.ts';
import { MAX_TIME, MIN_TIME } from '../model/time.ts';
import type { CallOptions, GrpcClient } from '../net/grpc/client.ts';
import { bindStream, type GrpcService } from '../net/grpc/service.ts';
import type { Init } from '../proto/codec.ts';
import { int64Of, numberOf, unsignedOf } from '../proto/int64.ts';
import { matcherMessages, matchersOf } from '../proto/labels.ts';
import {
  STATUS_SERVICE,
  type Statistic,
  type TSDBStatisticsEntry,
  tsdbStatisticsMethod,
} from '../proto/status-service.ts';

export interface TsdbStatisticsQuery {
  /** Most rows of each list. */
  readonly limit: number;
  /** Against external labels; all must hold. */
  readonly matchers: readonly Matcher[];
}

export interface Counted {
  readonly name: string;
  readonly value: number;
}

/** The lists by the names the HTTP API has for them, the largest first. */
export const statisticLists = [
  'seriesCountByMetricName',
  'labelValueCountByLabelName',
  'memoryInBytesByLabelName',
  'seriesCountByLabelValuePair',
] as const;
export type StatisticList = (typeof statisticLists)[number];

/** Of one database, or of several together. */
export type TsdbStatistics = Readonly<Record<StatisticList, readonly Counted[]>> & {
  readonly headStats: {
    readonly numSeries: number;
    readonly numLabelPairs: number;
    readonly chunkCount: number;
    readonly minTime: number;
    readonly maxTime: number;
  };
};

/** Databases of one endpoint by tenant, and what kept it from telling of others. */
export interface TsdbStatisticsAnswer {
  readonly databases: readonly TsdbStatistics[];
  readonly warnings: readonly string[];
}

const fields = {
  seriesCountByMetricName: 'series_count_by_metric_name',
  labelValueCountByLabelName: 'label_value_count_by_label_name',
  memoryInBytesByLabelName: 'memory_in_bytes_by_label_name',
  seriesCountByLabelValuePair: 'series_count_by_label_value_pair',
} as const satisfies Record<StatisticList, keyof TSDBStatisticsEntry>;

/** The Status service over what gives the databases' statistics. */
export function statusService(
  statistics: (request: RequestContext, query: TsdbStatisticsQuery) => Promise<TsdbStatisticsAnswer>,
): GrpcService {
  return {
    name: STATUS_SERVICE,
    methods: [
      bindStream(tsdbStatisticsMethod, async function* (request, { limit, matchers }) {
        const answer = await statistics(request, { limit, matchers: matchersOf(matchers) });
        for (const warning of answer.warnings) yield { warning };
        yield { statistics: { statistics: answer.databases.map((one) => ({ key: '', value: entryOf(one) })) } };
      }),
    ],
  };
}

/** Asks an endpoint. */
export async function callTsdbStatistics(
  request: RequestContext,
  client: GrpcClient,
  query: TsdbStatisticsQuery,
  options: CallOptions = {},
): Promise<TsdbStatisticsAnswer> {
  const databases: TsdbStatistics[] = [];
  const warnings: string[] = [];
  const message = { limit: query.limit, matchers: matcherMessages(query.matchers) };
  for await (const answer of client.stream(request, tsdbStatisticsMethod, message, options)) {
    if (answer.warning !== '') warnings.push(answer.warning);
    for (const { value } of answer.statistics?.statistics ?? [])
      if (value !== null) databases.push(statisticsOf(value));
  }
  return { databases, warnings };
}

/** Where nobody told anything. */
const emptyTimes = { minTime: 0, maxTime: 0 };

/**
 * Of several databases together: counts are added, except those of label values, which replicas share; the larger counts
 * then. At most `limit` rows a list, the largest first, equal ones by name.
 */
export function mergedStatistics(all: readonly TsdbStatistics[], limit: number): TsdbStatistics {
  const merged = (list: StatisticList): Counted[] => {
    const counts = new Map<string, number>();
    for (const statistics of all) {
      for (const { name, value } of statistics[list]) {
        const known = counts.get(name) ?? 0;
        counts.set(name, list === 'labelValueCountByLabelName' ? Math.max(known, value) : known + value);
      }
    }
    const rows = [...counts].map(([name, value]) => ({ name, value }));
    return rows.sort((a, b) => b.value - a.value || (a.name < b.name ? -1 : 1)).slice(0, limit);
  };
  const sum = (of: 'numSeries' | 'numLabelPairs' | 'chunkCount'): number =>
    all.reduce((total, { headStats }) => total + headStats[of], 0);
  const known = all.length === 0 ? [emptyTimes] : all.map(({ headStats }) => headStats);
  return {
    headStats: {
      numSeries: sum('numSeries'),
      numLabelPairs: sum('numLabelPairs'),
      chunkCount: sum('chunkCount'),
      minTime: Math.min(...known.map(({ minTime }) => minTime)),
      maxTime: Math.max(...known.map(({ maxTime }) => maxTime)),
    },
    seriesCountByMetricName: merged('seriesCountByMetricName'),
    labelValueCountByLabelName: merged('labelValueCountByLabelName'),
    memoryInBytesByLabelName: merged('memoryInBytesByLabelName'),
    seriesCountByLabelValuePair: merged('seriesCountByLabelValuePair'),
  };
}

/** The answer of a Prometheus to /api/v1/status/tsdb; what is missing or odd in it counts for nothing. */
export function parseTsdbStatus(data: unknown): TsdbStatistics {
  const answer = recordOf(data);
  const head = recordOf(answer['headStats']);
  const list = (name: StatisticList): Counted[] => {
    const rows = answer[name];
    if (!Array.isArray(rows)) return [];
    return rows.map(recordOf).map((row) => ({ name: String(row['name'] ?? ''), value: countOf(row['value']) }));
  };
  return {
    headStats: {
      numSeries: countOf(head['numSeries']),
      numLabelPairs: countOf(head['numLabelPairs']),
      chunkCount: countOf(head['chunkCount']),
      minTime: countOf(head['minTime']),
      maxTime: countOf(head['maxTime']),
    },
    seriesCountByMetricName: list('seriesCountByMetricName'),
    labelValueCountByLabelName: list('labelValueCountByLabelName'),
    memoryInBytesByLabelName: list('memoryInBytesByLabelName'),
    seriesCountByLabelValuePair: list('seriesCountByLabelValuePair'),
  };
}

function entryOf(statistics: TsdbStatistics): Init<TSDBStatisticsEntry> {
  const { numSeries, numLabelPairs, chunkCount, minTime, maxTime } = statistics.headStats;
  const rows = (list: StatisticList) =>
    statistics[list].map(({ name, value }) => ({ name, value: unsignedField(value) }));
  return {
    head_statistics: {
      num_series: unsignedField(numSeries),
      num_label_pairs: unsignedField(numLabelPairs),
      chunk_count: unsignedField(chunkCount),
      min_time: int64Of(minTime),
      max_time: int64Of(maxTime),
    },
    series_count_by_metric_name: rows('seriesCountByMetricName'),
    label_value_count_by_label_name: rows('labelValueCountByLabelName'),
    memory_in_bytes_by_label_name: rows('memoryInBytesByLabelName'),
    series_count_by_label_value_pair: rows('seriesCountByLabelValuePair'),
  };
}

function statisticsOf(entry: TSDBStatisticsEntry): TsdbStatistics {
  const head = entry.head_statistics;
  const rows = (list: StatisticList): Counted[] =>
    (entry[fields[list]] as Statistic[]).map(({ name, value }) => ({ name, value: unsignedOf(value) }));
  return {
    headStats: {
      numSeries: head === null ? 0 : unsignedOf(head.num_series),
      numLabelPairs: head === null ? 0 : unsignedOf(head.num_label_pairs),
      chunkCount: head === null ? 0 : unsignedOf(head.chunk_count),
      minTime: head === null ? MAX_TIME : numberOf(head.min_time),
      maxTime: head === null ? MIN_TIME : numberOf(head.max_time),
    },
    seriesCountByMetricName: rows('seriesCountByMetricName'),
    labelValueCountByLabelName: rows('labelValueCountByLabelName'),
    memoryInBytesByLabelName: rows('memoryInBytesByLabelName'),
    seriesCountByLabelValuePair: rows('seriesCountByLabelValuePair'),
  };
}

function unsignedField(value: number) {
  return { ...int64Of(value), unsigned: true };
}

function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

function countOf(value: unknown): number {
  return typeof value === 'number' && Number.isFinite(value) ? value : 0;
}
