// One series of a script: `name{label="value"} 0 1 _ stale 5x3 0+10x5 {{sum:1 count:2 buckets:[2]}}`.

import { Fault } from '../../errors/fault.ts';
import { parseDuration } from '../../model/duration.ts';
import { Labels } from '../../model/labels.ts';
import { parseSelector } from '../parser/parse.ts';
import { parseHistograms, type WrittenHistogram } from './histogram-text.ts';
import { parseNumber } from './number.ts';

/** A number, nothing, the stale marker, or a native histogram. */
export type Point = number | undefined | 'stale' | WrittenHistogram;

export interface SeriesLine {
  readonly labels: Labels;
  readonly points: readonly Point[];
  /** In place of points: since when those of the series of the same labels have counted, in ms from the sample on. */
  readonly starts?: readonly (number | undefined)[];
}

/** Throws `invalid` for a line that is no series. */
export function parseSeriesLine(line: string): SeriesLine {
  const end = descriptionEnd(line);
  const matchers = parseSelector(line.slice(0, end));
  const labels = Labels.from(matchers.map(({ name, value }): [string, string] => [name, value]));
  let rest = line.slice(end);
  if (!rest.startsWith('@st')) return { labels, points: parsePoints(rest) };
  rest = rest.slice('@st'.length);
  return { labels, points: [], starts: parseStarts(rest) };
}

function descriptionEnd(line: string): number {
  let quoted = '';
  let braces = 0;
  for (let i = 0; i < line.length; i++) {
    const char = line[i];
    if (quoted !== '') {
      if (char === '\\' && quoted !== '`') i++;
      else if (char === quoted) quoted = '';
    } else if (char === '"' || char === "'" || char === '`') quoted = char;
    else if (char === '{') braces++;
    else if (char === '}') {
      if (--braces === 0) return i + 1;
    } else if (braces === 0 && char === '@') {
      return i;
    } else if (braces === 0 && (char === ' ' || char === '\t')) {
      // A name may stand apart from its braces.
      return /^\s*\{(?!\{)/.test(line.slice(i)) ? i + descriptionEnd(line.slice(i)) : i;
    }
  }
  return line.length;
}

/** The points behind a description, one each step. */
export function parsePoints(text: string): Point[] {
  const points: Point[] = [];
  for (const item of text.match(/\{\{[^}]*\}\}(?:[+-]\{\{[^}]*\}\})?(?:x\d+)?|\S+/g) ?? []) pushItem(item, points);
  return points;
}

const startShape = /^(_|[+-]?\w+?)([+-]\w+?)?(?:x(\d+))?$/;

/** `-30s`, `-30s-1mx2` for that and two more, each a minute earlier, `_` for nothing. */
function parseStarts(text: string): (number | undefined)[] {
  const starts: (number | undefined)[] = [];
  for (const item of text.match(/\S+/g) ?? []) {
    const parts = startShape.exec(item);
    if (parts === null) throw new Fault('invalid', `not the start of a point: ${item}`);
    const [, first, change, times] = parts;
    const count = first === '_' ? Number(times ?? 1) : Number(times ?? 0) + 1;
    for (let i = 0; i < count; i++) {
      starts.push(
        first === '_' ? undefined : signedDuration(first) + i * (change === undefined ? 0 : signedDuration(change)),
      );
    }
  }
  return starts;
}

function signedDuration(text: string): number {
  const ms = parseDuration(text.replace(/^[+-]/, ''));
  return text.startsWith('-') ? -ms : ms;
}

// No hexadecimal: `0x10` is 0 and ten more.
const NUMBER = '[+-]?(?:inf|nan|(?:\\d+\\.?\\d*|\\.\\d+)(?:e[+-]?\\d+)?)';
const shape = new RegExp(`^(_|stale|${NUMBER})(${NUMBER.replace('[+-]?', '[+-]')})?(?:x(\\d+))?$`, 'i');

function pushItem(item: string, points: Point[]): void {
  if (item.startsWith('{{')) {
    points.push(...parseHistograms(item));
    return;
  }
  const parts = shape.exec(item);
  if (parts === null) throw new Fault('invalid', `not a point of a series: ${item}`);
  const [, first, change, times] = parts;
  if (first === '_') {
    for (let i = 0; i < Number(times ?? 1); i++) points.push(undefined);
    return;
  }
  // `axN` stands for a and N more.
  const count = times === undefined ? 1 : Number(times) + 1;
  const step = change === undefined ? 0 : parseNumber(change);
  let value: Point = first.toLowerCase() === 'stale' ? 'stale' : parseNumber(first);
  for (let i = 0; i < count; i++) {
    points.push(value);
    if (typeof value === 'number' && change !== undefined) value += step;
  }
}
