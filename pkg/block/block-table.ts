// Blocks as a table, for `tools bucket inspect`: what each holds, and how long until it can be downsampled.

import { compareUtf8 } from '../bytes/compare.ts';
import { RESOLUTION_5M, RESOLUTION_RAW } from '../model/resolution.ts';
import { goDurationText, secondsText, thousandsText } from './block-text.ts';
import type { BlockMeta } from './meta.ts';

export const blockColumns = [
  'ULID',
  'FROM',
  'UNTIL',
  'RANGE',
  'UNTIL-DOWN',
  '#SERIES',
  '#SAMPLES',
  '#CHUNKS',
  'COMP-LEVEL',
  'COMP-FAILED',
  'LABELS',
  'RESOLUTION',
  'SOURCE',
] as const;
export type BlockColumn = (typeof blockColumns)[number];

export const blockTableForms = ['table', 'tsv', 'csv'] as const;
export type BlockTableForm = (typeof blockTableForms)[number];

/** A block must span this long before it is downsampled from raw to 5m, and from 5m to 1h. */
const DOWNSAMPLE_RAW_AFTER_MS = 40 * 3_600_000;
const DOWNSAMPLE_5M_AFTER_MS = 10 * 24 * 3_600_000;

interface Cell {
  readonly text: string;
  /** What it sorts by; undefined for a cell that says there is nothing, which sorts first. */
  readonly order: string | number | undefined;
}

/** The whole text with header and final newline. Rows are ordered by the columns in turn, then by identifier. */
export function blockTable(
  metas: Iterable<BlockMeta>,
  options: { readonly form: BlockTableForm; readonly sortBy: readonly BlockColumn[] },
): string {
  const rows = [...metas].map(cellsOf);
  const keys = [...options.sortBy, 'ULID'] as const;
  rows.sort((a, b) => keys.reduce((order, column) => order || compareCells(a[column], b[column]), 0));
  const texts = rows.map((row) => blockColumns.map((column) => row[column].text));
  if (options.form === 'table') return gridText(blockColumns, texts);
  const separator = options.form === 'csv' ? ',' : '\t';
  return [blockColumns, ...texts]
    .map((row) => `${row.map((text) => quoted(text, separator)).join(separator)}\n`)
    .join('');
}

function cellsOf(meta: BlockMeta): Readonly<Record<BlockColumn, Cell>> {
  const { stats, compaction, thanos } = meta;
  const rangeMs = meta.maxTime - meta.minTime;
  return {
    ULID: plain(meta.ulid),
    FROM: { text: secondsText(meta.minTime), order: meta.minTime },
    UNTIL: { text: secondsText(meta.maxTime), order: meta.maxTime },
    RANGE: duration(rangeMs),
    'UNTIL-DOWN': untilDown(thanos.resolutionMs, rangeMs),
    '#SERIES': count(stats.numSeries),
    '#SAMPLES': count(stats.numSamples),
    '#CHUNKS': count(stats.numChunks),
    'COMP-LEVEL': { text: String(compaction.level), order: compaction.level },
    'COMP-FAILED': plain(String(compaction.failed)),
    LABELS: plain([...thanos.labels].map(([name, value]) => `${name}=${value}`).join(',')),
    RESOLUTION: duration(thanos.resolutionMs),
    SOURCE: plain(thanos.source),
  };
}

function untilDown(resolutionMs: number, rangeMs: number): Cell {
  if (resolutionMs === RESOLUTION_RAW) return duration(DOWNSAMPLE_RAW_AFTER_MS - rangeMs);
  if (resolutionMs === RESOLUTION_5M) return duration(DOWNSAMPLE_5M_AFTER_MS - rangeMs);
  return { text: '-', order: undefined };
}

function plain(text: string): Cell {
  return { text, order: text };
}

function duration(ms: number): Cell {
  return { text: goDurationText(ms), order: ms };
}

function count(value: number): Cell {
  return { text: thousandsText(value), order: value };
}

/** Cells of one column are all texts, or all numbers but for empty ones. */
function compareCells(a: Cell, b: Cell): number {
  if (a.order === undefined || b.order === undefined)
    return Number(a.order !== undefined) - Number(b.order !== undefined);
  if (typeof a.order === 'number' && typeof b.order === 'number') return a.order - b.order;
  return compareUtf8(String(a.order), String(b.order));
}

/** A grid of `|` with centred headers; widths count characters, not bytes. */
function gridText(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = header.map((title, i) => rows.reduce((width, row) => Math.max(width, widthOf(row[i])), title.length));
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |\n`;
  const centred = header.map((title, i) => {
    const free = widths[i] - title.length;
    return `${' '.repeat(Math.floor(free / 2))}${title}${' '.repeat(Math.ceil(free / 2))}`;
  });
  const rule = `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|\n`;
  const body = rows.map((row) => line(row.map((text, i) => text + ' '.repeat(widths[i] - widthOf(text)))));
  return line(centred) + rule + body.join('');
}

function widthOf(text: string): number {
  return [...text].length;
}

/** Quotes as CSV does when the text would be misread without. */
function quoted(text: string, separator: string): string {
  if (!/["\r\n]/.test(text) && !text.includes(separator) && !/^\s/.test(text)) return text;
  return `"${text.replaceAll('"', '""')}"`;
}
