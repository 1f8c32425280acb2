// A query's plan as rows: what the API sends as a tree, flattened for a table, with what each store answered.

/** One operator. What was not measured is undefined. */
export interface PlanRow {
  readonly id: string;
  readonly depth: number;
  /** `aggregate`, `matrixSelector`. */
  readonly operator: string;
  readonly details: string;
  readonly hasChildren: boolean;
  readonly totalMs: number | undefined;
  readonly selfMs: number | undefined;
  readonly samples: number | undefined;
  readonly peakSamples: number | undefined;
  readonly series: number | undefined;
  readonly peakBytes: number | undefined;
  readonly stores: readonly StoreAnswer[];
  /** Matchers and hints that go to the stores, as sent. */
  readonly select: Readonly<Record<string, unknown>> | undefined;
}

/** What one store gave for one fetch, or for all of them together. */
export interface StoreAnswer {
  readonly address: string;
  readonly tookMs: number;
  readonly bytes: number;
  readonly responses: number;
  readonly series: number;
  readonly chunks: number;
  readonly samples: number;
  readonly error: string;
}

/** Deeper trees than the parser allows are cut. */
const DEEPEST = 1000;

/** The rows of a tree, parents before their children. Nothing when it is no tree. */
export function planRows(tree: unknown): readonly PlanRow[] {
  const rows: PlanRow[] = [];
  const walk = (node: unknown, depth: number, id: string): void => {
    if (typeof node !== 'object' || node === null || depth > DEEPEST) return;
    const fields = node as Readonly<Record<string, unknown>>;
    const children = listOf(fields['children']);
    const name = String(fields['name'] ?? '');
    const match = /^\[([^\]]+)\]\s*(.*)$/s.exec(name);
    const own = selfOf(fields, children);
    rows.push({
      id,
      depth,
      operator: match?.[1] ?? name,
      details: match?.[2] ?? '',
      hasChildren: children.length > 0,
      totalMs: totalOf(fields),
      selfMs: own,
      samples: numberOf(fields['totalSamples']),
      peakSamples: numberOf(fields['peakSamples']),
      series: numberOf(fields['series']),
      peakBytes: numberOf(fields['peakBytes']),
      stores: listOf(fields['fanout']).map(storeAnswerOf),
      select: fields['select'] as PlanRow['select'],
    });
    for (const [i, child] of children.entries()) walk(child, depth + 1, `${id}.${i}`);
  };
  walk(tree, 0, '0');
  return rows;
}

/** All answers of each store: figures added up, the longest time, every different error. The slowest first. */
export function storeTotals(rows: readonly PlanRow[]): readonly (StoreAnswer & { readonly fetches: number })[] {
  const byAddress = new Map<string, StoreAnswer & { readonly fetches: number }>();
  for (const answer of rows.flatMap(({ stores }) => stores)) {
    const sum = byAddress.get(answer.address);
    if (sum === undefined) {
      byAddress.set(answer.address, { ...answer, fetches: 1 });
      continue;
    }
    const errors = new Set([sum.error, answer.error].filter((error) => error !== ''));
    byAddress.set(answer.address, {
      address: answer.address,
      tookMs: Math.max(sum.tookMs, answer.tookMs),
      bytes: sum.bytes + answer.bytes,
      responses: sum.responses + answer.responses,
      series: sum.series + answer.series,
      chunks: sum.chunks + answer.chunks,
      samples: sum.samples + answer.samples,
      error: [...errors].join('; '),
      fetches: sum.fetches + 1,
    });
  }
  return [...byAddress.values()].sort((a, b) => b.tookMs - a.tookMs);
}

function storeAnswerOf(value: unknown): StoreAnswer {
  const fields = (value ?? {}) as Readonly<Record<string, unknown>>;
  return {
    address: String(fields['endpointAddr'] ?? ''),
    tookMs: parseGoDuration(String(fields['duration'] ?? '0s')) ?? 0,
    bytes: numberOf(fields['bytesProcessed']) ?? 0,
    responses: numberOf(fields['numResponses']) ?? 0,
    series: numberOf(fields['series']) ?? 0,
    chunks: numberOf(fields['chunks']) ?? 0,
    samples: numberOf(fields['samples']) ?? 0,
    error: String(fields['error'] ?? ''),
  };
}

/** The time with the children's, ms: as a number, or as Go prints durations. */
function totalOf(fields: Readonly<Record<string, unknown>>): number | undefined {
  return numberOf(fields['totalTimeMs']) ?? parseGoDuration(String(fields['executionTime'] ?? ''));
}

/** The time without the children's, told or worked out. */
function selfOf(fields: Readonly<Record<string, unknown>>, children: readonly unknown[]): number | undefined {
  const told = numberOf(fields['selfTimeMs']);
  const total = totalOf(fields);
  if (told !== undefined || total === undefined) return told;
  const below = children.reduce<number>((sum, child) => sum + (totalOf((child ?? {}) as never) ?? 0), 0);
  return Math.max(total - below, 0);
}

/** "1m2.5s", "7.8ms", "12µs" -> ms; undefined when it is none. */
export function parseGoDuration(text: string): number | undefined {
  if (!/^-?(?:\d+(?:\.\d+)?(?:ns|us|µs|μs|ms|s|m|h))+$/.test(text)) return text === '0' ? 0 : undefined;
  let ms = 0;
  for (const [, count, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ns|us|µs|μs|ms|s|m|h)/g)) {
    ms += Number(count) * (GO_UNITS_MS[unit] ?? 0);
  }
  return text.startsWith('-') ? -ms : ms;
}

const GO_UNITS_MS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};

function numberOf(value: unknown): number | undefined {
  return typeof value === 'number' ? value : undefined;
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
