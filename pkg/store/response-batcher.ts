// Batches of a store as frames of an answer: several series in one frame when the caller asked for it, and no frame much
// above a megabyte.

import { SeriesFrameWriter, warningFrame } from '../proto/series-frame-writer.ts';
import type { ChunkSlice } from './chunk-table.ts';
import type { SeriesBatch } from './store.ts';

/** From this size on a frame is sent: larger ones are no quicker, and both sides hold a score of them. */
const FRAME_BYTES = 1 << 16;
/** A series with more is cut into parts that follow each other. */
const PART_BYTES = 1 << 20;

/**
 * Frames in the order of the stream: up to `batchSize` series in each (0 and 1 mean one), a warning in one of its own
 * after the series before it. Pulled; the frames are the caller's.
 */
export async function* framesOf(
  batches: AsyncIterable<SeriesBatch>,
  batchSize: number,
): AsyncGenerator<Buffer, void, undefined> {
  const writer = new SeriesFrameWriter(batchSize, FRAME_BYTES);
  for await (const { series, warnings, release } of batches) {
    for (const { labels, chunks } of series) {
      if (fitsOneFrame(chunks)) {
        if (writer.add(labels, chunks)) yield writer.take();
        continue;
      }
      for (const part of partsOf(chunks)) if (writer.add(labels, part)) yield writer.take();
    }
    release?.();
    if (warnings.length === 0) continue;
    if (!writer.isEmpty) yield writer.take();
    for (const warning of warnings) yield warningFrame(warning);
  }
  if (!writer.isEmpty) yield writer.take();
}

/** Whether the chunks are one portion: so it is for nearly all series. */
function fitsOneFrame(chunks: readonly ChunkSlice[]): boolean {
  let bytes = 0;
  for (const { table, from, to } of chunks) {
    const end = table.firstPart[to];
    for (let part = table.firstPart[from]; part < end; part++) bytes += table.partLength[part];
  }
  return bytes < PART_BYTES;
}

/** The chunks of a series in portions of about PART_BYTES; one portion, also when there are none. */
export function partsOf(chunks: readonly ChunkSlice[], partBytes = PART_BYTES): readonly (readonly ChunkSlice[])[] {
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
