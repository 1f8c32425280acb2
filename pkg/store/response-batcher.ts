// Batches of a store as frames of an answer: several series in one frame when the caller asked for it, and no frame much
// above a megabyte.

import { SeriesFrameWriter, warningFrame } from '../proto/series-frame-writer.ts';
import type { ChunkSlice } from './chunk-table.ts';
import type { SeriesBatch } from './store.ts';

/** From this size on a frame is sent; a series with more is cut into parts that follow each other. */
const FRAME_BYTES = 1 << 20;

/**
 * Frames in the order of the stream: up to `batchSize` series in each (0 and 1 mean one), a warning in one of its own
 * after the series before it. Pulled; the frames are the caller's.
 */
export async function* framesOf(
  batches: AsyncIterable<SeriesBatch>,
  batchSize: number,
): AsyncGenerator<Buffer, void, undefined> {
  const writer = new SeriesFrameWriter(batchSize, FRAME_BYTES);
  for await (const { series, warnings } of batches) {
    for (const { labels, chunks } of series) {
      for (const part of partsOf(chunks)) if (writer.add(labels, part)) yield writer.take();
    }
    if (warnings.length === 0) continue;
    if (!writer.isEmpty) yield writer.take();
    for (const warning of warnings) yield warningFrame(warning);
  }
  if (!writer.isEmpty) yield writer.take();
}

/** The chunks of a series in portions of about FRAME_BYTES; one portion, also when there are none. */
export function partsOf(chunks: readonly ChunkSlice[], partBytes = FRAME_BYTES): readonly (readonly ChunkSlice[])[] {
  if (chunks.length === 0) return [chunks];
  const parts: ChunkSlice[][] = [];
  let part: ChunkSlice[] = [];
  let bytes = 0;
  for (const { table, from, to } of chunks) {
    let start = from;
    for (let i = from; i < to; i++) {
      for (let p = table.firstPart[i]; p < table.firstPart[i + 1]; p++) bytes += table.partLength[p];
      if (bytes < partBytes) continue;
      part.push({ table, from: start, to: i + 1 });
      parts.push(part);
      part = [];
      bytes = 0;
      start = i + 1;
    }
    if (start < to) part.push({ table, from: start, to });
  }
  if (part.length > 0) parts.push(part);
  return parts.length === 0 ? [[]] : parts;
}
