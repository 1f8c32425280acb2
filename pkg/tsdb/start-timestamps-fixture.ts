// Tests: a small block as a Prometheus with start timestamps writes it, made of the reference's chunks.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { MemorySink } from '../bytes/byte-sink.ts';
import { offsetOf, segmentOf } from './chunks/ref.ts';
import { SegmentWriter } from './chunks/segment-writer.ts';
import { SeriesEntry } from './index/series-entry.ts';
import { IndexWriter } from './index/writer.ts';

const T = 1700000000000;

/** One series each, in label order. */
export const startTimestampChunks = [
  { job: 'floats', encoding: 4, maxTime: T + 45000, hex: '00048180a0abfef9623ff0000000000000b0ea019875c12fffab0180' },
  {
    job: 'histograms',
    encoding: 5,
    maxTime: T + 30000,
    hex: '000380ff3f50624dd2f1a9fc8ca4946317f0000c5e7f2b40063248064cccccccccccd18dd3a09c01f83a98a47487e2036693fffffffffffe00',
  },
  {
    job: 'more',
    encoding: 6,
    maxTime: T + 15000,
    hex: '000280ff3f50624dd2f1a9fc8ca4946317f0000c5e7f2b4002014000000000000200000000000000020193333333333331ff800000000000020000000000000001ff80000000000001ff80000000000002004000000000000504e00fc1d4c6b0bd80f487f097fff603c25fffc25fff00',
  },
  { job: 'plain', encoding: 1, maxTime: T, hex: '000180a0abfef9623ff0000000000000' },
] as const;

/** Writes the block into `parent` under its ULID, with these chunks only. */
export function writeStartTimestampBlock(
  parent: string,
  ulid: string,
  chunks: readonly (typeof startTimestampChunks)[number][] = startTimestampChunks,
): void {
  const directory = join(parent, ulid);
  mkdirSync(join(directory, 'chunks'), { recursive: true });
  const segments = new SegmentWriter((name) => {
    const sink = new MemorySink();
    return {
      write: (bytes) => sink.write(bytes),
      finish: () => writeFileSync(join(directory, 'chunks', name), sink.bytes()),
    };
  });
  const sink = new MemorySink();
  const index = new IndexWriter(sink, ['job', ...chunks.map(({ job }) => job)].sort());
  const symbols = ['job', ...chunks.map(({ job }) => job)].sort();
  const entry = new SeriesEntry();
  entry.labelCount = 1;
  entry.chunkCount = 1;
  for (const { job, encoding, maxTime, hex } of chunks) {
    const ref = segments.add(encoding, Buffer.from(hex, 'hex'));
    entry.labelRefs.set([symbols.indexOf('job'), symbols.indexOf(job)]);
    entry.minTimes[0] = T;
    entry.maxTimes[0] = maxTime;
    entry.segments[0] = segmentOf(ref);
    entry.offsets[0] = offsetOf(ref);
    index.addSeries(entry);
  }
  index.finish();
  segments.finish();
  writeFileSync(join(directory, 'index'), sink.bytes());
  const stats = { numSamples: 10, numSeries: chunks.length, numChunks: chunks.length };
  const compaction = { level: 1, sources: [ulid] };
  const meta = { ulid, minTime: T, maxTime: T + 7_200_000, stats, compaction, version: 1 };
  writeFileSync(join(directory, 'meta.json'), JSON.stringify(meta));
}
