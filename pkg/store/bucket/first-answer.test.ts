// How soon a question over many blocks has its first answer: each block reads little before all have said something.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, test } from 'vitest';
import { backgroundRequest, type RequestContext } from '../../async/request.ts';
import { Labels } from '../../model/labels.ts';
import { Matcher } from '../../model/matcher.ts';
import type { Bucket } from '../../objstore/bucket.ts';
import { FilesystemBucket } from '../../objstore/filesystem.ts';
import { seriesQuery } from '../conformance.ts';
import type { FakeSeries } from '../fake-store.ts';
import { TWO_HOURS_MS, writeBlock } from './block-fixture.ts';
import { testGateway } from './test-gateway.ts';

const START = 1_700_006_400_000;
const BLOCKS = 16;
const SERIES = 300;
const scratch = mkdtempSync(join(tmpdir(), 'first-answer-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** Of a kilobyte each: nothing of the values can be left out. */
function seriesFrom(from: number): FakeSeries[] {
  return Array.from({ length: SERIES }, (_, i) => ({
    labels: Labels.of({ __name__: 'm', id: String(i).padStart(6, '0') }),
    samples: Array.from({ length: 110 }, (_, k) => [from + k * 60_000, Math.sin(i * 1000 + k)] as const),
  }));
}

test('a small part of the chunks is read before the first series is given out, and all of them in the end', async () => {
  for (let i = 0; i < BLOCKS; i++) {
    const minTime = START + i * TWO_HOURS_MS;
    writeBlock(scratch, seriesFrom(minTime), Labels.of({ replica: 'a' }), { minTime, maxTime: minTime + TWO_HOURS_MS });
  }
  let chunkBytes = 0;
  const bucket: Bucket = new Proxy(new FilesystemBucket(scratch), {
    get(target, key) {
      if (key !== 'getRange') {
        const value = Reflect.get(target, key);
        return typeof value === 'function' ? value.bind(target) : value;
      }
      return (request: RequestContext, name: string, offset: number, length: number) => {
        if (name.includes('/chunks/')) chunkBytes += length;
        return target.getRange(request, name, offset, length);
      };
    },
  });
  const made = await testGateway(bucket);
  try {
    const query = seriesQuery({
      matchers: [new Matcher('=', '__name__', 'm')],
      minTime: START,
      maxTime: START + BLOCKS * TWO_HOURS_MS,
    });
    let atFirst: number | undefined;
    let count = 0;
    for await (const { series, warnings } of made.gateway.store.series(backgroundRequest(), query)) {
      atFirst ??= chunkBytes;
      assert.deepEqual(warnings, []);
      for (const { labels, chunks } of series) {
        assert.equal(labels.get('id'), String(count++).padStart(6, '0'));
        assert.equal(
          chunks.reduce((sum, { from, to }) => sum + to - from, 0),
          BLOCKS,
        );
      }
    }
    assert.equal(count, SERIES);
    assert.ok(atFirst !== undefined && atFirst < 0.3 * chunkBytes, `${atFirst} of ${chunkBytes} bytes`);
  } finally {
    await made.close();
  }
});
