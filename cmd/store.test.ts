import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { Labels } from '../pkg/model/labels.ts';
import { writeBlock } from '../pkg/store/bucket/block-fixture.ts';
import { parseFakeSeries } from '../pkg/store/fake-store.ts';
import { commands } from './commands.ts';
import { main } from './program.ts';

const scratch = mkdtempSync(join(tmpdir(), 'store-command-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** Runs `tributary store`; `until` is handed the log so far after each line and stops the command when it says so. */
async function run(args: readonly string[], until: (log: string) => boolean = () => false) {
  const stop = new AbortController();
  let stderr = '';
  const code = await main(
    ['store', ...args],
    {
      stdout: { write() {} },
      stderr: {
        write(part) {
          stderr += part;
          if (until(stderr)) stop.abort();
        },
      },
      env: {},
      stop: stop.signal,
      readFile() {
        throw new Error('no such file or directory');
      },
    },
    commands,
  );
  return { code, stderr };
}

const local = ['--http-address=127.0.0.1:0', '--grpc-address=127.0.0.1:0'];
const bucketYaml = (directory: string): string =>
  `--objstore.config=${JSON.stringify({ type: 'FILESYSTEM', config: { directory } })}`;

describe('tributary store', () => {
  for (const [what, args, code, text] of [
    ['no bucket', [], 1, /objstore\.config.* is required/],
    ['a bucket type nobody knows', ['--objstore.config={type: TAPE}'], 1, /TAPE/],
    [
      'a time range that ends before it begins',
      [bucketYaml('/nowhere'), '--min-time=-1d', '--max-time=-2d'],
      1,
      /--min-time cannot be greater than --max-time/,
    ],
    ['a flag that is not built', ['--index-cache.config=x'], 2, /index-cache\.config/],
    [
      'another flag that is not built',
      ['--store.enable-lazy-expanded-postings'],
      2,
      /store\.enable-lazy-expanded-postings/,
    ],
    ['a size without a unit', ['--chunk-pool-size=5'], 2, /chunk-pool-size/],
    ['a discovery strategy nobody knows', ['--block-discovery-strategy=guess'], 2, /block-discovery-strategy/],
  ] as const) {
    test(`${what} is refused with exit code ${code}`, async () => {
      const done = await run(args);
      expect(done.stderr).toMatch(text);
      expect(done.code).toBe(code);
    });
  }

  test('serves a bucket until it is stopped, and then gives up its headers when they are not to be kept', async () => {
    const directory = join(scratch, 'bucket');
    mkdirSync(directory);
    const START = 1_700_006_400_000;
    const ulid = writeBlock(directory, parseFakeSeries(`up{job="a"} ${START}:1`), Labels.of({ cluster: 'eu' }), {
      minTime: START,
      maxTime: START + 7_200_000,
    });
    const dataDir = join(scratch, 'data');
    const args = [...local, bucketYaml(directory), `--data-dir=${dataDir}`];
    const kept = await run(args, (log) => log.includes('msg=ready'));
    expect(kept.stderr).toMatch(/blocks are loaded.*served=1/);
    expect(kept.code).toBe(0);
    // The file is there: copying it fails otherwise.
    cpSync(join(dataDir, ulid, 'index-header'), join(scratch, 'copy'));
    const dropped = await run([...args, '--no-cache-index-header'], (log) => log.includes('msg=ready'));
    expect(dropped.code).toBe(0);
    expect(() => cpSync(join(dataDir, ulid, 'index-header'), join(scratch, 'copy'))).toThrow();
  });
});
