// Tests: what a downsampled block holds, as lines that can be compared.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { backgroundRequest } from '../async/request.ts';
import { AGGREGATE_PARTS, AggregateParts, splitAggregateChunk } from '../block/aggr-chunk.ts';
import { compactHistogram } from '../model/histogram-math.ts';
import { type BucketCounts, histogramValueOf } from '../model/histogram-value.ts';
import { type Bucket, readAll } from '../objstore/bucket.ts';
import { SampleBuffer } from '../storage/sample-columns.ts';
import { Block } from '../tsdb/block.ts';
import { decodeXorChunk } from '../tsdb/chunkenc/decode.ts';
import { ENCODING_AGGREGATE, ENCODING_XOR } from '../tsdb/chunkenc/encoding.ts';
import { decodeFloatHistograms } from '../tsdb/chunkenc/float-histogram.ts';
import { ChunkView } from '../tsdb/chunks/segment-reader.ts';
import { SeriesEntry } from '../tsdb/index/series-entry.ts';

/** The lines of a block in a bucket. */
export async function aggregatesOf(bucket: Bucket, ulid: string): Promise<readonly string[]> {
  const request = backgroundRequest();
  const directory = mkdtempSync(join(tmpdir(), 'downsample-'));
  try {
    for await (const { name } of bucket.list(request, ulid, { recursive: true })) {
      mkdirSync(dirname(join(directory, name)), { recursive: true });
      writeFileSync(join(directory, name), await readAll(request, bucket, name));
    }
    return aggregatesIn(join(directory, ulid));
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/**
 * For each series its labels, for each chunk its times, for each part its samples: floats by bits, histograms without empty
 * buckets, since how buckets are laid out is no part of what they say.
 */
export function aggregatesIn(directory: string): readonly string[] {
  const block = Block.open(directory);
  const entry = new SeriesEntry();
  const view = new ChunkView();
  const lines: string[] = [];
  try {
    for (const id of block.index.walk()) {
      lines.push(block.series(id, entry).toString());
      for (let i = 0; i < entry.chunkCount; i++) {
        block.chunk(entry, i, view);
        lines.push(`  ${entry.minTimes[i]} ${entry.maxTimes[i]} ${view.encoding}`);
        if (view.encoding !== ENCODING_AGGREGATE) continue;
        lines.push(...linesOfParts(view.bytes.subarray(view.offset, view.offset + view.length)));
      }
    }
  } finally {
    block.close();
  }
  return lines;
}

/** The samples of each part of an aggregate chunk, a line a part. */
export function linesOfParts(chunk: Uint8Array): readonly string[] {
  const parts = new AggregateParts();
  splitAggregateChunk(chunk, 0, chunk.length, parts);
  return AGGREGATE_PARTS.map((name, i) => {
    const data = chunk.subarray(parts.offsets[i], parts.offsets[i] + parts.lengths[i]);
    if (parts.encodings[i] === 0) return `    ${name} -`;
    return `    ${name} ${parts.encodings[i] === ENCODING_XOR ? floatsText(data) : histogramsText(data)}`;
  });
}

function floatsText(data: Uint8Array): string {
  const samples = new SampleBuffer();
  decodeXorChunk(data, 0, data.length, samples);
  const { times, values, words } = samples;
  const value = (i: number): string => {
    if (!Number.isNaN(values[i])) return Object.is(values[i], -0) ? '-0' : String(values[i]);
    return `NaN:${words[2 * i + 1].toString(16)}${words[2 * i].toString(16).padStart(8, '0')}`;
  };
  return Array.from({ length: samples.length }, (_, i) => `(${times[i]},${value(i)})`).join(' ');
}

function histogramsText(data: Uint8Array): string {
  const buckets = ({ indexes, counts }: BucketCounts): string => [...indexes].map((b, i) => `${b}:${counts[i]}`).join();
  return decodeFloatHistograms(data, 0, data.length)
    .map(({ time, histogram }) => {
      const value = compactHistogram(histogramValueOf(histogram)!);
      const { hint, schema, zeroThreshold, zeroCount, count, sum, customValues } = value;
      const scalars = [hint, schema, zeroThreshold, zeroCount, count, sum].join(' ');
      return `(${time} ${scalars} [${buckets(value.positive)}] [${buckets(value.negative)}] [${customValues}])`;
    })
    .join(' ');
}
