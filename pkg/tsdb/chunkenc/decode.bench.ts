// How quickly float chunks decode: the plain decoder against the compiled one, on chunks that Prometheus wrote and on
// made-up counters. Run from the build: node dist/pkg/tsdb/chunkenc/decode.bench.js

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { goldenDir } from '../../../dev/golden.ts';
import { SampleBuffer } from '../../storage/sample-columns.ts';
import { applyCounterResets, newCounterState } from './counter-resets.ts';
import { decodeXorChunk, decodeXorCounter } from './decode.ts';
import { decodeXor } from './xor.ts';
import { encodeXor } from './xor-encoder.ts';

interface Chunk {
  readonly offset: number;
  readonly length: number;
}

const sets: [string, Uint8Array, Chunk[]][] = [['made-up counters', ...counters()]];
const golden = goldenDir();
if (golden !== undefined) {
  for (const set of ['basic', 'ha-A', 'long-A', 'large'])
    sets.push([set, ...goldenChunks(join(golden, 'blocks', set))]);
}

const into = new SampleBuffer(65536);
const other = new SampleBuffer(65536);
const decoders: [string, (bytes: Uint8Array, chunk: Chunk) => void][] = [
  ['plain', (bytes, chunk) => decodeXor(bytes, chunk.offset, chunk.length, into)],
  ['kernel', (bytes, chunk) => decodeXorChunk(bytes, chunk.offset, chunk.length, into)],
  [
    'plain + resets',
    (bytes, chunk) => {
      decodeXor(bytes, chunk.offset, chunk.length, other);
      applyCounterResets(other, newCounterState(), into);
      other.clear();
    },
  ],
  [
    'kernel with resets',
    (bytes, chunk) => decodeXorCounter(bytes, chunk.offset, chunk.length, newCounterState(), into),
  ],
];
for (const [set, bytes, chunks] of sets) {
  let samples = 0;
  for (const { offset } of chunks) samples += bytes[offset] * 256 + bytes[offset + 1];
  const line = decoders.map(([name, decode]) => {
    let best = Infinity;
    for (let round = 0; round < 12; round++) {
      const times = Math.max(1, Math.round(2e6 / samples));
      const start = performance.now();
      for (let time = 0; time < times; time++) {
        for (const chunk of chunks) {
          into.length = 0;
          decode(bytes, chunk);
        }
      }
      best = Math.min(best, (performance.now() - start) / times);
    }
    return `${name} ${(samples / best / 1000).toFixed(1)}`;
  });
  const size = chunks.reduce((sum, chunk) => sum + chunk.length, 0) / samples;
  process.stdout.write(`${set} (${size.toFixed(2)} B a sample), million samples a second: ${line.join(', ')}\n`);
}

function counters(): [Uint8Array, Chunk[]] {
  const columns = new SampleBuffer();
  const parts: Uint8Array[] = [];
  const chunks: Chunk[] = [];
  let offset = 0;
  let seed = 1;
  for (let series = 0; series < 2000; series++) {
    columns.clear();
    let value = series * 1000;
    for (let i = 0; i < 120; i++) {
      seed = (seed * 1103515245 + 12345) % 2147483648;
      value += seed % 50;
      columns.push(1.7e12 + i * 15000 + (seed % 100 < 2 ? seed % 7 : 0), value);
    }
    const chunk = encodeXor(columns);
    parts.push(chunk);
    chunks.push({ offset, length: chunk.length });
    offset += chunk.length;
  }
  return [Buffer.concat(parts), chunks];
}

/** The float chunks of every block of a set. */
function goldenChunks(set: string): [Uint8Array, Chunk[]] {
  const parts: Uint8Array[] = [];
  const chunks: Chunk[] = [];
  let base = 0;
  for (const block of readdirSync(set)) {
    const path = join(set, block, 'chunks', '000001');
    if (!existsSync(path)) continue;
    const bytes = readFileSync(path);
    for (let at = 8; at + 5 < bytes.length; ) {
      let size = 0;
      let shift = 0;
      for (;;) {
        const byte = bytes[at++];
        size |= (byte & 0x7f) << shift;
        shift += 7;
        if (byte < 0x80) break;
      }
      if (bytes[at] === 1) chunks.push({ offset: base + at + 1, length: size });
      at += 1 + size + 4;
    }
    parts.push(bytes);
    base += bytes.length;
  }
  return [Buffer.concat(parts), chunks];
}
