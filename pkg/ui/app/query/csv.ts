// An answer as CSV (RFC 4180): a row for each sample, a column for each label.

import type { QueryResult } from './decode.ts';

/** Pieces of the text, so that a large answer needs no second copy in one string. Times in RFC 3339. */
export function* csvOf(result: QueryResult): Generator<string> {
  const names = [...new Set(result.labels.flatMap((labels) => Object.keys(labels)))].sort();
  const hasHistograms = result.histograms !== undefined;
  const header = [...names, 'time', 'value', ...(hasHistograms ? ['histogram_count', 'histogram_sum'] : [])];
  yield row(header);
  for (const [series, labels] of result.labels.entries()) {
    const cells = names.map((name) => labels[name] ?? '');
    let piece = '';
    for (let i = result.offsets[series]; i < result.offsets[series + 1]; i++) {
      const value = result.texts[i] ?? valueText(result.values[i]);
      piece += row([...cells, timeOf(result.times[i]), value, ...(hasHistograms ? ['', ''] : [])]);
    }
    for (const { timeMs, count, sum } of result.histograms?.[series] ?? []) {
      piece += row([...cells, timeOf(timeMs), '', valueText(count), valueText(sum)]);
    }
    yield piece;
  }
}

/** As the API writes it. */
export function valueText(value: number): string {
  if (value === Infinity) return '+Inf';
  if (value === -Infinity) return '-Inf';
  return Object.is(value, -0) ? '-0' : String(value);
}

function timeOf(ms: number): string {
  return Number.isFinite(ms) && Math.abs(ms) <= 8.64e15 ? new Date(ms).toISOString() : String(ms / 1000);
}

function row(cells: readonly string[]): string {
  return `${cells.map(cell).join(',')}\r\n`;
}

/** Spreadsheets run what begins like a formula: numbers apart, such a cell gets a quote before it. */
function cell(text: string): string {
  const isFormula = /^[=+\-@\t\r]/.test(text) && !/^[+-](?:\d|Inf$|\.\d)/.test(text);
  const safe = isFormula ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
