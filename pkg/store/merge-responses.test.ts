import assert from 'node:assert/strict';
import { describe, test } from 'vitest';
import { type Random, randomFrom } from '../bytes/damage-fixture.ts';
import { compareLabels, Labels } from '../model/labels.ts';
import { ChunkTableBuilder } from './chunk-table.ts';
import { mergeResponses } from './merge-responses.ts';
import { framesOf } from './response-batcher.ts';
import type { SeriesBatch, StoreSeries } from './store.ts';

const CHUNK_BYTES = 3000;

/** Batches of a stream in label order, each with a table of its own that is overwritten when the batch is released. */
async function* stream(random: Random, replica: number, onRelease: () => void): AsyncGenerator<SeriesBatch> {
  const names = Array.from({ length: 400 }, (_, i) => String(i).padStart(4, '0')).filter(() => random(10) < 7);
  for (let at = 0; at < names.length; ) {
    const some = names.slice(at, (at += 1 + random(40)));
    const table = new ChunkTableBuilder(some.length);
    const series = some.map((name, i): StoreSeries => {
      table.chunk(replica * 1000, replica * 1000 + 10);
      table.copy(0, 1, new Uint8Array(CHUNK_BYTES).fill((Number(name) % 250) + 1));
      return { labels: Labels.of({ name }), chunks: [{ table, from: i, to: i + 1 }] };
    });
    yield {
      series,
      warnings: [],
      release: () => {
        table.bytes.fill(0);
        onRelease();
      },
    };
  }
}

describe('mergeResponses', () => {
  test('bytes of a batch stay until who reads the merged one has released it', async () => {
    for (let seed = 1; seed <= 8; seed++) {
      const random = randomFrom(seed);
      let released = 0;
      const streams = Array.from({ length: 5 }, (_, replica) => stream(random, replica, () => released++));
      let last: Labels | undefined;
      for await (const { series, release } of mergeResponses(streams)) {
        for (const { labels, chunks } of series) {
          if (last !== undefined) assert.ok(compareLabels(last, labels) < 0);
          last = labels;
          const wanted = (Number(labels.get('name')) % 250) + 1;
          for (const { table, from, to } of chunks) {
            for (let chunk = from; chunk < to; chunk++) {
              const offset = table.partOffset[table.firstPart[chunk]];
              assert.equal(table.bytes[offset], wanted);
              assert.equal(table.bytes[offset + CHUNK_BYTES - 1], wanted);
            }
          }
        }
        release?.();
      }
      assert.ok(released >= 5 * 3, `${released} batches released`);
    }
  });

  test('frames are the same whether or not bytes are used again', async () => {
    const framesWith = async (keepsBytes: boolean): Promise<Buffer[]> => {
      const random = randomFrom(7);
      const streams = Array.from({ length: 4 }, (_, replica) => stream(random, replica, () => {}));
      const merged = async function* (): AsyncGenerator<SeriesBatch> {
        for await (const { series, warnings, release } of mergeResponses(streams)) {
          yield { series, warnings, ...(keepsBytes || release === undefined ? {} : { release }) };
        }
      };
      const frames: Buffer[] = [];
      for await (const frame of framesOf(merged(), 64)) frames.push(Buffer.from(frame));
      return frames;
    };
    const kept = await framesWith(true);
    assert.ok(kept.length > 3);
    assert.deepEqual(await framesWith(false), kept);
  });
});
