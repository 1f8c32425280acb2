// The examples of the library do what they say: Node reads a directory and a bucket, a real browser shows a block.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cpSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { projectRoot } from '../dev/golden.ts';
import { Matcher } from '../pkg/model/matcher.ts';
import { Block } from '../pkg/tsdb/block.ts';
import { SeriesEntry } from '../pkg/tsdb/index/series-entry.ts';
import { browserPath, openBrowser, visit } from './harness/browser.ts';
import { Cluster } from './harness/cluster.ts';
import { freePort } from './harness/process.ts';
import { filesystemYaml, ours } from './harness/programs.ts';

/** The package whose build is tested: the examples import it by its name. */
const home = join(dirname(ours.args[0]), '..', '..');
const examples = join(home, 'examples');
const blocks = join(projectRoot(), 'pkg', 'tsdb', 'testdata', 'basic');
const ulid = readdirSync(blocks)[0];

const block = Block.open(join(blocks, ulid));
const entry = new SeriesEntry();
const expected = [...block.match([new Matcher('=', '__name__', 'up')])].map((id) => String(block.series(id, entry)));
const { numSeries } = block.meta.stats;
const labelNames = block.labelNames();
block.close();

function run(script: string, ...args: readonly string[]): string[] {
  const output = execFileSync(process.execPath, [join(examples, 'library', script), ...args], { encoding: 'utf8' });
  return output.trimEnd().split('\n');
}

describe('examples of the library', () => {
  const cluster = new Cluster('library');
  afterAll(() => cluster.close());

  test('a block of a directory', () => {
    const [head, ...series] = run('read-directory.mjs', join(blocks, ulid), '__name__=up');
    assert.equal(head, `block ${ulid}, labels ${labelNames.join(', ')}`);
    assert.deepEqual(
      series.map((line) => line.replace(/: \d+ floats, 0 histograms, the last is [01]$/, '')),
      expected,
    );
  });

  test('a query over a block of a directory', () => {
    const [answer] = run('query-directory.mjs', join(blocks, ulid), 'count(up)');
    const [{ value }] = JSON.parse(answer) as [{ value: [number, string] }];
    assert.equal(value[1], String(expected.length));
    const [matrix] = run('query-directory.mjs', join(blocks, ulid), 'sum(up)', '600');
    assert.ok((JSON.parse(matrix) as [{ values: unknown[] }])[0].values.length > 5);
  });

  test('the blocks of a bucket', () => {
    const bucket = cluster.path('bucket');
    cpSync(blocks, bucket, { recursive: true });
    const config = join(cluster.directory, 'bucket.yaml');
    writeFileSync(config, filesystemYaml(bucket));
    assert.deepEqual(run('read-bucket.mjs', config, 'up'), [
      `${ulid}: ${expected.length} of ${numSeries} series are up`,
    ]);
  });

  describe.skipIf(browserPath === undefined)('the page, in Chromium', () => {
    let url: string;
    beforeAll(async () => {
      const port = await freePort();
      url = `http://127.0.0.1:${port}/`;
      await cluster.start({
        name: 'block-page',
        command: process.execPath,
        args: [join(examples, 'block-page', 'serve.mjs'), blocks, String(port)],
        readyUrl: url,
      });
    }, 60_000);

    test('shows the labels of a block and plots its series', { timeout: 60_000 }, async () => {
      const browser = await openBrowser();
      try {
        const { page, said, elsewhere } = await visit(browser, url);
        await page.getByLabel('URL of a block').fill(`blocks/${ulid}`);
        await page.getByRole('button', { name: 'Open' }).click();
        const status = page.getByRole('status');
        await page.waitForFunction('document.getElementById("status").textContent.includes("drawn")');
        assert.deepEqual(await page.locator('#label option').allTextContents(), labelNames);
        await page.getByLabel('Value').selectOption('up');
        await page.waitForFunction(
          `document.getElementById("status").textContent === "${ulid}: ${expected.length} series, ${expected.length} of them drawn"`,
        );
        assert.match((await status.textContent()) ?? '', /drawn/);
        assert.deepEqual(await page.locator('#series li').allTextContents(), expected);
        // Something is painted on the canvas.
        const painted = await page.evaluate(`(() => {
          const canvas = document.querySelector('#plot canvas');
          const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
          return data.some((byte) => byte !== 0);
        })()`);
        assert.equal(painted, true);
        // This block does not list its segments: that there is no second one is found out by asking.
        assert.deepEqual(
          said.filter((line) => !line.includes('status of 404')),
          [],
        );
        assert.deepEqual(elsewhere, []);
      } finally {
        await browser.close();
      }
    });

    test('says what is wrong with a URL', { timeout: 60_000 }, async () => {
      const browser = await openBrowser();
      try {
        const { page } = await visit(browser, `${url}?block=blocks/nothing`);
        await page.waitForFunction('document.getElementById("status").textContent.startsWith("not-found")');
      } finally {
        await browser.close();
      }
    });
  });
});
