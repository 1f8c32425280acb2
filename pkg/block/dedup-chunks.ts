// Overlapping chunks of one series into chunks that follow one another, for vertical compaction. Every chunk of the
// overlap counts as a replica of its own; what comes out is cut every 120 samples, as the reference cuts it.

import type { HistogramSample } from '../model/histogram.ts';
import { mergeByPenalty } from '../storage/penalty.ts';
import { SampleBuffer, type SampleColumns } from '../storage/sample-columns.ts';
import { SAMPLES_PER_CHUNK } from '../tsdb/block-writer.ts';
import { decodeXorChunk } from '../tsdb/chunkenc/decode.ts';
import { ENCODING_FLOAT_HISTOGRAM, ENCODING_HISTOGRAM, ENCODING_XOR, undecodable } from '../tsdb/chunkenc/encoding.ts';
import { decodeFloatHistograms } from '../tsdb/chunkenc/float-histogram.ts';
import { decodeHistograms } from '../tsdb/chunkenc/histogram.ts';
import { type HistogramChunk, HistogramChunker } from '../tsdb/chunkenc/histogram-chunker.ts';
import { encodeXorLent } from '../tsdb/chunkenc/xor-encoder.ts';
import type { OverlapRule } from '../tsdb/merge-blocks.ts';
import type { StoredChunk } from '../tsdb/stored-chunk.ts';
import { ChainedReplicas } from './chained-replicas.ts';
import type { OfflineDedupFunc } from './dedup-funcs.ts';

type Emit = (chunk: StoredChunk) => void;
/** Many columns into one, which is good until the next call; what their values are is not looked at. */
type MergeColumns = (replicas: readonly SampleBuffer[]) => SampleColumns;

/** The rule of a name, for mergeBlocks. Aggregates are `unsupported`: their overlaps are not merged. */
export function overlapRule(func: OfflineDedupFunc): OverlapRule {
  const mergeColumns = func === 'penalty' ? penaltyFold() : chaining();
  // Overlaps are many: their columns are used again and again.
  const decoded: SampleBuffer[] = [];
  return (chunks, emit) => {
    if (!areFloats(chunks)) {
      mergeMixed(chunks, mergeColumns, emit);
      return;
    }
    while (decoded.length < chunks.length) decoded.push(new SampleBuffer(SAMPLES_PER_CHUNK));
    for (let i = 0; i < chunks.length; i++) {
      const { data } = chunks[i];
      decoded[i].clear();
      decodeXorChunk(data, 0, data.length, decoded[i]);
    }
    emitFloats(mergeColumns(decoded.slice(0, chunks.length)), emit);
  };
}

function areFloats(chunks: readonly StoredChunk[]): boolean {
  for (const { encoding } of chunks) if (encoding !== ENCODING_XOR) return false;
  return true;
}

function emitFloats(samples: SampleColumns, emit: Emit): void {
  for (let from = 0; from < samples.length; from += SAMPLES_PER_CHUNK) {
    const to = Math.min(samples.length, from + SAMPLES_PER_CHUNK);
    const data = encodeXorLent(samples, from, to);
    emit({ minTime: samples.times[from], maxTime: samples.times[to - 1], encoding: ENCODING_XOR, data });
  }
}

/** Chunks with histograms among them: all samples are numbered, and it is the numbers that are merged as values. */
function mergeMixed(chunks: readonly StoredChunk[], mergeColumns: MergeColumns, emit: Emit): void {
  const floats = new SampleBuffer(SAMPLES_PER_CHUNK);
  const histograms: HistogramSample[] = [];
  // Floats have the numbers from 0 up, histograms those from -1 down.
  const replicas = chunks.map((chunk) => {
    const numbered = new SampleBuffer(SAMPLES_PER_CHUNK);
    if (chunk.encoding === ENCODING_XOR) {
      const from = floats.length;
      decodeXorChunk(chunk.data, 0, chunk.data.length, floats);
      for (let i = from; i < floats.length; i++) numbered.push(floats.times[i], i);
    } else {
      for (const sample of decodeHistogramChunk(chunk)) {
        histograms.push(sample);
        numbered.push(sample.time, -histograms.length);
      }
    }
    return numbered;
  });
  const merged = mergeColumns(replicas);
  const chunker = new HistogramChunker(SAMPLES_PER_CHUNK);
  const run = new SampleBuffer(SAMPLES_PER_CHUNK);
  let openCount = 0;
  for (let i = 0; i < merged.length; i++) {
    const number = merged.values[i];
    if (number >= 0) {
      emitHistogram(chunker.finish(), emit);
      openCount = 0;
      run.pushColumns(floats, number, number + 1);
      continue;
    }
    emitFloats(run, emit);
    run.clear();
    const ended = chunker.push(histograms[-number - 1]);
    emitHistogram(ended, emit);
    openCount = ended === undefined ? openCount + 1 : 1;
    if (openCount < SAMPLES_PER_CHUNK) continue;
    // What is cut here for its length tells the next chunk nothing about resets, as in the reference.
    emitHistogram(chunker.finish(), emit);
    openCount = 0;
  }
  emitFloats(run, emit);
  emitHistogram(chunker.finish(), emit);
}

function emitHistogram(chunk: HistogramChunk | undefined, emit: Emit): void {
  if (chunk === undefined) return;
  const { bytes, ...place } = chunk;
  emit({ ...place, data: bytes });
}

function decodeHistogramChunk({ encoding, data }: StoredChunk): HistogramSample[] {
  switch (encoding) {
    case ENCODING_HISTOGRAM:
      return decodeHistograms(data, 0, data.length);
    case ENCODING_FLOAT_HISTOGRAM:
      return decodeFloatHistograms(data, 0, data.length);
    default:
      throw undecodable(encoding);
  }
}

function chaining(): MergeColumns {
  const merged = new SampleBuffer();
  return (replicas) => {
    merged.clear();
    // The first chunk of an overlap comes last in the reference's list of replicas, which decides between equal times.
    const order = [...replicas.slice(1), replicas[0]];
    const picks = new ChainedReplicas(order);
    merged.reserve(replicas.reduce((sum, { length }) => sum + length, 0));
    const { times, words } = merged;
    let count = 0;
    for (; picks.next(); count++) {
      const replica = order[picks.replica];
      const from = picks.index;
      times[count] = replica.times[from];
      words[2 * count] = replica.words[2 * from];
      words[2 * count + 1] = replica.words[2 * from + 1];
    }
    merged.length = count;
    return merged;
  };
}

function penaltyFold(): MergeColumns {
  let into = new SampleBuffer();
  let other = new SampleBuffer();
  return (replicas) => {
    let merged = replicas[0];
    for (let i = 1; i < replicas.length; i++) {
      into.clear();
      mergeByPenalty(merged, replicas[i], into);
      merged = into;
      [into, other] = [other, into];
    }
    return merged;
  };
}
