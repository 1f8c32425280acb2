import assert from 'node:assert/strict';
import { test } from 'vitest';
import { kindOf } from '../../errors/fault.ts';
import { MAX_TIME, MIN_TIME } from '../../model/time.ts';
import { SampleBuffer } from '../../storage/sample-columns.ts';
import { ENCODING_XOR } from '../../tsdb/chunkenc/encoding.ts';
import { encodeXor } from '../../tsdb/chunkenc/xor-encoder.ts';
import type { StoredChunk } from '../../tsdb/stored-chunk.ts';
import { AggregatedSeries } from './aggregated-series.ts';
import { RawSeries } from './raw-series.ts';

const CASES = 3000;
const always = { min: MIN_TIME, max: MAX_TIME };

function rawChunk(): Uint8Array {
  const samples = new SampleBuffer();
  for (let i = 0; i < 100; i++) samples.push(1_700_000_000_000 + i * 70_000, i % 30);
  return encodeXor(samples);
}

/** Every byte of a chunk in turn with some of its bits turned over, and as often a chunk cut off. */
function* damagedCopies(chunk: Uint8Array): Iterable<Uint8Array> {
  for (let i = 0; i < CASES; i++) {
    const copy = chunk.slice();
    copy[(i * 7919) % copy.length] ^= 1 << (i % 8);
    copy[(i * 104_729) % copy.length] ^= (i * 31) % 256;
    yield i % 5 === 0 ? copy.subarray(0, i % copy.length) : copy;
  }
}

function isRefused(work: () => void): boolean {
  try {
    work();
    return false;
  } catch (thrown) {
    assert.ok(['corrupt', 'unsupported'].includes(kindOf(thrown)), String(thrown));
    return true;
  }
}

test('damaged raw chunks are downsampled to something in order, or refused', () => {
  let refused = 0;
  for (const data of damagedCopies(rawChunk())) {
    const made: StoredChunk[] = [];
    const downsample = (): void => {
      const series = new RawSeries();
      series.add(ENCODING_XOR, data, 0, data.length);
      series.finish(always, 300_000, (chunk) => made.push(chunk));
    };
    if (isRefused(downsample)) refused++;
    for (let i = 1; i < made.length; i++) assert.ok(made[i].minTime > made[i - 1].maxTime);
  }
  assert.ok(refused > CASES / 10);
});

test('damaged aggregate chunks are downsampled to something in order, or refused', () => {
  const raw = rawChunk();
  const source = new RawSeries();
  source.add(ENCODING_XOR, raw, 0, raw.length);
  const chunks: StoredChunk[] = [];
  source.finish(always, 300_000, (chunk) => chunks.push(chunk));
  let refused = 0;
  for (const data of damagedCopies(chunks[0].data)) {
    const made: StoredChunk[] = [];
    const downsample = (): void => {
      const series = new AggregatedSeries({ from: 300_000, to: 3_600_000 });
      series.add({ ...chunks[0], data });
      series.finish((chunk) => made.push(chunk));
    };
    if (isRefused(downsample)) refused++;
    for (const chunk of made) assert.ok(chunk.maxTime >= chunk.minTime);
  }
  assert.ok(refused > CASES / 10);
});
