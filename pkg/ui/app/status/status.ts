// What the status APIs say, as the page uses it. Answers come from outside: what is missing or odd in them is left out.

export interface ActiveQuery {
  readonly id: string;
  readonly query: string;
  readonly kind: string;
  readonly isWaiting: boolean;
  readonly durationMs: number;
  readonly timeoutMs: number | undefined;
  readonly sampleCount: number;
  readonly seriesCount: number;
  readonly bytes: number;
  readonly peakBytes: number;
  readonly tenant: string;
  /** Seconds; undefined where it does not apply. */
  readonly start: number | undefined;
  readonly end: number | undefined;
  readonly step: number | undefined;
}

export interface ActiveQueries {
  readonly queries: readonly ActiveQuery[];
  readonly maxConcurrent: number | undefined;
  readonly usedBytes: number;
  /** 0 = no limit. */
  readonly limitBytes: number;
}

/** `/status/active_queries`. */
export function activeQueriesOf(data: unknown): ActiveQueries {
  const answer = recordOf(data);
  const memory = recordOf(answer['memory']);
  return {
    queries: listOf(answer['queries']).map(recordOf).map(activeQueryOf),
    maxConcurrent: numberOf(answer['maxConcurrent']),
    usedBytes: numberOf(memory['usedBytes']) ?? 0,
    limitBytes: numberOf(memory['limitBytes']) ?? 0,
  };
}

function activeQueryOf(query: Readonly<Record<string, unknown>>): ActiveQuery {
  const timeout = numberOf(query['timeoutSeconds']);
  return {
    id: String(query['id'] ?? ''),
    query: String(query['query'] ?? ''),
    kind: String(query['kind'] ?? ''),
    isWaiting: query['state'] === 'waiting',
    durationMs: (numberOf(query['durationSeconds']) ?? 0) * 1000,
    timeoutMs: timeout === undefined ? undefined : timeout * 1000,
    sampleCount: numberOf(query['samples']) ?? 0,
    seriesCount: numberOf(query['series']) ?? 0,
    bytes: numberOf(query['bytes']) ?? 0,
    peakBytes: numberOf(query['peakBytes']) ?? 0,
    tenant: String(query['tenant'] ?? ''),
    start: numberOf(query['start']),
    end: numberOf(query['end']),
    step: numberOf(query['step']),
  };
}

/** A name and how many there are of it. */
export interface Counted {
  readonly name: string;
  readonly value: number;
}

export interface Cardinality {
  readonly seriesCount: number;
  readonly labelPairCount: number;
  readonly chunkCount: number;
  readonly minTime: number;
  readonly maxTime: number;
  readonly tables: readonly {
    readonly key: string;
    readonly title: string;
    readonly unit: string;
    readonly rows: readonly Counted[];
  }[];
}

const TABLES = [
  ['seriesCountByMetricName', 'Series by metric name', 'series'],
  ['labelValueCountByLabelName', 'Values by label name', 'values'],
  ['seriesCountByLabelValuePair', 'Series by label and value', 'series'],
  ['memoryInBytesByLabelName', 'Bytes by label name', 'bytes'],
] as const;

/** `/status/tsdb`. */
export function cardinalityOf(data: unknown): Cardinality {
  const answer = recordOf(data);
  const head = recordOf(answer['headStats']);
  return {
    seriesCount: numberOf(head['numSeries']) ?? 0,
    labelPairCount: numberOf(head['numLabelPairs']) ?? 0,
    chunkCount: numberOf(head['chunkCount']) ?? 0,
    minTime: numberOf(head['minTime']) ?? 0,
    maxTime: numberOf(head['maxTime']) ?? 0,
    tables: TABLES.map(([key, title, unit]) => ({
      key,
      title,
      unit,
      rows: listOf(answer[key])
        .map(recordOf)
        .map((row) => ({ name: String(row['name'] ?? ''), value: numberOf(row['value']) ?? 0 })),
    })),
  };
}

/** `/status/flags`, by name. */
export function flagsOf(data: unknown): readonly { readonly name: string; readonly value: string }[] {
  return Object.entries(recordOf(data))
    .map(([name, value]) => ({ name, value: String(value) }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** An object's members; an empty one for what is none. */
export function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function numberOf(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}
