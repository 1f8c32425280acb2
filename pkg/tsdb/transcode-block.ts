// Blocks that hold chunks with start timestamps, written again for readers that do not know those: the same series and
// samples, every such chunk in its older encoding, everything else as it was.

import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { readUvarint, varintEnd } from '../bytes/varint.ts';
import { during, kindOf } from '../errors/fault.ts';
import { hasStartTimestamps, transcodeChunk } from './chunkenc/transcode.ts';
import { CHUNK_OVERHEAD, MAX_CHUNK_SIZE_BYTES, SEGMENT_HEADER_SIZE } from './chunks/format.ts';
import { offsetOf, segmentOf } from './chunks/ref.ts';
import { ChunkView, checkSegmentHeader, SegmentReader } from './chunks/segment-reader.ts';
import { SegmentWriter } from './chunks/segment-writer.ts';
import { IndexReader } from './index/reader.ts';
import { SeriesEntry } from './index/series-entry.ts';
import { IndexWriter } from './index/writer.ts';
import { FileSink, FileSource, syncDirectory } from './local-file.ts';

const CHUNKS_DIRECTORY = 'chunks';
const INDEX_FILE = 'index';
/** Everything is read synchronously; others get a turn after so much. */
const CHUNKS_PER_TURN = 2048;

/**
 * Whether a block's directory has chunks with start timestamps. Looks at every chunk's encoding, up to the first damage in
 * a segment: finding that is the business of those who read the samples.
 */
export async function blockHasStartTimestamps(directory: string, signal: AbortSignal): Promise<boolean> {
  const chunks = join(directory, CHUNKS_DIRECTORY);
  for (const name of segmentNames(chunks)) {
    const file = new FileSource(join(chunks, name));
    try {
      if (await segmentHasStartTimestamps(file, signal)) return true;
    } catch (thrown) {
      if (kindOf(thrown) !== 'corrupt') throw thrown;
    } finally {
      file.close();
    }
  }
  return false;
}

async function segmentHasStartTimestamps(file: FileSource, signal: AbortSignal): Promise<boolean> {
  checkSegmentHeader(file.read(0, Math.min(file.sizeBytes, SEGMENT_HEADER_SIZE)), 0);
  let at = SEGMENT_HEADER_SIZE;
  for (let n = 0; at < file.sizeBytes; n++) {
    if (n % CHUNKS_PER_TURN === 0) await nextTurn(undefined, { signal });
    const head = file.read(at, Math.min(MAX_CHUNK_SIZE_BYTES + 1, file.sizeBytes - at));
    const length = readUvarint(head, 0, head.length - 1);
    if (hasStartTimestamps(head[varintEnd])) return true;
    at += varintEnd + length + CHUNK_OVERHEAD;
  }
  return false;
}

/**
 * Writes index and chunks of the block in `directory` into another directory, which is made, and makes them safe there.
 * `corrupt` when something cannot be read; what was written stays for the caller to remove.
 */
export async function transcodeBlock(directory: string, into: string, signal: AbortSignal): Promise<void> {
  const sources: FileSource[] = [];
  const sinks: FileSink[] = [];
  const open = (path: string): FileSource => {
    const source = new FileSource(path);
    sources.push(source);
    return source;
  };
  const create = (path: string): FileSink => {
    const sink = new FileSink(path);
    sinks.push(sink);
    return sink;
  };
  try {
    const chunks = join(directory, CHUNKS_DIRECTORY);
    const index = new IndexReader(open(join(directory, INDEX_FILE)));
    const segments = new SegmentReader(segmentNames(chunks).map((name) => open(join(chunks, name))));
    mkdirSync(join(into, CHUNKS_DIRECTORY), { recursive: true });
    const segmentWriter = new SegmentWriter((name) => create(join(into, CHUNKS_DIRECTORY, name)));
    const indexSink = create(join(into, INDEX_FILE));
    const indexWriter = new IndexWriter(indexSink, index.symbols);
    await copySeries(index, segments, segmentWriter, indexWriter, signal);
    segmentWriter.finish();
    indexWriter.finish();
    indexSink.finish();
    syncDirectory(join(into, CHUNKS_DIRECTORY));
  } catch (thrown) {
    throw during(`rewrite block ${directory} without start timestamps`, thrown);
  } finally {
    for (const source of sources) source.close();
    for (const sink of sinks) sink.abandon();
  }
}

async function copySeries(
  index: IndexReader,
  segments: SegmentReader,
  segmentWriter: SegmentWriter,
  indexWriter: IndexWriter,
  signal: AbortSignal,
): Promise<void> {
  const entry = new SeriesEntry();
  const view = new ChunkView();
  let chunkCount = 0;
  for (const id of index.walk()) {
    index.series(id, entry);
    for (let i = 0; i < entry.chunkCount; i++) {
      segments.read(entry.segments[i], entry.offsets[i], view);
      const data = view.bytes.subarray(view.offset, view.offset + view.length);
      const chunk = hasStartTimestamps(view.encoding)
        ? transcodeChunk(view.encoding, data)
        : { encoding: view.encoding, bytes: data };
      const ref = segmentWriter.add(chunk.encoding, chunk.bytes);
      entry.segments[i] = segmentOf(ref);
      entry.offsets[i] = offsetOf(ref);
      if (chunkCount++ % CHUNKS_PER_TURN === 0) await nextTurn(undefined, { signal });
    }
    indexWriter.addSeries(entry);
  }
}

function segmentNames(directory: string): string[] {
  return readdirSync(directory)
    .filter((name) => /^\d+$/.test(name))
    .sort();
}
