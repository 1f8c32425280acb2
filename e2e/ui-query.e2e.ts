// The query page in a real browser, over the real stack of the demonstration: what people do there, and what they must
// never see.

import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { browserPath, openBrowser, type Visit, visit } from './harness/browser.ts';
import { Cluster } from './harness/cluster.ts';
import { freePort, waitUntil } from './harness/process.ts';
import { ours } from './harness/programs.ts';

const cluster = new Cluster('ui-query');
const visits: Visit[] = [];
let browser: Browser;
/** Shared by most tests: its cache has the page's code. */
let profile: BrowserContext;
let url: string;

beforeAll(async () => {
  if (browserPath === undefined) return;
  const address = `127.0.0.1:${await freePort()}`;
  url = `http://${address}`;
  const [demo] = await Promise.all([
    cluster.start({
      name: 'tributary demo',
      command: ours.command,
      args: [
        ...ours.args,
        'demo',
        `--http-address=${address}`,
        `--data-dir=${cluster.path('data')}`,
        '--history-days=1',
      ],
      env: { PATH: '', TRIBUTARY_PEERS: '', TRIBUTARY_SHARED: '/nonexistent' },
      cwd: cluster.directory,
    }),
    openBrowser().then(async (one) => {
      browser = one;
      profile = await browser.newContext({ viewport: { width: 1280, height: 900 } });
    }),
  ]);
  await waitUntil('the demo has said everything', 120_000, async () => {
    if (demo.process.hasExited) throw new Error(`the demo ended:\n${demo.log}`);
    return demo.process.stdout.includes('Ctrl-C stops everything');
  });
  stopDemo = async () => {
    await demo.process.stop();
  };
});

let stopDemo: () => Promise<void> = async () => {};

beforeEach(({ onTestFailed }) => {
  onTestFailed(async () => {
    console.error(cluster.logs);
    for (const { said } of visits) console.error(said.join('\n'));
  });
  return async () => {
    for (const { page, context } of visits.splice(0)) await (context === profile ? page.close() : context.close());
  };
});

afterAll(async () => {
  await browser?.close();
  await stopDemo();
  await cluster.close();
});

async function open(path: string, parameters: Readonly<Record<string, string>> = {}): Promise<Visit> {
  const query = new URLSearchParams(parameters).toString();
  const one = await visit(browser, `${url}${path}${query === '' ? '' : `?${query}`}`, { context: profile });
  visits.push(one);
  return one;
}

/** The page follows what one does, but not at once. */
function soon<T>(read: () => T) {
  return expect.poll(read, { timeout: 20_000 });
}

/** Nothing in the console, nothing asked of others. */
function expectQuiet({ said, elsewhere }: Visit): void {
  expect(said).toEqual([]);
  expect(elsewhere).toEqual([]);
}

async function seriesShown(page: Page): Promise<readonly string[]> {
  await page.locator('.legend-row').first().waitFor();
  return await page.locator('.legend-name').allInnerTexts();
}

const requests = 'sum by (handler) (rate(http_requests_total{cluster="demo"}[5m]))';

describe.skipIf(browserPath === undefined)('the query page', () => {
  test('opens on a graph, and says how to come to data of one’s own', async () => {
    const one = await open('/');
    expect(await one.page.title()).toBe('Query · Tributary');
    await one.page.locator('.chart canvas').first().waitFor({ timeout: 10_000 });
    expect(await seriesShown(one.page)).toContain('{handler="/checkout"}');
    const bytes = await one.page.evaluate<number>(
      `performance.getEntriesByType('resource').reduce((sum, { name, encodedBodySize }) =>
        sum + (name.includes('/static/') ? encodedBodySize : 0), 0)`,
    );
    expect(bytes).toBeGreaterThan(100_000);
    expect(bytes).toBeLessThan(400_000);
    expect(await one.page.locator('.notice').innerText()).toMatch(/--prometheus\.url=.*--objstore\.config-file=/);
    expectQuiet(one);
  });

  test('completes what is typed, runs it, and zooms; the link opens the same view for somebody else', async () => {
    const one = await open('/graph', { 'g0.expr': '', 'g0.range_input': '2h' });
    const { page } = one;
    const editor = page.getByRole('textbox', { name: 'Expression of panel 1' });
    await editor.click();
    await page.keyboard.type('sum by (job) (rate(http_req');
    const choices = page.locator('.cm-tooltip-autocomplete li');
    await choices.filter({ hasText: 'http_requests_total' }).waitFor();
    expect(await page.locator('.cm-signature').innerText()).toContain('rate(matrix) → vector');
    await page.keyboard.type('uests_t');
    await choices.filter({ hasText: 'http_requests_total' }).waitFor();
    await choices.and(page.locator('[aria-selected]')).waitFor();
    // A list that has only just opened takes no key: it might have been meant for the text.
    await page.waitForTimeout(300);
    await page.keyboard.press('Tab');
    await soon(() => editor.innerText()).toContain('http_requests_total');
    await page.keyboard.type('{code="2');
    await choices.filter({ hasText: '200' }).click();
    await soon(() => editor.innerText()).toContain('code="200"');
    await page.keyboard.press('Control+End');
    await page.keyboard.press('ArrowLeft');
    await page.keyboard.press('ArrowLeft');
    await page.keyboard.type('[5m]');
    await page.keyboard.press('Escape');
    await page.keyboard.press('Enter');
    expect(await seriesShown(page)).toEqual(['{job="payment"}', '{job="shop"}']);

    const plot = (await page.locator('.chart .u-over').boundingBox())!;
    await page.mouse.move(plot.x + plot.width / 2, plot.y + plot.height / 2);
    await soon(() => page.locator('.chart-box').innerText()).toMatch(/\d+(\.\d+)?.*\{job="(shop|payment)"\}/s);
    await page.mouse.move(plot.x + plot.width * 0.25, plot.y + 50);
    await page.mouse.down();
    await page.mouse.move(plot.x + plot.width * 0.75, plot.y + 60, { steps: 4 });
    await page.mouse.up();
    await soon(() => new URL(page.url()).searchParams.get('g0.end_input')).not.toBeNull();
    const range = new URL(page.url()).searchParams.get('g0.range_input');
    expect(range).toMatch(/^(59m|1h)/);
    await page.locator('.legend-row').first().click();
    await page.getByLabel('Order of series').selectOption('max');
    await soon(() => page.url()).toContain('sort=max');
    expectQuiet(one);

    const label = await page.locator('.chart').getAttribute('aria-label');
    expect(label).toContain('Graph of 1 series');
    const other = await visit(browser, page.url());
    visits.push(other);
    expect(await seriesShown(other.page)).toEqual(await seriesShown(page));
    expect(await other.page.locator('.chart').getAttribute('aria-label')).toBe(label);
    expect(await other.page.getByRole('textbox', { name: 'Expression of panel 1' }).innerText()).toBe(
      await editor.innerText(),
    );
    expect(await other.page.getByLabel('Range', { exact: true }).last().inputValue()).toBe(range);
    expectQuiet(other);

    await page.goBack();
    await soon(() => page.url()).not.toContain('end_input');
  });

  test('opens links of the reference, in its table too, and shows what is not de-duplicated', async () => {
    const one = await open('/graph', {
      // One replica may just be away; within an hour both were there.
      'g0.expr': 'count_over_time(up{job="shop"}[1h])\n',
      'g0.tab': '1',
      'g0.stacked': '0',
      'g0.range_input': '1h',
      'g0.max_source_resolution': '0s',
      'g0.deduplicate': '0',
      'g0.partial_response': '1',
      'g0.store_matches': '[]',
      'g0.engine': 'prometheus',
    });
    const rows = one.page.locator('.result-row');
    await soon(() => rows.count()).toBe(6);
    await one.page.getByRole('switch', { name: 'Deduplicate' }).click();
    await soon(() => rows.count()).toBe(3);
    expectQuiet(one);
  });

  test('cancels a slow query, in the server as well', async () => {
    const one = await open('/graph', { 'g0.expr': 'count_over_time(count({__name__=~".+"})[1d:1s])', 'g0.tab': '1' });
    const { page } = one;
    const cancel = page.getByRole('button', { name: 'Cancel' });
    await cancel.waitFor();
    await waitUntil('the server runs it', 10_000, async () => (await activeQueries()) === 1);
    await cancel.click();
    await page.getByRole('alert').filter({ hasText: 'Canceled' }).waitFor();
    await waitUntil('the server has stopped it', 10_000, async () => (await activeQueries()) === 0);
    await page.getByRole('textbox', { name: 'Expression of panel 1' }).click();
    await page.keyboard.press('Control+A');
    await page.keyboard.type('vector(7)');
    await page.keyboard.press('Escape');
    await page.keyboard.press('Enter');
    await soon(() => page.locator('.result-value').innerText()).toBe('7');
    expectQuiet(one);
  });

  test('explains what each operator did and what each store answered', async () => {
    const one = await open('/graph', { 'g0.expr': requests, 'g0.tab': 'explain' });
    const plan = one.page.getByRole('table', { name: 'Plan, measured' });
    await plan.waitFor();
    const rows = await plan.locator('tbody tr').allInnerTexts();
    expect(rows[0]).toMatch(/aggregate.*sum/s);
    expect(rows.at(-1)).toMatch(/http_requests_total/);
    const stores = one.page.getByRole('table', { name: 'What each store answered' });
    const cells = await stores.locator('tbody tr').first().locator('td').allInnerTexts();
    expect(cells[0]).toMatch(/^127\.0\.0\.1:\d+$/);
    expect(cells[1]).toMatch(/\d (µs|ms|s)/);
    expect(Number(cells[3])).toBeGreaterThan(10);
    expectQuiet(one);
  });

  test('draws heatmaps of classic histograms', async () => {
    const one = await open('/graph', {
      'g0.expr': 'sum by (le) (increase(http_request_duration_seconds_bucket{cluster="demo"}[5m]))',
      'g0.display_mode': 'heatmap',
    });
    await one.page.locator('.chart canvas').waitFor();
    expect(await one.page.locator('.chart').getAttribute('aria-label')).toContain(
      'Heatmap of 1 histograms with 9 buckets',
    );
    const plot = (await one.page.locator('.chart .u-over').boundingBox())!;
    await one.page.mouse.move(plot.x + plot.width / 2, plot.y + plot.height * 0.9);
    await soon(() => one.page.locator('.chart-box').innerText()).toContain('from 0 to 0.005');
    expectQuiet(one);
  });

  test('marks what is wrong where the server finds it, and stays usable', async () => {
    const one = await open('/graph', { 'g0.expr': 'sum(up) by (', 'g0.tab': '1' });
    await one.page.getByRole('alert').filter({ hasText: 'parse error' }).waitFor();
    await one.page.locator('.cm-lintRange-error').first().waitFor();
    await one.page.getByRole('textbox', { name: 'Expression of panel 1' }).click();
    await one.page.keyboard.press('Control+A');
    await one.page.keyboard.type('vector(1)');
    await one.page.keyboard.press('Control+Enter');
    await soon(() => one.page.locator('.result-value').innerText()).toBe('1');
  });

  test('formats an expression, shows infos apart from the answer, and hands it out as a file', async () => {
    const one = await open('/graph', { 'g0.expr': 'sum  by(job)(rate( queue_length[5m] ))/2', 'g0.tab': '1' });
    const { page } = one;
    await page.locator('.note-info').filter({ hasText: 'might not be a counter' }).waitFor();
    await page.locator('.result-row').first().waitFor();
    await page.getByRole('button', { name: 'Download' }).click();
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('menuitem', { name: 'CSV' }).click(),
    ]);
    const lines = readFileSync(await download.path(), 'utf8')
      .trim()
      .split('\r\n');
    expect(lines[0]).toBe('job,time,value');
    expect(
      lines
        .slice(1)
        .map((line) => line.split(',')[0])
        .sort(),
    ).toEqual(['payment', 'shop']);
    await page.getByRole('button', { name: 'Format the expression' }).click();
    await soon(() => page.locator('.cm-content').innerText()).toBe('sum by (job) (rate(queue_length[5m])) / 2');
    expectQuiet(one);
  });

  test('shows label values and notes that look like HTML as text', async () => {
    const evil = '<img src=x onerror="document.title=1"><script>document.title=2</script>';
    const expr = `label_replace(vector(1), "evil", ${JSON.stringify(evil)}, "", "")`;
    const one = await open('/graph', { 'g0.expr': expr, 'g0.tab': '1', 'g1.expr': expr, 'g1.tab': '0' });
    const { page } = one;
    await page.locator('.result-row').first().waitFor();
    expect(await page.locator('.result-row').innerText()).toContain('<img src=x');
    expect((await seriesShown(page))[0]).toContain('<script>');
    const plot = (await page.locator('.chart .u-over').boundingBox())!;
    await page.mouse.move(plot.x + plot.width / 2, plot.y + 20);
    await soon(() => page.locator('.chart-box').innerText()).toContain('<img');
    expect(await page.locator('main img').count()).toBe(0);
    expect(await page.title()).toBe('Query · Tributary');
    expectQuiet(one);
  });

  for (const { what, answer, says } of [
    {
      what: 'errs',
      answer: (response: ServerResponse) => response.writeHead(502).end('<html>Bad Gateway</html>'),
      says: /answered 502 with something that is no JSON/,
    },
    {
      what: 'answers 100 MB',
      answer: (response: ServerResponse) => Readable.from(megabytes(100)).pipe(response),
      says: /larger than 64 MB/,
    },
    { what: 'hangs up', answer: (response: ServerResponse) => response.destroy(), says: /cannot be reached/ },
  ]) {
    test(`says what happened when the server ${what}, and stays usable`, async () => {
      const broken = createServer((_request, response) => void answer(response));
      broken.listen(0, '127.0.0.1');
      await once(broken, 'listening');
      onTestFinished(() => {
        broken.closeAllConnections();
        broken.close();
      });
      const { port } = broken.address() as AddressInfo;
      const { page } = await open('/graph', { 'g0.expr': '' });
      const instead = `http://127.0.0.1:${port}/`;
      await page.route('**/api/v1/query_range', (route) => route.continue({ url: instead }), { times: 1 });
      const editor = page.getByRole('textbox', { name: 'Expression of panel 1' });
      await editor.click();
      await page.keyboard.type('vector(1)');
      await page.keyboard.press('Escape');
      await page.keyboard.press('Enter');
      await page.getByRole('alert').filter({ hasText: says }).waitFor();
      await page.getByRole('button', { name: 'Run' }).click();
      await page.locator('.legend-row').first().waitFor();
    });
  }

  test('is reached with the keyboard alone, and everything in it has a name', async () => {
    const one = await open('/graph', { 'g0.expr': requests });
    await seriesShown(one.page);
    const names: string[] = [];
    for (let i = 0; i < 40; i++) {
      await one.page.keyboard.press('Tab');
      names.push(await one.page.evaluate(FOCUSED_NAME));
      if (names.at(-1) === 'Add panel') break;
    }
    expect(names).toContain('Skip to the page');
    expect(names).toContain('Expression of panel 1');
    expect(names).toContain('Run');
    expect(names.at(-1)).toBe('Add panel');
    expect(names.filter((name) => name === '')).toEqual([]);
    expectQuiet(one);
  });
});

/** What a reader of the screen would call what has the focus; runs in the page. */
const FOCUSED_NAME = `(() => {
  const one = document.activeElement;
  const labelled = one.id === '' ? null : document.querySelector('label[for="' + one.id + '"]');
  return (one.getAttribute('aria-label') || labelled?.textContent || one.textContent || one.placeholder || '').trim();
})()`;

function* megabytes(count: number): Generator<string> {
  for (let i = 0; i < count; i++) yield 'x'.repeat(2 ** 20);
}

async function activeQueries(): Promise<number> {
  const response = await fetch(`${url}/api/v1/status/active_queries`);
  const { data } = (await response.json()) as { data: { queries: readonly unknown[] } };
  return data.queries.length;
}
