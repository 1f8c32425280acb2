// How quickly chunks of two replicas become one column, beside decoding them alone. Run from the build:
// node dist/pkg/store/chunk-series.bench.js

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { projectRoot } from '../../dev/golden.ts';
import { Labels } from '../model/labels.ts';
import { SampleBuffer } from '../storage/sample-columns.ts';
import { decodeXorChunk } from '../tsdb/chunkenc/decode.ts';
import { ChunkReader, type ChunkReading } from './chunk-series.ts';
import { type ChunkSlice, ChunkTableBuilder } from './chunk-table.ts';
import { Aggregate } from './store.ts';

const lines = gunzipSync(readFileSync(join(projectRoot(), 'pkg/store/testdata/replicas.jsonl.gz')));
let sampleCount = 0;
const slices = lines
  .toString()
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as { series: string; chunks: [number, number, string][] })
  // The recording has two, three and four replicas by turns.
  .filter(({ series }) => Number(series) % 3 === 0)
  .map(({ chunks }): ChunkSlice => {
    const table = new ChunkTableBuilder();
    for (const [minTime, maxTime, text] of chunks) {
      const bytes = Buffer.from(text, 'base64');
      sampleCount += bytes.readUInt16BE(0);
      table.chunk(minTime, maxTime);
      table.copy(Aggregate.raw, 1, bytes);
    }
    return { table, from: 0, to: table.length };
  });

const into = new SampleBuffer();

/** The best of many short trials: the machine's other work only ever makes a trial longer. */
function measure(what: string, work: () => void): void {
  let bestMs = Infinity;
  for (let trial = 0; trial < 300; trial++) {
    const start = performance.now();
    work();
    bestMs = Math.min(bestMs, performance.now() - start);
  }
  const nanoseconds = (bestMs * 1e6) / sampleCount;
  process.stdout.write(
    `${what.padEnd(20)} ${(1000 / nanoseconds).toFixed(1)} M samples/s, ${nanoseconds.toFixed(1)} ns\n`,
  );
}

function measureReading(what: string, reading: Pick<ChunkReading, 'aggregates' | 'dedup' | 'isCounter'>): void {
  const reader = new ChunkReader({ minTime: -Infinity, maxTime: Infinity, ...reading });
  const series = slices.map((slice) => reader.series({ labels: Labels.empty, chunks: [slice] }));
  measure(what, () => {
    for (const one of series) {
      into.clear();
      one.readInto(into);
    }
  });
}

measure('decode alone', () => {
  for (const { table, to } of slices) {
    into.clear();
    for (let i = 0; i < to; i++) decodeXorChunk(table.bytes, table.partOffset[i], table.partLength[i], into);
  }
});
const average = [Aggregate.count, Aggregate.sum];
measureReading('penalty', { aggregates: average, dedup: 'penalty', isCounter: false });
measureReading('penalty, counters', { aggregates: [Aggregate.counter], dedup: 'penalty', isCounter: true });
measureReading('chain', { aggregates: average, dedup: 'chain', isCounter: false });
