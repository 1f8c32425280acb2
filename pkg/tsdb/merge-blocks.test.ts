import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'vitest';
import { Fault, kindOf } from '../errors/fault.ts';
import type { HistogramSample } from '../model/histogram.ts';
import { Labels } from '../model/labels.ts';
import { SampleBuffer } from '../storage/sample-columns.ts';
import { Block } from './block.ts';
import { BlockWriter } from './block-writer.ts';
import { ChunkView } from './chunks/segment-reader.ts';
import { columnsText, goldenHistogramText, goldenText, histogramText, readDump, testdata } from './golden-fixture.ts';
import { SeriesEntry } from './index/series-entry.ts';
import { mergeBlocks, type OverlapRule } from './merge-blocks.ts';

const ULIDS = ['01HF7YAT00AAAAAAAAAAAAAAA1', '01HF7YAT00AAAAAAAAAAAAAAA2', '01HF7YAT00AAAAAAAAAAAAAAA3'];
const OUT = '01HF7YAT00AAAAAAAAAAAAAAA9';
const signal = new AbortController().signal;
const noOverlap: OverlapRule = () => {
  throw new Fault('internal', 'nothing overlaps here');
};

let directory: string;
let open: Block[];
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'merge-'));
  open = [];
});
afterEach(() => {
  for (const block of open) block.close();
  rmSync(directory, { recursive: true, force: true });
});

function opened(path: string): Block {
  const block = Block.open(path);
  open.push(block);
  return block;
}

/** A block of series with samples at given times; the value is the time plus the block's number. */
function blockOf(number: number, range: [number, number], series: Readonly<Record<string, readonly number[]>>): Block {
  const [minTime, maxTime] = range;
  const writer = new BlockWriter(directory, { ulid: ULIDS[number], minTime, maxTime });
  for (const name of Object.keys(series).sort()) {
    const samples = new SampleBuffer();
    for (const time of series[name]) samples.push(time, time + number / 10);
    writer.addSeries(Labels.of({ __name__: name, n: 'x' }), samples);
  }
  writer.finish();
  return opened(join(directory, ULIDS[number]));
}

/** Each series with its samples as `time=value`, `|` between chunks. */
function contents(block: Block): Record<string, string> {
  const entry = new SeriesEntry();
  const found: Record<string, string> = {};
  for (const id of block.index.walk()) {
    const name = block.series(id, entry).get('__name__');
    const samples = new SampleBuffer();
    block.readSamples(id, entry, -1e15, 1e15, samples, []);
    const texts = Array.from({ length: samples.length }, (_, i) => `${samples.times[i]}=${samples.values[i]}`);
    found[name] = `${entry.chunkCount}: ${texts.join(' ')}`;
  }
  return found;
}

describe('copies of chunks', () => {
  /** A block of one series of `count` samples that do not compress, so that chunks are larger than usual reads. */
  const large = (number: number, count: number, minTime = number * 1000): Block => {
    const writer = new BlockWriter(directory, { ulid: ULIDS[number], minTime, maxTime: minTime + 1000 });
    for (const name of ['a', 'b', 'c']) {
      const samples = new SampleBuffer();
      for (let i = 0; i < count; i++) {
        samples.push(minTime + i, Math.sin(i * 7919 + number + name.charCodeAt(0)) * 10 ** ((i * 31) % 97));
      }
      writer.addSeries(Labels.of({ __name__: name }), samples);
    }
    writer.finish();
    return opened(join(directory, ULIDS[number]));
  };

  test('have the bytes and checksums of the originals, one behind the other', async () => {
    const inputs = [large(0, 1000), large(1, 700), large(2, 1)];
    const meta = await mergeBlocks(directory, inputs, { ulid: OUT, signal, mergeOverlaps: noOverlap });
    assert.equal(meta!.stats.numSamples, 3 * 1701);
    const merger = opened(join(directory, OUT));
    const all = (block: Block): Map<string, string[]> => {
      const entry = new SeriesEntry();
      const view = new ChunkView();
      const found = new Map<string, string[]>();
      for (const id of block.index.walk()) {
        const chunks: string[] = [];
        found.set(String(block.series(id, entry)), chunks);
        for (let i = 0; i < entry.chunkCount; i++) {
          block.chunk(entry, i, view);
          const bytes = Buffer.from(view.bytes.subarray(view.offset - 1, view.offset + view.length + 4));
          chunks.push(`${entry.minTimes[i]} ${entry.maxTimes[i]} ${bytes.toString('hex')}`);
        }
      }
      return found;
    };
    const wanted = new Map<string, string[]>();
    for (const input of inputs) {
      for (const [name, chunks] of all(input)) wanted.set(name, [...(wanted.get(name) ?? []), ...chunks]);
    }
    assert.deepEqual(all(merger), wanted);
    assert.ok(wanted.get('{__name__="a"}')!.some((chunk) => chunk.length > 2 * 1024));
  });

  test('that cannot be read name the block they are in', async () => {
    const inputs = [large(0, 1000), large(1, 700)];
    const path = join(directory, ULIDS[1], 'chunks', '000001');
    truncateSync(path, statSync(path).size - 500);
    open.push(Block.open(join(directory, ULIDS[1])));
    const merging = mergeBlocks(directory, [inputs[0], open.at(-1)!], { ulid: OUT, signal, mergeOverlaps: noOverlap });
    await assert.rejects(merging, (thrown) => {
      assert.equal(kindOf(thrown), 'corrupt');
      return (thrown as Fault).facts['block'] === ULIDS[1];
    });
    assert.equal(existsSync(join(directory, OUT)), false);
  });
});

describe('blocks that follow one another', () => {
  test('become one with every chunk as it was, series in order, and the meta of a merger', async () => {
    const inputs = [
      blockOf(0, [0, 10], { a: [0, 5], c: [1] }),
      blockOf(1, [10, 20], { a: [10], b: [11] }),
      blockOf(2, [20, 30], { c: [21, 22] }),
    ];
    const meta = await mergeBlocks(directory, inputs, { ulid: OUT, signal, mergeOverlaps: noOverlap });
    assert.ok(meta !== undefined);
    const merged = opened(join(directory, OUT));
    assert.deepEqual(contents(merged), { a: '2: 0=0 5=5 10=10.1', b: '1: 11=11.1', c: '2: 1=1 21=21.2 22=22.2' });
    assert.deepEqual([meta.minTime, meta.maxTime], [0, 30]);
    assert.deepEqual(meta.stats, {
      numSamples: 7,
      numFloatSamples: 7,
      numHistogramSamples: 0,
      numSeries: 3,
      numChunks: 5,
      numTombstones: 0,
    });
    assert.equal(meta.compaction.level, 2);
    assert.deepEqual(meta.compaction.sources, ULIDS);
    assert.deepEqual(
      meta.compaction.parents.map(({ ulid }) => ulid),
      ULIDS,
    );
    assert.deepEqual(merged.labelNames(), ['__name__', 'n']);
    assert.equal(merged.match([]).length, 3);
  });

  test('are left as they are when the merge is given up', async () => {
    const inputs = [blockOf(0, [0, 10], { a: [0] })];
    const failing = { ulid: OUT, signal: AbortSignal.abort(), mergeOverlaps: noOverlap };
    // A merge that is done within its first slice never looks at the signal.
    await mergeBlocks(directory, inputs, failing).catch(() => undefined);
    assert.ok(!existsSync(join(directory, `${OUT}.tmp-for-creation`)));
  });
});

describe('chunks that overlap', () => {
  test('go through the rule in order of start and end, those that are the same only once', async () => {
    const inputs = [blockOf(0, [0, 10], { a: [0, 5] }), blockOf(1, [0, 20], { a: [3, 4], b: [19] })];
    const seen: string[] = [];
    const rule: OverlapRule = (chunks, emit) => {
      seen.push(chunks.map(({ minTime, maxTime }) => `${minTime}-${maxTime}`).join(' '));
      emit(chunks[0]);
    };
    await mergeBlocks(directory, inputs, { ulid: OUT, signal, mergeOverlaps: rule });
    assert.deepEqual(seen, ['0-5 3-4']);
    assert.deepEqual(contents(opened(join(directory, OUT))), { a: '1: 0=0 5=5', b: '1: 19=19.1' });
  });

  test('and are equal to the byte need no rule', async () => {
    const block = blockOf(0, [0, 10], { a: [0, 5] });
    await mergeBlocks(directory, [block, opened(block.directory)], { ulid: OUT, signal, mergeOverlaps: noOverlap });
    assert.deepEqual(contents(opened(join(directory, OUT))), { a: '1: 0=0 5=5' });
  });

  test('of a rule that fails leave nothing behind', async () => {
    const inputs = [blockOf(0, [0, 10], { a: [0, 5] }), blockOf(1, [0, 20], { a: [3] })];
    await assert.rejects(
      mergeBlocks(directory, inputs, { ulid: OUT, signal, mergeOverlaps: noOverlap }),
      (thrown) => kindOf(thrown) === 'internal',
    );
    assert.deepEqual(readdirSync(directory).sort(), [ULIDS[0], ULIDS[1]]);
  });
});

test('deleted samples are left out, of floats and of histograms, as a querier of the reference leaves them out', async () => {
  const [folder] = readdirSync(join(testdata, 'tombstones'));
  const input = opened(join(testdata, 'tombstones', folder));
  const dumpFile = readdirSync(join(testdata, 'dumps')).find((name) => name.includes(folder));
  const { afterTombstones } = readDump(join(testdata, 'dumps', dumpFile ?? ''));
  assert.ok(afterTombstones.length > 0);
  const meta = await mergeBlocks(directory, [input], { ulid: OUT, signal, mergeOverlaps: noOverlap });
  const merged = opened(join(directory, OUT));
  const wanted = new Map(afterTombstones.map(({ labels, samples }) => [String(Labels.from(labels)), samples]));
  const entry = new SeriesEntry();
  let seriesCount = 0;
  let sampleCount = 0;
  for (const id of merged.index.walk()) {
    const labels = String(merged.series(id, entry));
    const floats = new SampleBuffer();
    const histograms: HistogramSample[] = [];
    merged.readSamples(id, entry, -1e15, 1e15, floats, histograms);
    const golden = wanted.get(labels);
    assert.ok(golden !== undefined, labels);
    assert.deepEqual(columnsText(floats), goldenText(golden), labels);
    // What is known of resets depends on where chunks begin, so the hints may differ.
    const withoutHint = (text: string) => text.replace(/"hint":"\w+"/, '');
    assert.deepEqual(
      histograms.map((sample) => withoutHint(histogramText(sample))),
      golden.flatMap(([time, value]) =>
        typeof value === 'string' ? [] : [withoutHint(goldenHistogramText(time, value))],
      ),
      labels,
    );
    seriesCount++;
    sampleCount += golden.length;
  }
  assert.equal(seriesCount, [...wanted.values()].filter((samples) => samples.length > 0).length);
  assert.equal(meta?.stats.numSamples, sampleCount);
});

test('of blocks without a sample nothing is written', async () => {
  const input = blockOf(0, [0, 10], { a: [0, 5] });
  const deleted = new Map([...input.index.walk()].map((id) => [id, [{ minTime: 0, maxTime: 9 }]]));
  const proxied = new Proxy(input, {
    get: (target, key) => {
      if (key === 'tombstones') return deleted;
      const value = Reflect.get(target, key, target) as unknown;
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  assert.equal(await mergeBlocks(directory, [proxied], { ulid: OUT, signal, mergeOverlaps: noOverlap }), undefined);
  assert.deepEqual(readdirSync(directory), [ULIDS[0]]);
});
