// Blocks put together by the kernel against the plain merge, byte for byte, and the kernel's look at a block against the plain
// one: whatever the blocks, the kernel says the same or leaves it to the plain code.

import assert from 'node:assert/strict';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { describeDefects, IndexCheck } from '../block/health.ts';
import { damageTimeoutMs, isSoak, type Random, randomFrom } from '../bytes/damage-fixture.ts';
import { Fault } from '../errors/fault.ts';
import { compareLabels, Labels } from '../model/labels.ts';
import { SampleBuffer } from '../storage/sample-columns.ts';
import { Block } from '../tsdb/block.ts';
import { BlockWriter } from '../tsdb/block-writer.ts';
import { concatenateBlocks } from '../tsdb/concatenate-blocks.ts';
import { inspectBlock } from '../tsdb/inspect-block.ts';
import { mergeBlocks } from '../tsdb/merge-blocks.ts';
import { damageBlock, filesOf, histogramAt } from './block-files-fixture.ts';
import { countPlainly } from './count-block.ts';
import { toleratedIn } from './verify.ts';

const { signal } = new AbortController();
const OUT = '01HF7YAT00AAAAAAAAAAAAAAZZ';
const RANGE_MS = 7_200_000;

let root: string;
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'concatenate-'));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

const ulidOf = (number: number): string => `01HF7YAT00AAAAAAAAAAAAAA${String(number).padStart(2, '0')}`;

/** Labels of different number and length, many of them with parts in common. */
function randomLabels(random: Random): Labels {
  const labels: Record<string, string> = { __name__: `metric_${random(6)}` };
  const count = random(20) === 0 ? random(300) : random(5);
  for (let i = 0; i < count; i++) labels[`label_${random(3 * count)}`] = `${'välue'.repeat(random(3))}${random(40)}`;
  return Labels.of(labels);
}

function writeRandomBlock(random: Random, parent: string, number: number, names: readonly Labels[]): void {
  const minTime = number * RANGE_MS;
  const writer = new BlockWriter(parent, { ulid: ulidOf(number), minTime, maxTime: minTime + RANGE_MS });
  for (const labels of names) {
    // The last series is in every block: none is empty.
    if (labels !== names[names.length - 1] && random(4) === 0) continue;
    const floats = new SampleBuffer();
    const kind = random(10);
    const count = kind === 0 ? 1 + random(2000) : 1 + random(250);
    const stepMs = Math.max(1, Math.floor((RANGE_MS - 1) / count));
    for (let i = 0; i < count; i++)
      floats.push(minTime + i * stepMs, kind < 4 ? Math.sin(i * 7919) * 1e9 : i + random(3));
    const histogramCount = kind === 9 ? 1 + random(300) : 0;
    const histograms = Array.from({ length: histogramCount }, (_, i) => histogramAt(minTime + i * 1000, i));
    writer.addSeries(labels, kind === 9 ? new SampleBuffer() : floats, histograms);
  }
  writer.finish();
}

/** The blocks of a directory, in order of time. */
function openAll(parent: string): Block[] {
  return readdirSync(parent)
    .sort()
    .map((ulid) => Block.open(join(parent, ulid)));
}

/** Puts the blocks of a directory together in both ways; whether the kernel did it. */
async function compareWays(parent: string, segmentBytes: number): Promise<boolean> {
  const ours = join(root, 'ours');
  const theirs = join(root, 'theirs');
  for (const directory of [ours, theirs]) {
    rmSync(directory, { recursive: true, force: true });
    mkdirSync(directory);
  }
  const blocks = openAll(parent);
  try {
    const meta = await concatenateBlocks(ours, blocks, { ulid: OUT, signal, isDurable: false, segmentBytes });
    if (meta === undefined) {
      assert.deepEqual(readdirSync(ours), []);
      return false;
    }
    const checks = blocks.map((block) => new IndexCheck(block, toleratedIn(false)));
    const plain = await mergeBlocks(theirs, blocks, {
      ulid: OUT,
      signal,
      isDurable: false,
      segmentBytes,
      mergeOverlaps: () => {
        throw new Fault('internal', 'something overlaps');
      },
      visit: (input, id, entry) => {
        checks[input].series(id, entry);
        assert.ok(checks[input].isSound, describeDefects(checks[input].health));
      },
    });
    assert.deepEqual(meta, plain);
    assert.deepEqual(filesOf(ours), filesOf(theirs));
    return true;
  } finally {
    for (const block of blocks) block.close();
  }
}

/** Looks at a block in both ways; whether the kernel did. */
function compareLooks(directory: string): boolean {
  const block = Block.open(directory);
  try {
    const inspection = inspectBlock(block, () => {});
    if (inspection === undefined) return false;
    const { health, samples } = countPlainly(block, () => {});
    assert.equal(describeDefects(health), undefined);
    const { seriesCount, chunkCount, seriesMaxSizeBytes, chunkMaxSizeBytes } = health;
    assert.deepEqual(inspection, {
      seriesCount,
      chunkCount,
      sampleCount: samples,
      seriesMaxSizeBytes,
      chunkMaxSizeBytes,
    });
    return true;
  } finally {
    block.close();
  }
}

function writeRandomBlocks(random: Random, parent: string): void {
  mkdirSync(parent);
  const names = Array.from({ length: 1 + random(60) }, () => randomLabels(random)).sort(compareLabels);
  const distinct = names.filter((labels, i) => i === 0 || compareLabels(names[i - 1], labels) !== 0);
  const count = 1 + random(6);
  for (let number = 0; number < count; number++) {
    writeRandomBlock(random, parent, number, distinct.slice(random(distinct.length)));
  }
}

describe('blocks put together by the kernel', () => {
  test('are those of the plain merge to the last byte', { timeout: damageTimeoutMs }, async () => {
    const random = randomFrom(23);
    let done = 0;
    const cases = isSoak ? 2000 : 40;
    for (let i = 0; i < cases; i++) {
      const parent = join(root, `blocks-${i}`);
      writeRandomBlocks(random, parent);
      const segmentBytes = random(2) === 0 ? 2 ** 29 : 20_000 + random(100_000);
      if (await compareWays(parent, segmentBytes)) {
        done++;
        // What came out has segments of its own, and goes in again.
        cpSync(join(root, 'ours'), join(root, 'again'), { recursive: true });
        assert.ok(compareLooks(join(root, 'again', OUT)));
        assert.ok(await compareWays(join(root, 'again'), segmentBytes / 2));
        rmSync(join(root, 'again'), { recursive: true });
      }
      rmSync(parent, { recursive: true });
    }
    // Some series have more labels than the kernel has room for.
    assert.ok(done > cases / 2, `${done} of ${cases}`);
    assert.ok(done < cases, 'something is not for the kernel');
  });

  test('damaged ones are left to the plain code, or harmless', { timeout: damageTimeoutMs }, async () => {
    const random = randomFrom(29);
    const parent = join(root, 'sound');
    mkdirSync(parent);
    const names = Array.from({ length: 12 }, (_, i) => Labels.of({ __name__: 'a', n: String.fromCharCode(97 + i) }));
    for (let number = 0; number < 3; number++) writeRandomBlock(random, parent, number, names);
    let left = 0;
    const cases = isSoak ? 10_000 : 150;
    for (let i = 0; i < cases; i++) {
      const copy = join(root, 'damaged');
      cpSync(parent, copy, { recursive: true });
      const ulid = ulidOf(random(3));
      damageBlock(random, join(copy, ulid));
      if (!(await compareWays(copy, 2 ** 29))) left++;
      compareLooks(join(copy, ulid));
      rmSync(copy, { recursive: true });
    }
    // What chunks hold is not looked at.
    assert.ok(left > cases / 8, `${left} of ${cases} were left to the plain code`);
  });
});
