import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'vitest';
import { peer } from '../../dev/peers.ts';
import { MemorySink } from '../bytes/byte-sink.ts';
import { kindOf } from '../errors/fault.ts';
import { Labels } from '../model/labels.ts';
import { MAX_TIME, MIN_TIME } from '../model/time.ts';
import { SampleBuffer } from '../storage/sample-columns.ts';
import { Block } from './block.ts';
import { BlockWriter } from './block-writer.ts';
import { columnsText, goldenBlocks, testdata } from './golden-fixture.ts';
import { SeriesEntry } from './index/series-entry.ts';
import { IndexWriter } from './index/writer.ts';

const ulid = '01M825161K2K92BNB3ZDTVS2F2';
const start = 1_700_000_000_000;
const promtool = await peer('promtool');

let parent: string;
beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), 'tributary-block-writer-'));
});
afterEach(() => rmSync(parent, { recursive: true, force: true }));

/** Some series of each sort, in label order. */
function someSeries(): [Labels, SampleBuffer][] {
  const series: [Labels, SampleBuffer][] = [];
  for (let job = 0; job < 40; job++) {
    const samples = new SampleBuffer();
    for (let i = 0; i <= job * 13; i++) samples.push(start + i * 15000 + (i % 5), Math.sqrt(i * job));
    if (job === 7) {
      samples.words[3] = 0x7ff00000;
      samples.words[2] = 2;
    }
    series.push([Labels.of({ __name__: 'written', job: `job-${String(job).padStart(2, '0')}` }), samples]);
  }
  const odd = new SampleBuffer();
  odd.push(start, 1);
  series.push([Labels.of({ __name__: 'written', job: '\uffee' }), odd]);
  series.push([Labels.of({ __name__: 'written', job: '\u{1f600} a\nb"c' }), odd]);
  return series;
}

function writeBlock(): [Labels, SampleBuffer][] {
  const writer = new BlockWriter(parent, { ulid, minTime: start, maxTime: start + 7_200_000 * 4 });
  const series = someSeries();
  for (const [labels, samples] of series) writer.addSeries(labels, samples);
  writer.finish();
  return series;
}

describe('a written block', () => {
  test('reads back equal', () => {
    const series = writeBlock();
    assert.deepEqual(readdirSync(parent), [ulid]);
    assert.deepEqual(readdirSync(join(parent, ulid)).sort(), ['chunks', 'index', 'meta.json', 'tombstones']);
    const block = Block.open(join(parent, ulid));
    const entry = new SeriesEntry();
    const into = new SampleBuffer();
    try {
      const ids = [...block.match([])];
      assert.equal(ids.length, series.length);
      ids.forEach((id, i) => {
        assert.deepEqual([...block.series(id, entry)], [...series[i][0]]);
        assert.equal(entry.chunkCount, Math.ceil(series[i][1].length / 120));
        into.clear();
        block.readSamples(id, entry, MIN_TIME, MAX_TIME, into, []);
        assert.deepEqual(columnsText(into), columnsText(series[i][1]));
      });
      const samples = series.reduce((sum, [, { length }]) => sum + length, 0);
      assert.equal(block.meta.stats.numSamples, samples);
      assert.equal(block.meta.stats.numSeries, series.length);
      assert.deepEqual(block.meta.compaction.sources, [ulid]);
    } finally {
      block.close();
    }
  });

  test.skipIf(promtool === undefined)('is read and found sound by promtool', () => {
    const series = writeBlock();
    const analysis = run('tsdb', 'analyze', parent, ulid);
    assert.match(analysis, new RegExp(`Total Series: ${series.length}\n`));
    // The tool wants a database, of which a log is a part.
    mkdirSync(join(parent, 'wal'));
    const dump = run('tsdb', 'dump', parent).trim().split('\n');
    const samples = series.reduce((sum, [, { length }]) => sum + length, 0);
    assert.equal(dump.length, samples);
    const last = series[39][1];
    const line = dump.filter((text) => text.includes('"job-39"')).at(-1);
    assert.equal(line, `{__name__="written", job="job-39"} ${last.values[507]} ${last.times[507]}`);
  });
});

describe('the writer', () => {
  const options = { ulid, minTime: 0, maxTime: 100 };
  const samplesAt = (...times: number[]): SampleBuffer => {
    const samples = new SampleBuffer();
    for (const time of times) samples.push(time, 1);
    return samples;
  };

  test('leaves nothing when it is given up, and nothing without samples', () => {
    const writer = new BlockWriter(parent, options);
    writer.addSeries(Labels.of({ a: '1' }), samplesAt(1));
    assert.deepEqual(readdirSync(parent), [`${ulid}.tmp-for-creation`]);
    writer.abort();
    assert.deepEqual(readdirSync(parent), []);
    const empty = new BlockWriter(parent, options);
    empty.addSeries(Labels.of({ a: '1' }), samplesAt());
    assert.throws(
      () => empty.finish(),
      (thrown) => kindOf(thrown) === 'invalid',
    );
    assert.deepEqual(readdirSync(parent), []);
  });

  test('replaces what a crash left, and refuses to replace a block', () => {
    new BlockWriter(parent, options);
    const writer = new BlockWriter(parent, options);
    writer.addSeries(Labels.of({ a: '1' }), samplesAt(1));
    writer.finish();
    assert.throws(
      () => new BlockWriter(parent, options),
      (thrown) => kindOf(thrown) === 'conflict',
    );
  });

  for (const [what, labels, samples] of [
    ['a series twice', Labels.of({ a: '1' }), samplesAt(1)],
    ['a series before the last one', Labels.of({ a: '0' }), samplesAt(1)],
    ['samples out of order', Labels.of({ a: '2' }), samplesAt(2, 1)],
    ['two samples of one time', Labels.of({ a: '2' }), samplesAt(2, 2)],
    ['a sample before the block', Labels.of({ a: '2' }), samplesAt(-1)],
    ['a sample at its exclusive end', Labels.of({ a: '2' }), samplesAt(100)],
  ] as const) {
    test(`refuses ${what}`, () => {
      const writer = new BlockWriter(parent, options);
      writer.addSeries(Labels.of({ a: '1' }), samplesAt(1));
      assert.throws(
        () => writer.addSeries(labels, samples),
        (thrown) => kindOf(thrown) === 'invalid',
      );
      writer.abort();
    });
  }
});

describe('indexes of the reference are written byte for byte', () => {
  test('of the basic block', () => rewriteIndex(join(testdata, 'basic')));
  for (const set of ['histograms', 'ha-A', 'long-A', 'ooo', 'large']) {
    test.skipIf(goldenBlocks() === undefined)(`of the set ${set}`, () => rewriteIndex(join(goldenBlocks()!, set)));
  }

  function rewriteIndex(set: string): void {
    for (const name of readdirSync(set)) {
      const block = Block.open(join(set, name));
      const sink = new MemorySink();
      try {
        const writer = new IndexWriter(sink, block.index.symbols);
        const entry = new SeriesEntry();
        for (const id of block.index.walk()) {
          block.index.series(id, entry);
          assert.equal(writer.addSeries(entry), id);
        }
        writer.finish();
      } finally {
        block.close();
      }
      assert.ok(Buffer.compare(sink.bytes(), readFileSync(join(set, name, 'index'))) === 0, name);
    }
  }
});

describe('a damaged block is refused by name', () => {
  for (const [what, damage, kind] of [
    ['without meta.json', (at: string) => rmSync(join(at, 'meta.json')), 'not-found'],
    ['with an empty meta.json', (at: string) => writeFileSync(join(at, 'meta.json'), ''), 'corrupt'],
    ['without an index', (at: string) => rmSync(join(at, 'index')), 'not-found'],
    ['with an empty index', (at: string) => writeFileSync(join(at, 'index'), ''), 'corrupt'],
    ['without chunks', (at: string) => rmSync(join(at, 'chunks'), { recursive: true }), 'not-found'],
    ['with an empty segment', (at: string) => writeFileSync(join(at, 'chunks', '000001'), ''), 'corrupt'],
    ['with damaged tombstones', (at: string) => writeFileSync(join(at, 'tombstones'), 'x'), 'corrupt'],
  ] as const) {
    test(what, () => {
      writeBlock();
      damage(join(parent, ulid));
      assert.throws(
        () => Block.open(join(parent, ulid)),
        (thrown) => kindOf(thrown) === kind && String(thrown).includes(ulid),
      );
    });
  }

  test('a cut chunk file is corrupt when the missing chunk is read', () => {
    writeBlock();
    const segment = join(parent, ulid, 'chunks', '000001');
    writeFileSync(segment, readFileSync(segment).subarray(0, 3000));
    rmSync(join(parent, ulid, 'tombstones'));
    const block = Block.open(join(parent, ulid));
    const entry = new SeriesEntry();
    const into = new SampleBuffer();
    try {
      const ids = block.match([]);
      block.series(ids[0], entry);
      block.readSamples(ids[0], entry, MIN_TIME, MAX_TIME, into, []);
      assert.equal(into.length, 1);
      block.series(ids[39], entry);
      assert.throws(
        () => block.readSamples(ids[39], entry, MIN_TIME, MAX_TIME, into, []),
        (thrown) => kindOf(thrown) === 'corrupt',
      );
      assert.equal(into.length, 1);
    } finally {
      block.close();
    }
  });
});

function run(...args: string[]): string {
  return execFileSync(promtool!, args, { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 });
}
