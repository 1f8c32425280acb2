// Answers of two queriers side by side. What counts: status, error type, label sets, values and the presence of warnings;
// not the texts, and not the order of an instant vector unless the query sorts.

export interface Question {
  readonly path: string;
  readonly params: readonly (readonly [name: string, value: string])[];
  readonly method?: 'GET' | 'POST';
}

export interface Answer {
  readonly path: string;
  readonly httpStatus: number;
  readonly body: string;
  readonly hasWarnings: boolean;
  readonly warnings: readonly string[];
  /** Status, error type and data, in an order of their own. */
  readonly content: unknown;
}

/** An instant query at a time in ms. */
export function instant(query: string, timeMs: number, more: Readonly<Record<string, string>> = {}): Question {
  return { path: '/api/v1/query', params: [['query', query], ['time', seconds(timeMs)], ...Object.entries(more)] };
}

export interface Range {
  readonly startMs: number;
  readonly endMs: number;
  readonly stepMs: number;
}

export function range(query: string, over: Range, more: Readonly<Record<string, string>> = {}): Question {
  const { startMs, endMs, stepMs } = over;
  return {
    path: '/api/v1/query_range',
    params: [
      ['query', query],
      ['start', seconds(startMs)],
      ['end', seconds(endMs)],
      ['step', seconds(stepMs)],
      ...Object.entries(more),
    ],
  };
}

/** series, labels or label/<name>/values. */
export function metadata(path: string, over: Omit<Range, 'stepMs'>, ...selectors: readonly string[]): Question {
  return {
    path: `/api/v1/${path}`,
    params: [
      ['start', seconds(over.startMs)],
      ['end', seconds(over.endMs)],
      ...selectors.map((selector) => ['match[]', selector] as const),
    ],
  };
}

export async function ask(baseUrl: string, { path, params, method = 'GET' }: Question): Promise<Answer> {
  const form = new URLSearchParams(params.map(([name, value]): [string, string] => [name, value]));
  const response =
    method === 'GET'
      ? await fetch(`${baseUrl}${path}?${form}`, { signal: AbortSignal.timeout(30_000) })
      : await fetch(`${baseUrl}${path}`, { method, body: form, signal: AbortSignal.timeout(30_000) });
  const body = await response.text();
  const parsed = JSON.parse(body) as {
    readonly status: string;
    readonly errorType?: string;
    readonly data?: unknown;
    readonly warnings?: readonly string[];
    readonly infos?: readonly string[];
  };
  const warnings = parsed.warnings ?? [];
  return {
    path,
    httpStatus: response.status,
    body,
    warnings,
    hasWarnings: warnings.length > 0,
    content: {
      status: parsed.status,
      errorType: parsed.errorType,
      data: asksForOrder(params) ? parsed.data : inOwnOrder(parsed.data),
    },
  };
}

/** Undefined when the answers are equal, their difference otherwise. */
export function difference(theirs: Answer, own: Answer, relativeTolerance = 0): string | undefined {
  if (theirs.httpStatus !== own.httpStatus) {
    return `HTTP status ${theirs.httpStatus} but ours is ${own.httpStatus}: ${own.body.slice(0, 300)}`;
  }
  // The reference loses the warnings of /series.
  if (theirs.hasWarnings !== own.hasWarnings && !(theirs.path.endsWith('/series') && own.hasWarnings)) {
    return `warnings ${JSON.stringify(theirs.warnings)} but ours are ${JSON.stringify(own.warnings)}`;
  }
  return differenceOf(theirs.content, own.content, relativeTolerance, '');
}

/** A series of a query's answer. */
export interface Entry {
  readonly metric: Readonly<Record<string, string>>;
  /** Of an instant vector. */
  readonly value: readonly [number, string];
  /** Of a matrix. */
  readonly values?: readonly (readonly [number, string])[];
}

/** The series of an answer that was a success. */
export function resultOf({ body }: Answer): readonly Entry[] {
  return (JSON.parse(body) as { readonly data: { readonly result: readonly Entry[] } }).data.result;
}

export function countOf(answer: Answer): number {
  return resultOf(answer).length;
}

/** How the answers of two queriers differ, one text for each question that they answer differently. */
export async function compareQueriers(
  theirUrl: string,
  ownUrl: string,
  questions: readonly Question[],
): Promise<ReadonlyMap<Question, string>> {
  const found = new Map<Question, string>();
  for (const question of questions) {
    const [theirs, own] = await Promise.all([ask(theirUrl, question), ask(ownUrl, question)]);
    const one = difference(theirs, own);
    if (one !== undefined) found.set(question, `${question.path} ${JSON.stringify(question.params)}: ${one}`);
  }
  return found;
}

function differenceOf(theirs: unknown, own: unknown, tolerance: number, at: string): string | undefined {
  if (Object.is(theirs, own)) return undefined;
  if (Array.isArray(theirs) && Array.isArray(own)) {
    if (theirs.length !== own.length) {
      return `${at}: ${theirs.length} entries but ours has ${own.length}: ${short(theirs)} and ours ${short(own)}`;
    }
    for (let i = 0; i < theirs.length; i++) {
      const found = differenceOf(theirs[i], own[i], tolerance, `${at}[${i}]`);
      if (found !== undefined) return found;
    }
    return undefined;
  }
  if (isObject(theirs) && isObject(own)) {
    for (const key of new Set([...Object.keys(theirs), ...Object.keys(own)])) {
      const found = differenceOf(theirs[key], own[key], tolerance, `${at}.${key}`);
      if (found !== undefined) return found;
    }
    return undefined;
  }
  // Values are texts, and equal texts are equal to the last bit.
  if (tolerance > 0 && typeof theirs === 'string' && typeof own === 'string' && /\[1\]$/.test(at)) {
    const [a, b] = [Number(theirs), Number(own)];
    if (Math.abs(a - b) <= tolerance * Math.max(Math.abs(a), Math.abs(b))) return undefined;
  }
  return `${at}: ${short(theirs)} but ours is ${short(own)}`;
}

function asksForOrder(params: Question['params']): boolean {
  return params.some(([name, value]) => name === 'query' && value.startsWith('sort'));
}

/** Entries of a list of objects sorted by their labels. */
function inOwnOrder(data: unknown): unknown {
  if (Array.isArray(data) && data.every(isObject)) return sorted(data);
  if (isObject(data) && Array.isArray(data['result']) && data['result'].every(isObject)) {
    return { ...data, result: sorted(data['result']) };
  }
  return data;
}

function sorted(entries: readonly Readonly<Record<string, unknown>>[]): unknown[] {
  const keyed = entries.map((entry) => ({ key: JSON.stringify(entry['metric'] ?? entry), entry }));
  return keyed.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0)).map(({ entry }) => entry);
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function seconds(timeMs: number): string {
  return String(timeMs / 1000);
}

function short(value: unknown): string {
  return (JSON.stringify(value) ?? 'undefined').slice(0, 300);
}
