import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'vitest';
import { kindOf } from '../errors/fault.ts';
import type { HistogramSample } from '../model/histogram.ts';
import { MAX_TIME, MIN_TIME } from '../model/time.ts';
import { SampleBuffer } from '../storage/sample-columns.ts';
import { Block } from './block.ts';
import { ChunkView } from './chunks/segment-reader.ts';
import { columnsText, histogramText, testdata } from './golden-fixture.ts';
import { SeriesEntry } from './index/series-entry.ts';
import { startTimestampChunks, writeStartTimestampBlock } from './start-timestamps-fixture.ts';
import { blockHasStartTimestamps, transcodeBlock } from './transcode-block.ts';

const ulid = '01M825161K2K92BNB3ZDTVS2F2';
const never = new AbortController().signal;

let parent: string;
beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), 'tributary-transcode-'));
});
afterEach(() => rmSync(parent, { recursive: true, force: true }));

function dump(directory: string): { encodings: number[]; samples: string[] } {
  const block = Block.open(directory);
  const entry = new SeriesEntry();
  const view = new ChunkView();
  const encodings: number[] = [];
  const samples: string[] = [];
  try {
    for (const id of block.match([])) {
      samples.push(String(block.series(id, entry)));
      for (let i = 0; i < entry.chunkCount; i++) {
        block.chunk(entry, i, view);
        encodings.push(view.encoding);
      }
      const floats = new SampleBuffer();
      const histograms: HistogramSample[] = [];
      block.readSamples(id, entry, MIN_TIME, MAX_TIME, floats, histograms);
      samples.push(...columnsText(floats), ...histograms.map(histogramText));
    }
  } finally {
    block.close();
  }
  return { encodings, samples };
}

describe('a block with start timestamps', () => {
  test('is read, and has the same samples in older encodings when it is written again', async () => {
    writeStartTimestampBlock(parent, ulid);
    const directory = join(parent, ulid);
    const before = dump(directory);
    assert.deepEqual(before.encodings, [4, 5, 6, 1]);
    assert.equal(before.samples.length, 4 + 4 + 3 + 2 + 1);
    assert.equal(await blockHasStartTimestamps(directory, never), true);

    const into = join(parent, 'older');
    await transcodeBlock(directory, into, never);
    cpSync(join(directory, 'meta.json'), join(into, 'meta.json'));
    const after = dump(into);
    assert.deepEqual(after.encodings, [1, 2, 3, 1]);
    assert.deepEqual(after.samples, before.samples);
    assert.equal(await blockHasStartTimestamps(into, never), false);
  });

  for (const [i, { encoding }] of startTimestampChunks.entries()) {
    test(`is told by its chunks: encoding ${encoding}`, async () => {
      writeStartTimestampBlock(parent, ulid, [startTimestampChunks[i]]);
      assert.equal(await blockHasStartTimestamps(join(parent, ulid), never), encoding > 3);
    });
  }

  test('that is damaged is corrupt, and what came before the damage is looked at', async () => {
    writeStartTimestampBlock(parent, ulid);
    const segment = join(parent, ulid, 'chunks', '000001');
    writeFileSync(segment, readFileSync(segment).subarray(0, 60));
    assert.equal(await blockHasStartTimestamps(join(parent, ulid), never), true);
    await assert.rejects(
      transcodeBlock(join(parent, ulid), join(parent, 'older'), never),
      (thrown) => kindOf(thrown) === 'corrupt' && String(thrown).includes(ulid),
    );
    writeFileSync(segment, 'no segment');
    assert.equal(await blockHasStartTimestamps(join(parent, ulid), never), false);
  });
});

test('a block without start timestamps is written again byte for byte', async () => {
  const [name] = readdirSync(join(testdata, 'basic'));
  const directory = join(testdata, 'basic', name);
  assert.equal(await blockHasStartTimestamps(directory, never), false);
  await transcodeBlock(directory, join(parent, 'same'), never);
  for (const file of ['index', join('chunks', '000001')]) {
    assert.ok(readFileSync(join(directory, file)).equals(readFileSync(join(parent, 'same', file))), file);
  }
});

test('gives up when it is told to', async () => {
  const [name] = readdirSync(join(testdata, 'basic'));
  const directory = join(testdata, 'basic', name);
  const ended = AbortSignal.abort();
  await assert.rejects(
    transcodeBlock(directory, join(parent, 'same'), ended),
    (thrown) => kindOf(thrown) === 'canceled',
  );
});
