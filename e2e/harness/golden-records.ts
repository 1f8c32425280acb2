// Recorded answers of a querier, and whether another answer is equal to one.

import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';

export interface GoldenRecord {
  readonly id: string;
  readonly kind: string;
  /** Which querier was asked; they differ in their bucket and flags. */
  readonly querier: string;
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly params: readonly (readonly [string, string])[];
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
  readonly unstableOrder?: boolean;
}

export interface Answer {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}

/** Relative difference up to which two values are equal. */
const TOLERANCE = 1e-9;

export function readGoldenRecords(file: string): GoldenRecord[] {
  const lines = gunzipSync(readFileSync(file)).toString('utf8').trimEnd().split('\n');
  return lines.map((line) => JSON.parse(line));
}

/** Sends the recorded request to another querier. */
export async function replay(baseUrl: string, record: GoldenRecord): Promise<Answer> {
  const form = new URLSearchParams(record.params.map(([name, value]): [string, string] => [name, value]));
  const url = `${baseUrl}${record.path}`;
  const response =
    record.method === 'POST'
      ? await fetch(url, { method: 'POST', body: form })
      : await fetch(record.params.length === 0 ? url : `${url}?${form}`);
  return {
    status: response.status,
    contentType: response.headers.get('content-type') ?? '',
    body: await response.text(),
  };
}

/** What differs, in words; undefined when the answers are equal. */
export function difference(record: GoldenRecord, answer: Answer): string | undefined {
  if (answer.status !== record.status) return `status ${answer.status} in place of ${record.status}: ${answer.body}`;
  if (!record.contentType.startsWith('application/json')) {
    return answer.body.trim() === record.body.trim() ? undefined : `body ${answer.body} in place of ${record.body}`;
  }
  const actual = JSON.parse(answer.body);
  const wanted = JSON.parse(record.body);
  if (actual.status !== wanted.status) return `status ${actual.status} in place of ${wanted.status}`;
  if (actual.errorType !== wanted.errorType) return `errorType ${actual.errorType} in place of ${wanted.errorType}`;
  const warned = (body: { warnings?: unknown[] }): boolean => (body.warnings ?? []).length > 0;
  if (warned(actual) !== warned(wanted)) {
    return `warnings ${JSON.stringify(actual.warnings)} in place of ${JSON.stringify(wanted.warnings)}`;
  }
  if (wanted.data?.resultType !== undefined) {
    if (actual.data.resultType !== wanted.data.resultType) return `result type ${actual.data.resultType}`;
    const isSorted = /\b(sort|sort_desc|sort_by_label|sort_by_label_desc|topk|bottomk)\s*\(/.test(queryOf(record));
    const isSet = wanted.data.resultType === 'vector' && (record.unstableOrder === true || !isSorted);
    return resultDifference(actual.data.result, wanted.data.result, isSet);
  }
  // Plans are ours: that there is one is what counts.
  if (record.kind === 'explain' && wanted.data?.name !== undefined) {
    return typeof actual.data?.name === 'string' ? undefined : `no plan: ${answer.body}`;
  }
  return valueDifference(actual.data, wanted.data, 'data');
}

export function queryOf(record: GoldenRecord): string {
  return record.params.find(([name]) => name === 'query')?.[1] ?? '';
}

interface ResultSeries {
  readonly metric: Readonly<Record<string, string>>;
}

function resultDifference(actual: unknown, wanted: unknown, isSet: boolean): string | undefined {
  if (!isSet || !Array.isArray(actual) || !Array.isArray(wanted)) return valueDifference(actual, wanted, 'result');
  const byLabels = (series: readonly ResultSeries[]): unknown[] =>
    [...series].sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
  return valueDifference(byLabels(actual), byLabels(wanted), 'result');
}

function keyOf(series: ResultSeries): string {
  return JSON.stringify(Object.entries(series.metric).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Numbers and texts that read as numbers within the tolerance, everything else exactly. */
function valueDifference(actual: unknown, wanted: unknown, path: string): string | undefined {
  if (Array.isArray(wanted) && Array.isArray(actual)) {
    for (let i = 0; i < Math.max(wanted.length, actual.length); i++) {
      if (i >= wanted.length) return `${path}[${i}]: one too many, ${JSON.stringify(actual[i])}`;
      if (i >= actual.length) return `${path}[${i}]: missing, ${JSON.stringify(wanted[i])}`;
      const found = valueDifference(actual[i], wanted[i], `${path}[${i}]`);
      if (found !== undefined) return found;
    }
    return undefined;
  }
  if (isObject(wanted) && isObject(actual)) {
    for (const name of new Set([...Object.keys(wanted), ...Object.keys(actual)])) {
      const isLabels = path.endsWith('.metric');
      const found = isLabels
        ? exactDifference(actual[name], wanted[name], `${path}.${name}`)
        : valueDifference(actual[name], wanted[name], `${path}.${name}`);
      if (found !== undefined) return found;
    }
    return undefined;
  }
  if (isNumeric(actual) && isNumeric(wanted) && isClose(Number(actual), Number(wanted))) return undefined;
  return exactDifference(actual, wanted, path);
}

function exactDifference(actual: unknown, wanted: unknown, path: string): string | undefined {
  if (actual === wanted) return undefined;
  return `${path}: ${JSON.stringify(actual)} in place of ${JSON.stringify(wanted)}`;
}

function isClose(a: number, b: number): boolean {
  return Math.abs(a - b) <= TOLERANCE * Math.max(Math.abs(a), Math.abs(b));
}

function isNumeric(value: unknown): boolean {
  if (typeof value === 'number') return true;
  return typeof value === 'string' && /^[-+]?[0-9.]+(e[-+]?[0-9]+)?$/.test(value);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
