// Numbers out of a native histogram: count, sum, average, spread; and the whole of it as text.

import { Fault } from '../../errors/fault.ts';
import { inclusiveEnds, listBuckets } from '../../model/histogram-bounds.ts';
import { type HistogramValue, usesCustomBounds } from '../../model/histogram-value.ts';
import { printG } from './go-format.ts';
import { KahanSum } from './kahan.ts';

export type HistogramStatistic = 'count' | 'sum' | 'avg' | 'stddev' | 'stdvar';

export function statisticOf(statistic: HistogramStatistic, histogram: HistogramValue): number {
  switch (statistic) {
    case 'count':
      return histogram.count;
    case 'sum':
      return histogram.sum;
    case 'avg':
      return histogram.sum / histogram.count;
    case 'stddev':
      return Math.sqrt(varianceOf(histogram));
    case 'stdvar':
      return varianceOf(histogram);
  }
}

/** As if all observations were in the middle of their bucket: the geometric one of exponential buckets. */
function varianceOf(histogram: HistogramValue): number {
  const mean = histogram.sum / histogram.count;
  const isCustom = usesCustomBounds(histogram);
  const { lowers, uppers, counts, length } = listBuckets(histogram);
  const squares = new KahanSum();
  for (let i = 0; i < length; i++) {
    if (counts[i] === 0) continue;
    let value = 0;
    if (isCustom) value = (uppers[i] + lowers[i]) / 2;
    else if (!(lowers[i] <= 0 && uppers[i] >= 0)) {
      value = Math.sqrt(uppers[i] * lowers[i]);
      if (uppers[i] < 0) value = -value;
    }
    const difference = value - mean;
    squares.add(counts[i] * difference * difference);
  }
  return squares.total / histogram.count;
}

/** `{count:3, sum:5, (1,2]:3}`: how a histogram reads as a label value. */
export function printHistogram(histogram: HistogramValue): string {
  const buckets = listBuckets(histogram);
  let text = `{count:${printG(histogram.count)}, sum:${printG(histogram.sum)}`;
  const { zeroCount, zeroThreshold } = histogram;
  // Multiplied by NaN even the zero bucket that is not there becomes NaN, and the reference fails.
  if (zeroCount !== 0 && usesCustomBounds(histogram)) {
    throw new Fault('execution', 'histograms with custom buckets have no zero bucket');
  }
  // Lists have a zero bucket only above nothing, but the text has one that is below, or is no number, too.
  const zero =
    zeroCount < 0 || Number.isNaN(zeroCount)
      ? `, [${printG(-zeroThreshold)},${printG(zeroThreshold)}]:${printG(zeroCount)}`
      : '';
  for (let i = 0; i < buckets.length; i++) {
    if (i === histogram.negative.indexes.length) text += zero;
    if (buckets.counts[i] === 0) continue;
    const { lower, upper } = inclusiveEnds(buckets, i, histogram);
    const range = `${lower ? '[' : '('}${printG(buckets.lowers[i])},${printG(buckets.uppers[i])}${upper ? ']' : ')'}`;
    text += `, ${range}:${printG(buckets.counts[i])}`;
  }
  return `${text}${buckets.length === histogram.negative.indexes.length ? zero : ''}}`;
}
