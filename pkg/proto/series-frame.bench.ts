// Asks: how many series and chunks a second are read out of frames, and written into them?

import { bench, describe } from 'vitest';
import { Labels } from '../model/labels.ts';
import { type ChunkSink, SeriesFrameReader } from './series-frame.ts';
import { type ChunkColumns, SeriesFrameWriter } from './series-frame-writer.ts';
import { seriesResponseCodec } from './store-service.ts';
import { StringInterner } from './string-interner.ts';

const SERIES = 1024;

/** Ten labels; `instance` and `le` vary as they do in sorted series. */
const labels = Array.from({ length: SERIES }, (_, i) =>
  Labels.of({
    __name__: 'http_request_duration_seconds_bucket',
    cluster: 'eu-west-1',
    container: 'server',
    endpoint: 'metrics',
    instance: `10.0.${i >> 4}.17:9100`,
    job: 'api',
    le: String((i & 15) / 8),
    namespace: 'production',
    pod: `api-7d9f8c6b5-${(i >> 4).toString(36)}xk2p`,
    replica: 'prometheus-0',
  }),
);

function tableOf(chunks: number, chunkBytes: number): ChunkColumns {
  return {
    minTimes: Float64Array.from({ length: chunks }, (_, i) => 1.7e12 + i * 1.8e6),
    maxTimes: Float64Array.from({ length: chunks }, (_, i) => 1.7e12 + i * 1.8e6 + 1.785e6),
    firstPart: Uint32Array.from({ length: chunks + 1 }, (_, i) => i),
    partAggregate: new Uint8Array(chunks),
    partEncoding: new Uint8Array(chunks).fill(1),
    partOffset: Uint32Array.from({ length: chunks }, (_, i) => i * chunkBytes),
    partLength: new Uint32Array(chunks).fill(chunkBytes),
    bytes: new Uint8Array(chunks * chunkBytes).fill(7),
  };
}

function framesOf(table: ChunkColumns, chunks: number): Buffer[] {
  const writer = new SeriesFrameWriter(64);
  const frames: Buffer[] = [];
  for (const one of labels) if (writer.add(one, [{ table, from: 0, to: chunks }])) frames.push(writer.take());
  return frames;
}

const reader = new SeriesFrameReader(new StringInterner());
const chunks: ChunkSink = { chunk() {}, refer() {} };
const sink = { series() {}, warning() {}, hints() {} };

for (const [what, chunkCount, chunkBytes] of [
  ['1024 series of 10 labels, no chunks', 0, 0],
  ['1024 series of 10 labels, 1 chunk of 300 bytes', 1, 300],
  ['1024 series of 10 labels, 96 chunks of 300 bytes', 96, 300],
] as const) {
  describe(what, () => {
    const table = tableOf(chunkCount, chunkBytes);
    const frames = framesOf(table, chunkCount);
    bench('read', () => {
      for (const frame of frames) reader.read(frame, chunks, sink);
    });
    bench('write', () => {
      framesOf(table, chunkCount);
    });
    bench('read with protobufjs', () => {
      for (const frame of frames) seriesResponseCodec.decode(frame);
    });
  });
}
