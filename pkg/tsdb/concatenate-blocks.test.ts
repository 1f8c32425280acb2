import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'vitest';
import { Labels } from '../model/labels.ts';
import { SampleBuffer } from '../storage/sample-columns.ts';
import { Block } from './block.ts';
import { BlockWriter } from './block-writer.ts';
import { concatenateBlocks } from './concatenate-blocks.ts';

const OUT = '01HF7YAT00AAAAAAAAAAAAAAA9';
const { signal } = new AbortController();

let directory: string;
let target: string;
let open: Block[];
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'concatenate-'));
  target = mkdtempSync(join(tmpdir(), 'concatenated-'));
  open = [];
});
afterEach(() => {
  for (const block of open) block.close();
  for (const made of [directory, target]) rmSync(made, { recursive: true, force: true });
});

function opened(path: string): Block {
  const block = Block.open(path);
  open.push(block);
  return block;
}

/** A block of some series with a sample each second, from inclusive to exclusive. */
function blockOf(number: number, [from, to]: [number, number], seriesCount = 3): Block {
  const ulid = `01HF7YAT00AAAAAAAAAAAAAAA${number}`;
  const writer = new BlockWriter(directory, { ulid, minTime: from * 1000, maxTime: to * 1000 });
  for (let n = 0; n < seriesCount; n++) {
    const samples = new SampleBuffer();
    for (let second = from; second < to; second++) samples.push(second * 1000, second + n);
    writer.addSeries(Labels.of({ __name__: 'm', n: String(n).padStart(6, '0') }), samples);
  }
  writer.finish();
  return opened(join(directory, ulid));
}

test('the block has the time, the sources and the counts of all', async () => {
  const blocks = [blockOf(1, [0, 100]), blockOf(2, [100, 400])];
  const meta = await concatenateBlocks(target, blocks, { ulid: OUT, signal, others: { mine: true } });
  assert.equal(meta!.minTime, 0);
  assert.equal(meta!.maxTime, 400_000);
  assert.equal(meta!.compaction.level, 2);
  assert.equal(meta!.stats.numSeries, 3);
  assert.equal(meta!.stats.numSamples, 1200);
  assert.equal(meta!.stats.numFloatSamples, 1200);
  assert.equal(meta!.stats.numHistogramSamples, 0);
  assert.equal(meta!.stats.numChunks, 12);
  assert.deepEqual(meta!.others, { mine: true });
  assert.deepEqual(opened(join(target, OUT)).meta, meta);
});

describe('left to the plain merge, with nothing on the disk, are', () => {
  const leaves = async (blocks: readonly Block[]): Promise<void> => {
    assert.equal(await concatenateBlocks(target, blocks, { ulid: OUT, signal }), undefined);
    assert.deepEqual(readdirSync(target), []);
  };

  test('blocks that overlap', () => leaves([blockOf(1, [0, 100]), blockOf(2, [99, 400])]));

  test('blocks that are not in order of time', () => leaves([blockOf(2, [100, 400]), blockOf(1, [0, 100])]));

  test('a block of which something was deleted', () => {
    const block = blockOf(1, [0, 100]);
    const deleted = new Map([[block.index.walk()[Symbol.iterator]().next().value as number, []]]);
    return leaves([new Proxy(block, { get: (of, key) => (key === 'tombstones' ? deleted : Reflect.get(of, key)) })]);
  });

  test('a block whose chunks are cut off', () => {
    const block = blockOf(1, [0, 1000]);
    truncateSync(join(block.directory, 'chunks', '000001'), 200);
    return leaves([opened(block.directory)]);
  });

  test('more blocks than usual', () => {
    const block = blockOf(1, [0, 100]);
    return leaves(new Array<Block>(65).fill(block));
  });
});

test('an aborted signal ends the work and leaves nothing', async () => {
  const blocks = [blockOf(1, [0, 2], 20_000)];
  const work = concatenateBlocks(target, blocks, { ulid: OUT, signal: AbortSignal.abort() });
  await assert.rejects(work, { kind: 'canceled' });
  assert.deepEqual(readdirSync(target), []);
});
