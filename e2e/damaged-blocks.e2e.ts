// Blocks that are damaged in the bucket, and queries that are wrong: each has one clear error that names the block or the
// place and the reason, and nothing else is lost.

import assert from 'node:assert/strict';
import { cpSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, onTestFailed, test } from 'vitest';
import { goldenDir } from '../dev/golden.ts';
import { ulidTime } from '../pkg/model/ulid.ts';
import { Cluster } from './harness/cluster.ts';
import { filesystemYaml, ours, type Service, startQuery, startStore } from './harness/programs.ts';

const golden = goldenDir();

describe.skipIf(golden === undefined)('blocks that are damaged in the bucket', () => {
  const cluster = new Cluster('damaged-blocks');
  afterAll(() => cluster.close());
  const source = golden === undefined ? '' : join(golden, 'bucket', 'dedup', 'before');
  const MINUTE_MS = 60_000;
  const HOUR_MS = 60 * MINUTE_MS;
  const BEGIN_MS = 1_718_668_800_000;
  interface Damage {
    readonly what: string;
    /** Its directory is the argument. */
    readonly breakIt: (block: string) => void;
    /** Logged when the block is loaded; the block is then not served. */
    readonly logged?: RegExp;
    /** Said to those whose answers it is missing from. */
    readonly warned: RegExp;
  }
  const damages: readonly Damage[] = [
    {
      what: 'an index of noise',
      breakIt: (block) => writeFileSync(join(block, 'index'), noise(readFileSync(join(block, 'index')).length)),
      logged: /level=warn msg="block is not served.*\/index: index table of contents: checksum is \w+, expected/,
      warned: /is missing from the answer: .*\/index: index table of contents: checksum is \w+, expected/,
    },
    {
      what: 'a truncated chunk file',
      breakIt: (block) => truncateSync(join(block, 'chunks', '000001'), 200),
      warned: /chunk|segment|beyond|short|truncated/i,
    },
    {
      what: 'a chunk with a wrong checksum',
      breakIt: (block) => {
        const path = join(block, 'chunks', '000001');
        const bytes = readFileSync(path);
        for (let at = 16; at < bytes.length; at += 16) bytes[at] ^= 0xff;
        writeFileSync(path, bytes);
      },
      warned: /checksum|corrupt|chunk/i,
    },
    {
      what: 'a missing segment',
      breakIt: (block) => rmSync(join(block, 'chunks', '000001')),
      warned: /000001.*(no such|not found|ENOENT|missing)/i,
    },
  ];
  let gateway: Service;
  let querier: Service;
  let blocks: readonly string[] = [];

  beforeAll(async () => {
    const directory = cluster.path('damaged');
    blocks = copyBlocks(directory);
    for (const [i, { breakIt }] of damages.entries()) breakIt(join(directory, blocks[i]));
    gateway = await startStore(cluster, ours, 'damaged', filesystemYaml(directory));
    querier = await startQuery(cluster, ours, 'damaged', [gateway]);
  });

  for (const [i, { what, logged, warned }] of damages.entries()) {
    test(what, async () => {
      onTestFailed(() => console.error(cluster.logs));
      // Both replicas were scraped then.
      const time = (BEGIN_MS + (2 * i + 1) * HOUR_MS - 20 * MINUTE_MS) / 1000;
      const other = await ask('ha_requests_total{replica="B"}', time);
      assert.deepEqual([other.status, other.count, other.warnings], [200, 4, []]);
      const broken = await ask('ha_requests_total{replica="A"}', time);
      assert.deepEqual([broken.status, broken.count], [200, 0]);
      if (logged !== undefined) {
        const lines = gateway.server.log.split('\n').filter((line) => line.includes(blocks[i]));
        assert.match(lines.join('\n'), logged);
      }
      assert.equal(broken.warnings.length, 1);
      // What other blocks have is in the answer, beside the warning.
      const both = await ask('ha_requests_total', time);
      assert.deepEqual([both.status, both.count, both.warnings], [200, 4, broken.warnings]);
      assert.match(broken.warnings[0], warned);
      assert.match(broken.warnings[0], new RegExp(blocks[i]));
      const refused = await ask('ha_requests_total{replica="A"}', time, { partial_response: 'false' });
      assert.equal(refused.status, 422);
      assert.match(refused.error, warned);
    });
  }

  test('what is wrong with the query is said as well', async () => {
    const cases: readonly (readonly [query: string, status: number, says: RegExp])[] = [
      ['up{', 400, /1:4: parse error: unexpected end of input inside braces/],
      ['up == on(', 400, /parse error/],
      ['nofunc(up)', 400, /1:1: parse error: unknown function with name "nofunc"/],
      ['up{a=~"("}', 400, /error parsing regexp: missing closing \)/],
      ['ha_requests_total{replica="B"} * on () ha_requests_total', 422, /multiple matches|many-to-many|duplicate/],
    ];
    for (const [query, status, says] of cases) {
      const answer = await ask(query, BEGIN_MS / 1000 + 3600);
      assert.equal(answer.status, status, query);
      assert.match(answer.error, says);
    }
  });

  test('meta.json of two blocks, which may have held anything: every answer says so', async () => {
    onTestFailed(() => console.error(cluster.logs));
    const directory = cluster.path('metas');
    const [empty, page, whole] = copyBlocks(directory);
    writeFileSync(join(directory, empty, 'meta.json'), '');
    writeFileSync(join(directory, page, 'meta.json'), '<html>not found</html>');
    const store = await startStore(cluster, ours, 'metas', filesystemYaml(directory));
    const metaQuerier = await startQuery(cluster, ours, 'metas', [store]);
    const notTakenUp = 'level=warn msg="meta.json of a block cannot be used, the block is not taken up"';
    for (const [block, problem] of [
      [empty, 'meta.json is empty'],
      [page, 'meta.json is not JSON'],
    ]) {
      const lines = store.server.log.split('\n').filter((line) => line.includes(block));
      assert.ok(lines.some((line) => line.includes(notTakenUp) && line.includes(problem)));
    }
    const hours: readonly (readonly [hour: number, selector: string, count: number])[] = [
      [1, 'ha_requests_total', 4],
      [1, 'ha_requests_total{replica="A"}', 0],
      [3, 'ha_requests_total{replica="A"}', 0],
      [5, 'ha_requests_total{replica="A"}', 4],
      [5, 'nobody_has_this', 0],
    ];
    for (const [hour, selector, count] of hours) {
      const time = (BEGIN_MS + hour * HOUR_MS - 20 * MINUTE_MS) / 1000;
      const answer = await ask(selector, time, {}, metaQuerier);
      assert.deepEqual([answer.status, answer.count, answer.warnings.length], [200, count, 2], `${selector} ${hour}`);
      const warnings = [...answer.warnings].sort();
      assert.match(warnings[0], new RegExp(`block ${empty}, made at .* whatever it holds: meta.json is empty`));
      assert.match(warnings[1], new RegExp(`block ${page}, made at .* whatever it holds: meta.json is not JSON`));
      const refused = await ask(selector, time, { partial_response: 'false' }, metaQuerier);
      assert.equal(refused.status, 422);
      assert.match(refused.error, /whatever it holds: meta.json is/);
    }
    // A block holds nothing younger than itself.
    assert.ok(whole > page);
    const afterwards = ulidTime(whole) / 1000 + 3600;
    const later = await ask('ha_requests_total', afterwards, {}, metaQuerier);
    assert.deepEqual([later.status, later.count, later.warnings], [200, 0, []]);
  });

  /** Copies the blocks of both replicas; the blocks of replica A, from oldest to newest. */
  function copyBlocks(directory: string): readonly string[] {
    cpSync(source, directory, { recursive: true });
    const metas = readdirSync(directory).map((ulid) => {
      const { minTime, thanos } = JSON.parse(readFileSync(join(directory, ulid, 'meta.json'), 'utf8'));
      return { ulid, minTime: minTime as number, labels: thanos.labels as Record<string, string> };
    });
    const ofA = metas.filter(({ labels }) => labels['cluster'] === 'ha' && labels['replica'] === 'A');
    return ofA.sort((a, b) => a.minTime - b.minTime).map(({ ulid }) => ulid);
  }

  async function ask(query: string, time: number, more: Readonly<Record<string, string>> = {}, asked = querier) {
    const parameters = new URLSearchParams({ query, time: String(time), dedup: 'false', ...more });
    const response = await fetch(`${asked.url}/api/v1/query?${parameters}`);
    const body = (await response.json()) as { data?: { result: unknown[] }; warnings?: string[]; error?: string };
    return {
      status: response.status,
      count: body.data?.result.length ?? 0,
      warnings: body.warnings ?? [],
      error: body.error ?? '',
    };
  }
});

function noise(length: number): Buffer {
  return Buffer.from(Array.from({ length }, (_, i) => (i * 89 + 7) & 0xff));
}
