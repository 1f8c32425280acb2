// Aggregates of one batch as the chunk they are stored in.

import { AggregateChunkWriter, type AggregatePart, joinAggregateChunk } from '../../block/aggr-chunk.ts';
import type { SampleColumns } from '../../storage/sample-columns.ts';
import { ENCODING_AGGREGATE, ENCODING_FLOAT_HISTOGRAM, ENCODING_XOR } from '../../tsdb/chunkenc/encoding.ts';
import { encodeXor, encodeXorLent } from '../../tsdb/chunkenc/xor-encoder.ts';
import type { StoredChunk } from '../../tsdb/stored-chunk.ts';
import type { FloatColumns } from './aggregate-floats.ts';
import type { HistogramColumn } from './aggregate-histograms.ts';
import { encodeHistogramColumn } from './histogram-layout.ts';

const joined = new AggregateChunkWriter();

/** Of floats; an empty column is left out. Undefined when all are. Its times are those of the windows. */
export function floatAggregateChunk(aggregates: FloatColumns): StoredChunk | undefined {
  const { count, sum, min, max, counter } = aggregates;
  let minTime = Number.POSITIVE_INFINITY;
  let maxTime = Number.NEGATIVE_INFINITY;
  joined.clear();
  for (const column of [count, sum, min, max, counter]) {
    const { times, length } = column;
    if (length === 0) {
      joined.absent();
      continue;
    }
    // The first sample of a counter is a raw one, from before the end of its window.
    minTime = Math.min(minTime, times[column === counter ? 1 : 0]);
    maxTime = Math.max(maxTime, times[length - 1]);
    joined.add(ENCODING_XOR, encodeXorLent(column));
  }
  if (maxTime < minTime) return undefined;
  return { minTime, maxTime, encoding: ENCODING_AGGREGATE, data: joined.chunk() };
}

/** Of histograms: how many, their sum, their running total. */
export function histogramAggregateChunk(
  counts: SampleColumns,
  sums: HistogramColumn,
  counters: HistogramColumn,
): StoredChunk {
  const { times } = sums;
  const isGauge = counters.values[0].hint === 'gauge';
  const data = joinAggregateChunk([
    xorPart(counts),
    histogramPart(encodeHistogramColumn(times, sums.values, 'gauge')),
    undefined,
    undefined,
    // Resets have been taken out.
    histogramPart(encodeHistogramColumn(counters.times, counters.values, isGauge ? 'gauge' : 'not-reset')),
  ]);
  return { minTime: times[0], maxTime: times[times.length - 1], encoding: ENCODING_AGGREGATE, data };
}

function xorPart(columns: SampleColumns): AggregatePart | undefined {
  return columns.length === 0 ? undefined : { encoding: ENCODING_XOR, data: encodeXor(columns) };
}

function histogramPart(data: Uint8Array): AggregatePart {
  return { encoding: ENCODING_FLOAT_HISTOGRAM, data };
}
