// Series from plain arrays: for tests, demonstrations and answers that are already in memory.

import { compareLabels, type Labels } from '../model/labels.ts';
import { lowerBound, type SampleBuffer, type SampleColumns, SampleBuffer as Samples } from './sample-columns.ts';
import type { Series, SeriesSet } from './series.ts';

/** A series over columns that it borrows. Times outside [minTime, maxTime] are left out when read. */
export function columnSeries(labels: Labels, columns: SampleColumns, minTime = -Infinity, maxTime = Infinity): Series {
  return {
    labels,
    readInto(into: SampleBuffer): void {
      const from = lowerBound(columns.times, columns.length, minTime);
      let to = columns.length;
      while (to > from && columns.times[to - 1] > maxTime) to--;
      into.pushColumns(columns, from, to);
    },
  };
}

/** Columns from `[time, value]` pairs in ascending time. */
export function columnsOf(samples: readonly (readonly [number, number])[]): SampleColumns {
  const columns = new Samples(samples.length);
  for (const [time, value] of samples) columns.push(time, value);
  return columns;
}

/** A set of series in memory, put in label order, in batches of at most `batchSize`. */
export function listSeriesSet(series: readonly Series[], warnings: readonly string[] = [], batchSize = 256): SeriesSet {
  const sorted = [...series].sort((a, b) => compareLabels(a.labels, b.labels));
  async function* batches(): AsyncGenerator<readonly Series[]> {
    for (let i = 0; i < sorted.length; i += batchSize) yield sorted.slice(i, i + batchSize);
  }
  return { batches: batches(), warnings };
}
