import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, test } from 'vitest';
import { backgroundRequest } from '../../async/request.ts';
import { Labels } from '../../model/labels.ts';
import { Matcher } from '../../model/matcher.ts';
import { FilesystemBucket } from '../../objstore/filesystem.ts';
import { firstVersionOf } from '../../tsdb/index/first-version-fixture.ts';
import { seriesQuery } from '../conformance.ts';
import { parseFakeSeries } from '../fake-store.ts';
import { TWO_HOURS_MS, writeBlock } from './block-fixture.ts';
import { plainSeries } from './golden-calls.ts';
import { testGateway } from './test-gateway.ts';

const scratch = mkdtempSync(join(tmpdir(), 'tributary-first-version-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

test('a block whose index has version 1 is served as the same block with version 2', async () => {
  const [second, first] = [join(scratch, 'second'), join(scratch, 'first')];
  const lines = Array.from({ length: 100 }, (_, i) => `up{instance="${i}", job="${'xyz'[i % 3]}"} ${1000 + i}:${i}`);
  const ulid = writeBlock(second, parseFakeSeries(lines.join('\n')), Labels.of({ cluster: 'eu' }), {
    minTime: 0,
    maxTime: TWO_HOURS_MS,
  });
  cpSync(second, first, { recursive: true });
  const index = join(first, ulid, 'index');
  writeFileSync(index, firstVersionOf(new Uint8Array(readFileSync(index))).bytes);

  const request = backgroundRequest();
  const gateways = [await testGateway(new FilesystemBucket(second)), await testGateway(new FilesystemBucket(first))];
  try {
    for (const matcher of [
      new Matcher('=', 'job', 'x'),
      new Matcher('=~', 'instance', '1.|4'),
      new Matcher('!=', 'job', 'y'),
    ]) {
      const query = seriesQuery({ minTime: 0, maxTime: TWO_HOURS_MS, matchers: [matcher] });
      const [expected, found] = await Promise.all(
        gateways.map(({ gateway }) => plainSeries(request, gateway.store, query)),
      );
      assert.ok(expected.length > 10 && expected.length < 100);
      assert.deepEqual(found, expected);
    }
    const query = {
      minTime: 0,
      maxTime: TWO_HOURS_MS,
      partialResponse: 'abort',
      withoutReplicaLabels: [],
      limit: 0,
    } as const;
    const matchers = [new Matcher('=', 'job', 'z')];
    const [expected, found] = await Promise.all(
      gateways.map(({ gateway }) => gateway.store.labelValues(request, { ...query, matchers, label: 'instance' })),
    );
    assert.equal(expected.values.length, 33);
    assert.deepEqual(found, expected);
  } finally {
    for (const made of gateways) await made.close();
  }
});
