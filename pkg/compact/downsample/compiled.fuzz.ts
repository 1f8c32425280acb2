// Blocks downsampled by the kernel against the plain code, byte for byte, and the kernel's look at them against the plain one:
// whatever the blocks, the kernel says the same or leaves it to the plain code.

import assert from 'node:assert/strict';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { describeDefects } from '../../block/health.ts';
import { damageTimeoutMs, isSoak, type Random, randomFrom } from '../../bytes/damage-fixture.ts';
import { Fault } from '../../errors/fault.ts';
import type { HistogramSample } from '../../model/histogram.ts';
import { Labels } from '../../model/labels.ts';
import { SampleBuffer } from '../../storage/sample-columns.ts';
import { Block } from '../../tsdb/block.ts';
import { BlockWriter } from '../../tsdb/block-writer.ts';
import { aggregatesIn } from '../aggregates-fixture.ts';
import { damageBlock, filesOf, histogramAt } from '../block-files-fixture.ts';
import { checkSource } from '../verify.ts';
import { countCompiled, countWindowsPlainly } from './count-windows.ts';
import { downsampleBlock } from './downsample-block.ts';
import { downsampleCompiled } from './downsample-compiled.ts';
import type { Resolutions } from './series-downsampler.ts';

const { signal } = new AbortController();
const SOURCE = '01HF7YAT00AAAAAAAAAAAAAA01';
const OUT = '01HF7YAT00AAAAAAAAAAAAAA02';
const TO_FIVE: Resolutions = { from: 0, to: 300_000 };
const TO_HOUR: Resolutions = { from: 300_000, to: 3_600_000 };
const DAY_MS = 86_400_000;
const odd = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0, 0, 5e-324, 1.7e308, -1.7e308];

let root: string;
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'downsample-'));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** Counters and gauges with resets, gaps, odd values and stale markers, here and there with histograms, or nothing else. */
function addRandomSeries(random: Random, writer: BlockWriter, labels: Labels, minTime: number, maxTime: number): void {
  const stepMs = [15_000, 60_000, 60_000, 7001, 400_000, 1 + random(100_000)][random(6)];
  const [oddness, staleness, resets] = [[0, 0, 5, 100][random(4)], [0, 0, 3][random(3)], random(10)];
  const share = [0, 0, 0, 50, 100][random(5)];
  const floats = new SampleBuffer();
  const histograms: HistogramSample[] = [];
  let value = random(1000) / 7;
  let isHistogram = random(100) < share;
  for (let time = minTime + random(stepMs), i = 0; time < maxTime && i < 12_000; i++) {
    if (share > 0 && random(60) === 0) isHistogram = random(100) < share;
    if (isHistogram) histograms.push(histogramAt(time, i));
    else if (random(100) < staleness) floats.pushStale(time);
    else floats.push(time, random(100) < oddness ? odd[random(odd.length)] : value);
    value = random(100) < resets ? random(5) : value + (random(3) === 0 ? 0 : random(1000) / 3);
    time += stepMs + (random(10) === 0 ? random(500) : 0) + (random(300) === 0 ? random(DAY_MS / 4) : 0);
  }
  writer.addSeries(labels, floats, histograms);
}

function writeRandomBlock(random: Random, parent: string, ulid: string, seriesCount: number): void {
  mkdirSync(parent, { recursive: true });
  const minTime = (random(3) - 1) * 20 * DAY_MS;
  const maxTime = minTime + (1 + random(4)) * DAY_MS;
  const writer = new BlockWriter(parent, { ulid, minTime, maxTime });
  for (let n = 0; n < seriesCount; n++) {
    const labels = Labels.of({ __name__: `m${String(n).padStart(4, '0')}`, job: 'x'.repeat(random(4)) || 'y' });
    addRandomSeries(random, writer, labels, minTime, maxTime);
  }
  const samples = new SampleBuffer();
  samples.push(minTime, 1);
  writer.addSeries(Labels.of({ __name__: 'z' }), samples);
  writer.finish();
}

/** What a downsampled block says. Which NaN a sum of several is, damage may have made them, is nobody's promise. */
function saidIn(directory: string): readonly string[] {
  return aggregatesIn(join(directory, OUT)).map((line) => line.replaceAll(/NaN:\w+/g, 'NaN'));
}

/** Downsamples a block in both ways; whether the kernel did it. */
async function compareWays(
  directory: string,
  resolutions: Resolutions,
  what: string,
  contentsOf: (directory: string) => unknown = filesOf,
): Promise<boolean> {
  const ours = join(root, 'ours');
  const theirs = join(root, 'theirs');
  for (const made of [ours, theirs]) {
    rmSync(made, { recursive: true, force: true });
    mkdirSync(made);
  }
  const block = Block.open(directory);
  try {
    const options = { ulid: OUT, resolutions, signal };
    let compiled: Awaited<ReturnType<typeof downsampleCompiled>>;
    try {
      compiled = await downsampleCompiled(ours, block, options);
    } catch (thrown) {
      // A series for the plain code that it cannot read either.
      assert.ok(thrown instanceof Fault && ['corrupt', 'unsupported'].includes(thrown.kind), `${thrown}`);
      const { kind, facts } = thrown;
      await assert.rejects(downsampleBlock(theirs, block, options), { kind, facts });
      return false;
    }
    if (compiled === undefined) {
      assert.deepEqual(readdirSync(ours), []);
      return false;
    }
    checkSource(block, { acceptsMalformedIndex: false });
    assert.deepEqual(compiled.block, await downsampleBlock(theirs, block, options), what);
    if (compiled.block !== undefined) assert.deepEqual(contentsOf(ours), contentsOf(theirs), what);
    return true;
  } finally {
    block.close();
  }
}

/** Looks at a block in both ways; whether the kernel did. */
function compareLooks(directory: string): boolean {
  const block = Block.open(directory);
  try {
    const compiled = countCompiled(block, () => {});
    if (compiled === undefined) return false;
    assert.equal(describeDefects(compiled.health), undefined);
    assert.deepEqual(
      compiled,
      countWindowsPlainly(block, () => {}),
    );
    return true;
  } finally {
    block.close();
  }
}

describe('blocks downsampled by the kernel', () => {
  test('are those of the plain code to the last byte', { timeout: damageTimeoutMs }, async () => {
    const random = randomFrom(31);
    const cases = isSoak ? 1000 : 12;
    for (let i = 0; i < cases; i++) {
      const parent = join(root, `source-${i}`);
      writeRandomBlock(random, parent, SOURCE, 1 + random(12));
      assert.ok(await compareWays(join(parent, SOURCE), TO_FIVE, `case ${i}`), `case ${i}`);
      cpSync(join(root, 'ours', OUT), join(parent, OUT), { recursive: true });
      assert.ok(compareLooks(join(parent, OUT)), `case ${i}`);
      assert.ok(await compareWays(join(parent, OUT), TO_HOUR, `case ${i}`), `case ${i}`);
      assert.ok(compareLooks(join(root, 'ours', OUT)), `case ${i}`);
      // Raw chunks are made aggregates on their way to coarser ones.
      assert.ok(await compareWays(join(parent, SOURCE), TO_HOUR, `case ${i}`), `case ${i}`);
      rmSync(parent, { recursive: true });
    }
  });

  test('damaged ones are left to the plain code, or harmless', { timeout: damageTimeoutMs }, async () => {
    const random = randomFrom(37);
    const parent = join(root, 'sound');
    writeRandomBlock(random, parent, SOURCE, 4);
    await compareWays(join(parent, SOURCE), TO_FIVE, 'the sound block');
    cpSync(join(root, 'ours', OUT), join(parent, OUT), { recursive: true });
    const left = [0, 0];
    const cases = isSoak ? 10_000 : 120;
    for (let i = 0; i < cases; i++) {
      const [ulid, resolutions] = i % 2 === 0 ? ([SOURCE, TO_FIVE] as const) : ([OUT, TO_HOUR] as const);
      const copy = join(root, 'damaged');
      cpSync(join(parent, ulid), copy, { recursive: true });
      damageBlock(random, copy);
      if (!(await compareWays(copy, resolutions, `case ${i}`, saidIn))) left[i % 2]++;
      compareLooks(copy);
      rmSync(copy, { recursive: true });
    }
    for (const count of left) assert.ok(count > cases / 8, `${left} of ${cases} were left to the plain code`);
  });
});
