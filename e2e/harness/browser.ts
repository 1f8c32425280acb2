// A real Chromium for tests of the web page, when the system has one. Everything the page prints into its console and
// every request it sends elsewhere is kept, so that a test can say that there was nothing.

import { existsSync } from 'node:fs';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';

const CANDIDATES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/** Path of the browser: CHROMIUM's when it names one; undefined when there is none. */
export const browserPath: string | undefined = [process.env['CHROMIUM'] ?? '', ...CANDIDATES].find(
  (path) => path !== '' && existsSync(path),
);

const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-dev-shm-usage',
];

export interface Visit {
  readonly page: Page;
  readonly context: BrowserContext;
  /** What the console said, warnings and errors and all else; page errors too. */
  readonly said: string[];
  /** Requests to other hosts than the one the page came from. */
  readonly elsewhere: string[];
}

export interface VisitOptions {
  readonly width?: number;
  readonly height?: number;
  readonly colorScheme?: 'light' | 'dark';
  /** A profile that is there already, with what it has kept, in place of a fresh one with the options above. */
  readonly context?: BrowserContext;
}

/** Starts the browser. Close it when done. */
export async function openBrowser(): Promise<Browser> {
  return await chromium.launch({ executablePath: browserPath!, args: FLAGS });
}

/** A page on `url`, of a fresh profile unless one is given. */
export async function visit(browser: Browser, url: string, options: VisitOptions = {}): Promise<Visit> {
  const { width = 1280, height = 900, colorScheme = 'light' } = options;
  const context =
    options.context ??
    (await browser.newContext({ viewport: { width, height }, colorScheme, timezoneId: 'Europe/Berlin' }));
  const page = await context.newPage();
  const said: string[] = [];
  const elsewhere: string[] = [];
  page.on('console', (message) => said.push(`${message.type()}: ${message.text()}`));
  page.on('pageerror', (thrown) => said.push(`thrown: ${thrown.message}`));
  page.on('request', (request) => {
    const own = new URL(url).host;
    if (/^https?:/.test(request.url()) && new URL(request.url()).host !== own) elsewhere.push(request.url());
  });
  await page.goto(url);
  return { page, context, said, elsewhere };
}
