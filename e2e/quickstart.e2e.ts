// The script that the documentation hands to a newcomer does what it says, from nothing to one answer, and cleans up.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFailed, test } from 'vitest';
import { projectRoot } from '../dev/golden.ts';
import { peer } from '../dev/peers.ts';
import { answersOk, freePort, ManagedProcess, waitUntil } from './harness/process.ts';

const prometheus = await peer('prometheus');
const hasTools = ['bash', 'curl'].every((name) => spawnSync(name, ['--version']).status === 0);
const PORT_COUNT = 10;

test.skipIf(prometheus === undefined || !hasTools)(
  'the quickstart gives one answer over two replicas and stops everything it started',
  async () => {
    const directory = mkdtempSync(join(tmpdir(), 'tributary-quickstart-'));
    const port = await firstOfFreePorts();
    const api = `http://127.0.0.1:${port + 8}`;
    const script = await ManagedProcess.start({
      name: 'quickstart',
      command: 'bash',
      args: [join(projectRoot(), 'examples', 'quickstart', 'run.sh'), directory, String(port)],
      env: { PROMETHEUS: prometheus! },
    });
    onTestFailed(() => console.error(script.log));
    try {
      await waitUntil('everything is ready', 120_000, async () => {
        assert.ok(!script.hasExited, 'the script has ended');
        return await answersOk(`${api}/-/ready`);
      });
      await waitUntil('both replicas have scraped both', 60_000, async () => (await count(api, 'dedup=false')) === 4);
      assert.equal(await count(api, 'dedup=true'), 2);
      assert.equal(await script.stop(60_000), 0);
      for (let i = 0; i < PORT_COUNT; i++) assert.ok(await isFree(port + i), `port ${port + i} is still taken`);
      assert.equal(await answersOk(`${api}/-/healthy`), false);
    } finally {
      // Only the script itself ends what it started, so it is asked and not killed.
      await script.stop(60_000).catch(() => {});
      rmSync(directory, { recursive: true, force: true, maxRetries: 3 });
    }
  },
);

/** How many series `up` has. */
async function count(api: string, parameters: string): Promise<number> {
  const response = await fetch(`${api}/api/v1/query?query=up&${parameters}`);
  const { data } = (await response.json()) as { data: { result: readonly unknown[] } };
  return data.result.length;
}

async function firstOfFreePorts(): Promise<number> {
  for (;;) {
    const first = await freePort();
    const free = await Promise.all(Array.from({ length: PORT_COUNT }, (_, i) => isFree(first + i)));
    if (free.every((one) => one)) return first;
  }
}

async function isFree(port: number): Promise<boolean> {
  if (port > 65_535) return false;
  const server = createServer();
  try {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    server.close();
    await once(server, 'close');
    return true;
  } catch {
    return false;
  }
}
