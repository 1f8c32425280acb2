// Blocks that follow one another in time, put together by a kernel: what most compactions are. It does the same as
// mergeBlocks, byte for byte, or nothing.

import { join } from 'node:path';
import { throwIfAborted } from '../async/deadline.ts';
import type { Block } from './block.ts';
import { BlockFiles } from './block-files.ts';
import { stepEnd } from './block-kernel.ts';
import { type BlockMeta, mergedCompaction } from './block-meta.ts';
import { MAX_SEGMENT_SIZE } from './chunks/format.ts';
import { SegmentWriter } from './chunks/segment-writer.ts';
import { mergeSymbols } from './index/merge-symbols.ts';
import { IndexWriter } from './index/writer.ts';
import { type ConcatenationKernel, concatenationKernel } from './kernels/concatenate-kernel.ts';
import type { MergeOptions } from './merge-blocks.ts';

export type ConcatenateOptions = Omit<MergeOptions, 'mergeOverlaps' | 'visit'>;

/** The thread is given back for other work about this often. */
const SLICE_MS = 20;
/** Chunks come in pieces that are large enough to be written at once. */
const SEGMENT_BUFFER_BYTES = 64 * 1024;

/**
 * Writes blocks in order of time, which stay open, as one into the directory `parent`, and gives its meta. Undefined, and no
 * block, when they are not for this: a sample was deleted, chunks overlap, something is damaged or larger than it usually is,
 * or there is no series at all. mergeBlocks does it then, or says what is wrong. Every entry was looked at, and its checksum
 * compared; those of the chunks are copied.
 */
export async function concatenateBlocks(
  parent: string,
  inputs: readonly Block[],
  options: ConcatenateOptions,
): Promise<BlockMeta | undefined> {
  const { ulid, isDurable, segmentBytes = MAX_SEGMENT_SIZE } = options;
  const files = new BlockFiles(parent, ulid, isDurable);
  try {
    const segments = new SegmentWriter((name) => files.create(join('chunks', name), SEGMENT_BUFFER_BYTES));
    const kernel = concatenationKernel(inputs, segmentBytes, {
      writeChunks: (bytes) => segments.write(bytes),
      cutSegment: () => segments.cut(),
    });
    if (kernel === undefined || !(await writeIndex(kernel, inputs, files, options))) {
      files.abort();
      return undefined;
    }
    segments.finish();
    const meta = metaOf(kernel, inputs, options);
    files.commit(meta);
    return meta;
  } catch (thrown) {
    files.abort();
    throw thrown;
  }
}

/** False when there is no series, or something is not as it usually is. */
async function writeIndex(
  kernel: ConcatenationKernel,
  inputs: readonly Block[],
  files: BlockFiles,
  options: ConcatenateOptions,
): Promise<boolean> {
  const tables = inputs.map(({ index }) => index.symbols);
  const symbols = mergeSymbols(tables, kernel.refs);
  if (!kernel.begin()) return false;
  const sink = files.create('index');
  const index = new IndexWriter(sink, symbols);
  if (!(await writeSeries(kernel, index, options))) return false;
  index.finish();
  sink.finish();
  return true;
}

async function writeSeries(
  kernel: ConcatenationKernel,
  index: IndexWriter,
  { signal, onProgress }: ConcatenateOptions,
): Promise<boolean> {
  let sliceEnd = performance.now() + SLICE_MS;
  for (;;) {
    const end = stepEnd(kernel.exports.step());
    if (end === 'unusual') return false;
    const { series } = kernel;
    if (series.length > 0) index.addEncoded(kernel.entries, series);
    if (end === 'ended') return kernel.exports.seriesCount() > 0;
    throwIfAborted(signal);
    if (performance.now() < sliceEnd) continue;
    await new Promise((resolve) => setImmediate(resolve));
    onProgress?.();
    sliceEnd = performance.now() + SLICE_MS;
  }
}

function metaOf(
  { exports }: ConcatenationKernel,
  inputs: readonly Block[],
  { ulid, others }: ConcatenateOptions,
): BlockMeta {
  return {
    ulid,
    minTime: Math.min(...inputs.map(({ meta }) => meta.minTime)),
    maxTime: Math.max(...inputs.map(({ meta }) => meta.maxTime)),
    stats: {
      numSamples: exports.sampleCount(),
      numFloatSamples: exports.floatCount(),
      numHistogramSamples: exports.histogramCount(),
      numSeries: exports.seriesCount(),
      numChunks: exports.chunkCount(),
      numTombstones: 0,
    },
    compaction: mergedCompaction(inputs.map(({ meta }) => meta)),
    others: others ?? {},
  };
}
