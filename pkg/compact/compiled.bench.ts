// How quickly blocks are put together and downsampled: the plain code against the kernels, when V8 has long optimised both.
// Processor time, the best of some rounds. Run from the build: node dist/pkg/compact/compiled.bench.js

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Labels } from '../model/labels.ts';
import { SampleBuffer } from '../storage/sample-columns.ts';
import { Block } from '../tsdb/block.ts';
import { BlockWriter } from '../tsdb/block-writer.ts';
import { concatenateBlocks } from '../tsdb/concatenate-blocks.ts';
import { mergeBlocks } from '../tsdb/merge-blocks.ts';
import { countBlock, countPlainly } from './count-block.ts';
import { downsampleBlock } from './downsample/downsample-block.ts';
import { downsampleCompiled } from './downsample/downsample-compiled.ts';

const ROUNDS = 12;
const HOUR_MS = 3_600_000;
const OUT = '01HF7YAT00AAAAAAAAAAAAAA99';
const { signal } = new AbortController();
const resolutions = { from: 0, to: 300_000 };

const root = mkdtempSync(join(tmpdir(), 'compiled-bench-'));

function blockOf(number: number, hours: number, seriesCount: number, stepMs: number): Block {
  const ulid = `01HF7YAT00AAAAAAAAAAAAAA${String(number).padStart(2, '0')}`;
  const minTime = number * hours * HOUR_MS;
  const writer = new BlockWriter(root, { ulid, minTime, maxTime: minTime + hours * HOUR_MS });
  for (let n = 0; n < seriesCount; n++) {
    const samples = new SampleBuffer();
    for (let time = minTime, i = n; time < minTime + hours * HOUR_MS; time += stepMs, i++) {
      samples.push(time, n % 2 === 0 ? i * 7 : Math.imul(i, 2654435761) >>> 24);
    }
    writer.addSeries(Labels.of({ __name__: 'm', instance: String(n).padStart(6, '0'), job: 'bench' }), samples);
  }
  writer.finish();
  return Block.open(join(root, ulid));
}

async function timeOf(work: () => Promise<unknown>): Promise<number> {
  rmSync(join(root, OUT), { recursive: true, force: true });
  const since = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(since);
  return (user + system) / 1000;
}

const short = [0, 1, 2, 3].map((number) => blockOf(number, 2, 2000, 15_000));
const long = blockOf(9, 14 * 24, 20, 60_000);
const options = { ulid: OUT, signal, isDurable: false };
const mergeOverlaps = (): void => {};
const rows: readonly (readonly [what: string, plain: () => Promise<unknown>, compiled: () => Promise<unknown>])[] = [
  [
    'four blocks of 2 h and 2,000 series into one',
    () => mergeBlocks(root, short, { ...options, mergeOverlaps }),
    () => concatenateBlocks(root, short, options),
  ],
  ['the look at one of them', async () => countPlainly(short[0], () => {}), async () => countBlock(short[0], () => {})],
  [
    '14 days of 20 series to 5m',
    () => downsampleBlock(root, long, { ulid: OUT, resolutions, signal }),
    () => downsampleCompiled(root, long, { ulid: OUT, resolutions, signal }),
  ],
];
try {
  for (const [what, ...ways] of rows) {
    const first = [0, 0];
    const best = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
    for (let round = 0; round < ROUNDS; round++) {
      for (const [i, way] of ways.entries()) {
        const took = await timeOf(way);
        if (round === 0) first[i] = took;
        best[i] = Math.min(best[i], took);
      }
    }
    const [plain, compiled] = best.map((ms) => ms.toFixed(1));
    process.stdout.write(
      `${what}: plain ${plain} ms, kernel ${compiled} (the first time ${first.map((ms) => ms.toFixed(0)).join(' and ')})\n`,
    );
  }
} finally {
  rmSync(root, { recursive: true, force: true });
}
