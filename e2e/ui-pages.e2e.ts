// The pages about stores, blocks and the process, in a real browser over real processes.

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { Labels } from '../pkg/model/labels.ts';
import { TWO_HOURS_MS, writeBlock } from '../pkg/store/bucket/block-fixture.ts';
import { browserPath, openBrowser, type Visit, type VisitOptions, visit } from './harness/browser.ts';
import { Cluster } from './harness/cluster.ts';
import { endless, type Meddling, MeddlingProxy, success } from './harness/meddling-proxy.ts';
import { type MetaBucket, writeMetaBucket } from './harness/meta-bucket.ts';
import { freePort } from './harness/process.ts';
import { filesystemYaml, ours, type Service, startService } from './harness/programs.ts';

const HOUR_MS = 3_600_000;
/** What takes a moment on an idle machine takes long on a busy one. */
const SOON = { timeout: 30_000 };
/** 30 MB more than the page takes. */
const TOO_MUCH_BYTES = 100 * 2 ** 20;
/** Run in the page: what a reader can use and what has no name. */
const NAMELESS = `[...document.querySelectorAll('button, a, input, select, textarea')]
  .filter((one) => one.checkVisibility())
  .filter((one) => !(one.getAttribute('aria-label') || one.textContent.trim() || one.labels?.length > 0))
  .map((one) => one.outerHTML.slice(0, 200))`;
const FILE_SIZES = `performance.getEntriesByType('resource')
  .filter(({ name }) => name.includes('/static/'))
  .map(({ encodedBodySize }) => encodedBodySize)`;
const HOSTILE = '<img src=x onerror="window.wasRun=1"><script>window.wasRun=1</script>';

describe.skipIf(browserPath === undefined)('the pages in a browser (skipped where there is no chromium)', () => {
  const cluster = new Cluster('ui-pages');
  const bucketDirectory = cluster.path('blocks');
  const metaDirectory = cluster.path('metas');
  const visits: Visit[] = [];
  /** Of the newest block. */
  const end = Math.floor(Date.now() / TWO_HOURS_MS) * TWO_HOURS_MS;
  let browser: Browser;
  let metas: MetaBucket;
  let recent: Service;
  let old: Service;
  let query: Service;
  let webUrl: string;
  let proxy: MeddlingProxy;

  beforeAll(async () => {
    for (const [labels, from] of [
      [{ cluster: 'eu', replica: 'a' }, end - 2 * TWO_HOURS_MS],
      [{ cluster: 'eu', replica: 'b' }, end - TWO_HOURS_MS],
      [{ cluster: HOSTILE, replica: 'a' }, end - TWO_HOURS_MS],
    ] as const) {
      const series = [{ labels: Labels.of({ __name__: 'up' }), samples: [[from + 1000, 1] as const] }];
      writeBlock(bucketDirectory, series, Labels.of(labels), { minTime: from, maxTime: from + TWO_HOURS_MS });
    }
    metas = writeMetaBucket(metaDirectory, Date.now());
    const yaml = filesystemYaml(bucketDirectory);
    const store = (name: string, ...flags: string[]): Promise<Service> =>
      startService(cluster, ours, 'store', name, [
        `--objstore.config=${yaml}`,
        `--data-dir=${cluster.path(name)}`,
        ...flags,
      ]);
    const web = `127.0.0.1:${await freePort()}`;
    webUrl = `http://${web}/b`;
    [recent, old, browser] = await Promise.all([
      store('recent', `--min-time=${new Date(end - TWO_HOURS_MS + 1).toISOString()}`, '--disable-admin-operations'),
      store('old', `--max-time=${new Date(end - TWO_HOURS_MS - 1).toISOString()}`),
      openBrowser(),
      cluster.start({
        name: 'tributary tools bucket web',
        command: ours.command,
        args: [
          ...ours.args,
          ...['tools', 'bucket', 'web', `--http-address=${web}`, '--http-grace-period=1s', '--refresh=1s'],
          ...['--web.route-prefix=/b', `--objstore.config=${filesystemYaml(metaDirectory)}`],
        ],
        cwd: cluster.directory,
        readyUrl: `http://${web}/-/ready`,
      }),
    ]);
    query = await startService(cluster, ours, 'query', 'pages', [
      ...[recent, old].map(({ grpc }) => `--endpoint=${grpc}`),
      '--endpoint.info-timeout=500ms',
      '--query.replica-label=replica',
    ]);
    proxy = await MeddlingProxy.start(query.url);
  });

  // A page left open goes on asking and drawing.
  afterEach(async () => {
    proxy.meddlings.clear();
    await Promise.all(visits.map(({ context }) => context.close()));
  });

  afterAll(async () => {
    await browser?.close();
    await proxy?.close();
    await cluster.close();
  });

  /** A fresh profile; what it prints and asks elsewhere is looked at in the last test. */
  async function open(url: string, options: VisitOptions = {}): Promise<Page> {
    const one = await visit(browser, url, options);
    visits.push(one);
    one.page.setDefaultTimeout(SOON.timeout);
    return one.page;
  }

  test('the stores page shows who covers what, and finds the store that is down', async () => {
    const page = await open(`${query.url}/stores`);
    await page.getByText('2 up', { exact: true }).waitFor();
    const timeline = page.getByRole('list', { name: 'Coverage over time' });
    await timeline.getByRole('listitem', { name: /^\{cluster="eu"\}: / }).waitFor();
    expect(await timeline.locator('.look-store').count()).toBe(3);

    await old.server.kill();
    await page.getByText('1 down', { exact: true }).waitFor();
    const row = page.getByRole('table', { name: 'Endpoints' }).getByRole('row').nth(1);
    expect(await row.innerText()).toMatch(new RegExp(`down[\\s\\S]*${old.grpc}[\\s\\S]*ECONNREFUSED`));
    const hole = await timeline.getByRole('listitem', { name: /^\{cluster="eu"\}: / }).getAttribute('aria-label');
    // Nobody else has those two hours, and nobody has the time since the last block.
    expect(hole).toContain(`${old.grpc} (down) would`);
    expect((await timeline.locator('.look-hole').first().boundingBox())!.width).toBeGreaterThan(3);

    await page.getByRole('radiogroup', { name: 'State' }).getByText('Down', { exact: true }).click();
    await expect.poll(() => page.url(), SOON).toContain('state=down');
    const again = await open(page.url());
    await again.getByText('1 down', { exact: true }).waitFor();
    expect(await again.getByRole('table', { name: 'Endpoints' }).getByRole('row').count()).toBe(2);
  });

  test('label values full of HTML are text', async () => {
    const page = await open(`${query.url}/stores`);
    await page.getByText(HOSTILE).first().waitFor();
    expect(await page.evaluate(`'wasRun' in window`)).toBe(false);
  });

  test('the blocks page finds the overlap, and its link shows the same to somebody else', async () => {
    const page = await open(`${webUrl}/blocks`);
    const [first, second] = metas.overlap;
    const finding = page.getByRole('alert').filter({ hasText: '1 overlap' });
    await finding.getByRole('button', { name: first }).click();
    const details = page.getByRole('dialog');
    await details.getByText('Overlaps').waitFor();
    await details.getByRole('button', { name: second }).waitFor();
    expect(await details.innerText()).toMatch(/Labels\s+cluster\s*=\s*ap/);
    await page.keyboard.press('Escape');
    await details.waitFor({ state: 'hidden' });

    await page.getByRole('combobox', { name: 'Kind' }).selectOption('overlaps');
    await page.getByRole('textbox', { name: 'Filter by words or labels' }).fill('cluster="ap"');
    await expect.poll(() => page.url(), SOON).toContain('only=overlaps');
    await expect.poll(() => page.url(), SOON).toContain('ap');
    const again = await open(page.url());
    const table = again.getByRole('table', { name: 'Blocks' });
    await table.getByText(second).waitFor();
    expect(await table.getByRole('row').count()).toBe(3);
    // The two bars are there to be seen, in lanes of their own.
    const tops = await again
      .locator('.timeline-track .look-overlap')
      .evaluateAll((bars) => bars.map((bar) => bar.getAttribute('style')?.match(/top: (\d+)px/)?.[1]));
    expect(new Set(tops).size).toBe(2);
    for (const bar of await again.locator('.timeline-track .look-overlap').all())
      expect(await bar.isVisible()).toBe(true);
  });

  test('dragging over the timeline zooms, and everything comes back', async () => {
    const page = await open(`${webUrl}/blocks`);
    await page.getByText(`${metas.blockCount} blocks`, { exact: true }).waitFor();
    const box = (await page.locator('.timeline-ruler').boundingBox())!;
    const y = box.y + box.height / 2;
    await page.mouse.move(box.x + box.width * 0.25, y);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * 0.5, y, { steps: 4 });
    await page.mouse.up();
    await expect.poll(() => page.url(), SOON).toMatch(/from=\d+&to=\d+/);
    const parameters = new URL(page.url()).searchParams;
    const days = (Number(parameters.get('to')) - Number(parameters.get('from'))) / (24 * HOUR_MS);
    expect(days).toBeGreaterThan(12);
    expect(days).toBeLessThan(25);
    await page.getByRole('button', { name: 'All', exact: true }).click();
    await expect.poll(() => page.url(), SOON).not.toContain('from=');
  });

  test('a block can be marked, with a reason, and the mark is in the bucket', async () => {
    const page = await open(`${webUrl}/blocks?block=${metas.plain}`);
    const details = page.getByRole('dialog');
    await details.getByRole('textbox', { name: 'Mark this block' }).fill('seen by a test');
    await details.getByRole('button', { name: 'Mark for deletion' }).click();
    await details.getByRole('button', { name: 'Yes, mark it for deletion' }).click();
    await details.getByText('Marked deletion').waitFor();
    const mark = JSON.parse(readFileSync(join(metaDirectory, metas.plain, 'deletion-mark.json'), 'utf8'));
    expect(mark).toMatchObject({ id: metas.plain, version: 1, details: 'seen by a test' });
    await details.getByRole('button', { name: 'Mark no-compact' }).click();
    await details.getByRole('button', { name: 'Leave it' }).click();
    expect(existsSync(join(metaDirectory, metas.plain, 'no-compact-mark.json'))).toBe(false);
  });

  test('a store shows the blocks it has loaded, and does not offer what it would refuse', async () => {
    const page = await open(`${recent.url}/`);
    await page.getByText('2 blocks', { exact: true }).waitFor();
    const links = await page.getByRole('navigation', { name: 'Pages' }).getByRole('link').allInnerTexts();
    expect(links).toEqual(['Blocks', 'Status']);
    await page.getByRole('table', { name: 'Blocks' }).getByRole('button', { name: /^01/ }).first().click();
    const details = page.getByRole('dialog');
    await details.getByText('does not let blocks be marked').waitFor();
    expect(await details.getByRole('button', { name: /^Mark/ }).count()).toBe(0);
  });

  test('pages and files are below the route prefix, and the root leads there', async () => {
    const page = await open(`${new URL(webUrl).origin}/`);
    await page.getByText(`${metas.blockCount} blocks`, { exact: true }).waitFor();
    expect(new URL(page.url()).pathname).toBe('/b/blocks');
    await page.getByRole('link', { name: 'Status' }).click();
    await page.getByRole('table', { name: 'Flags' }).getByText('--web.route-prefix').waitFor();
    expect(new URL(page.url()).pathname).toBe('/b/status');
    await page.reload();
    await page.getByRole('heading', { name: 'Runtime' }).waitFor();
    const paths = await page.evaluate<readonly string[]>(
      `performance.getEntriesByType('resource').map(({ name }) => new URL(name).pathname)`,
    );
    expect(paths.filter((path) => !path.startsWith('/b/'))).toEqual([]);
  });

  test('the status page tells version and flags, and cancels a query that hangs', async () => {
    const page = await open(`${query.url}/status`);
    const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
    await page.getByRole('region', { name: 'Build' }).getByText(version, { exact: true }).waitFor();
    await page.getByRole('textbox', { name: 'Filter the flags' }).fill('replica-label');
    const flags = page.getByRole('table', { name: 'Flags' });
    await expect.poll(() => flags.getByRole('row').count(), SOON).toBe(2);
    expect(await flags.innerText()).toMatch(/--query\.replica-label\s+replica/);

    recent.server.process.signal('SIGSTOP');
    try {
      const answer = fetch(`${query.url}/api/v1/query?query=up%7Bhangs%3D%22%22%7D&time=${(end - 60_000) / 1000}`);
      await page.getByRole('button', { name: 'Cancel up{hangs=""}' }).click();
      const { status, body } = await answer.then(async (one) => ({ status: one.status, body: await one.json() }));
      expect([status, body]).toMatchObject([503, { errorType: 'canceled' }]);
      await page.getByText('0 of at most 20 at work').waitFor();
    } finally {
      recent.server.process.signal('SIGCONT');
    }
  });

  const answers = { failing: '/api/v1/stores', path: '/stores' };
  for (const [what, meddle, text] of [
    ['that fails', (proxied: MeddlingProxy) => proxied.meddlings.set(answers.failing, failing), 'the disk is on fire'],
    [
      'of 100 MB',
      (proxied: MeddlingProxy) => proxied.meddlings.set(answers.failing, endless(TOO_MUCH_BYTES)),
      'the answer is larger than 64 MB',
    ],
    [
      'that is no JSON',
      (proxied: MeddlingProxy) =>
        proxied.meddlings.set(answers.failing, (response) => {
          response.end('<html>gateway</html>');
        }),
      'something that is no JSON',
    ],
    [
      'of an odd shape',
      (proxied: MeddlingProxy) => proxied.meddlings.set(answers.failing, success({ store: [null, 7], x: null })),
      'Coverage',
    ],
    [
      'that does not come',
      (proxied: MeddlingProxy) => proxied.meddlings.set(answers.failing, () => {}),
      'The server takes long',
    ],
  ] as const) {
    test(`an answer ${what} is told, and the page goes on`, async () => {
      meddle(proxy);
      const one = await visit(browser, `${proxy.url}${answers.path}`);
      one.page.setDefaultTimeout(SOON.timeout);
      await one.page.getByText(text).first().waitFor();
      await one.page.getByRole('link', { name: 'Status' }).click();
      await one.page.getByRole('table', { name: 'Flags' }).waitFor();
      proxy.meddlings.clear();
      await one.page.getByRole('link', { name: 'Stores' }).click();
      // The answer that does not come was given up with the page that wanted it.
      const refresh = one.page.getByRole('button', { name: 'Refresh' });
      await refresh.click();
      await one.page.getByRole('table', { name: 'Endpoints' }).getByText(recent.grpc).waitFor();
      expect(one.said.filter((line) => line.startsWith('thrown'))).toEqual([]);
      await one.context.close();
    });
  }

  test('ten thousand endpoints cost no more elements than a screen full of them', async () => {
    const endpoint = (i: number) => ({
      name: `s${String(i).padStart(5, '0')}:10901`,
      lastCheck: new Date().toISOString(),
      lastError: null,
      labelSets: [{ cluster: `c${String(i).padStart(5, '0')}`, replica: 'a' }],
      minTime: Date.now() - HOUR_MS,
      maxTime: Date.now(),
      state: 'up',
      hasStore: true,
    });
    proxy.meddlings.set('/api/v1/stores', success({ sidecar: Array.from({ length: 10_000 }, (_, i) => endpoint(i)) }));
    const page = await open(`${proxy.url}/stores`);
    await page.getByText('10000 up', { exact: true }).waitFor();
    const elements = (): Promise<number> => page.evaluate<number>(`document.querySelectorAll('*').length`);
    expect(await elements()).toBeLessThan(3000);
    const table = page.locator('.data-table');
    await table.evaluate((element) => element.scrollTo(0, element.scrollHeight));
    await table.getByText('c09999').waitFor();
    await page.locator('.timeline-body').evaluate((element) => element.scrollTo(0, element.scrollHeight));
    await page.getByRole('listitem', { name: 'cluster="c09999"' }).first().waitFor();
    expect(await elements()).toBeLessThan(3000);
    await page.getByRole('textbox', { name: 'Filter by words or labels' }).fill('cluster=~"c0123."');
    await expect.poll(() => table.getByRole('row').count(), SOON).toBe(11);
  });

  test('every control has a name, and the first page is small', async () => {
    for (const url of [`${query.url}/stores`, `${webUrl}/blocks?block=${metas.noCompact}`, `${query.url}/status`]) {
      const page = await open(url, { colorScheme: 'dark', width: 420 });
      await page.getByRole('table').first().waitFor();
      const nameless = await page.evaluate<readonly string[]>(NAMELESS);
      expect(nameless, url).toEqual([]);
      const sizes = await page.evaluate<readonly number[]>(FILE_SIZES);
      expect(
        sizes.reduce((sum, size) => sum + size, 0),
        url,
      ).toBeLessThan(400_000);
      // Nothing sticks out sideways on a narrow screen.
      expect(await page.evaluate(`document.documentElement.scrollWidth`)).toBeLessThanOrEqual(420);
    }
  });

  test('nothing was printed into the console, and nobody else was asked', () => {
    expect(visits.flatMap(({ said }) => said)).toEqual([]);
    expect(visits.flatMap(({ elsewhere }) => elsewhere)).toEqual([]);
  });
});

const failing: Meddling = (response) => {
  response.writeHead(500, { 'Content-Type': 'application/json' });
  response.end('{"status":"error","errorType":"internal","error":"the disk is on fire"}');
};
