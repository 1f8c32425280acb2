import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request as rawRequest } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { Group } from '../lifecycle/group.ts';
import { Probe } from '../lifecycle/probe.ts';
import { HttpServer } from '../net/http/server.ts';
import { silentLogger } from '../telemetry/logger.ts';
import { Metrics } from '../telemetry/metrics.ts';
import { pageRoutes, redirectRoutes } from './handler.ts';
import type { PageFacts, SentFacts } from './page-facts.ts';
import { type WebPrefixFlags, webPrefix } from './prefix.ts';

const script = `console.log(${'1 + '.repeat(1000)}1)`;
const template =
  '<base href="__BASE__" /><script type="application/json" id="facts">"__FACTS__"</script><script src="./static/a-1.js"></script>';
const facts: PageFacts = {
  component: 'query',
  version: '1.2.3',
  apis: ['/api/v1/query'],
  startPage: '/graph',
  startLink: '',
  notice: '',
  query: {
    replicaLabels: [],
    partialResponse: true,
    autoDownsampling: false,
    lookbackMs: 300_000,
    language: { experimental: false, extendedRangeSelectors: false, fillModifiers: false },
  },
};

let directory: string;
const stops: (() => Promise<void>)[] = [];

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'page-'));
  mkdirSync(join(directory, 'static'));
  const write = (name: string, content: string | Uint8Array): void => writeFileSync(join(directory, name), content);
  write('index.html', template);
  write('favicon.svg', '<svg/>');
  write('secret.key', 'x');
  write('static/a-1.js', script);
  write('static/a-1.js.gz', gzipSync(script));
  write('static/a-1.js.br', brotliCompressSync(script));
});

afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** A server with the page; asks it for a path as it stands. */
async function serve(flags: Partial<WebPrefixFlags> = {}, changes: Partial<PageFacts> = {}, from = directory) {
  const prefix = webPrefix({ route: '', external: '', header: '', ...flags });
  const probe = new Probe();
  const http = new HttpServer(
    { logger: silentLogger, metrics: new Metrics(), probe },
    { address: '127.0.0.1:0', graceMs: 1000, routePrefix: prefix.route },
  );
  const deps = { facts: { ...facts, ...changes }, prefix, directory: from };
  http.mount(pageRoutes(deps));
  http.mount(redirectRoutes(deps), { isAtRoot: true });
  const controller = new AbortController();
  const ready = new Promise<void>((resolve) => {
    probe.watch((state) => state.isReady && resolve());
  });
  const run = new Group({ logger: silentLogger, probe }, { graceMs: 1000 }, [http, http.door]).run(controller.signal);
  await ready;
  stops.push(async () => {
    controller.abort();
    await run;
  });
  const { port } = http.address();
  return (path: string, headers: Record<string, string> = {}, method = 'GET') =>
    new Promise<{ status: number; headers: Record<string, unknown>; body: Buffer }>((resolve, reject) => {
      const request = rawRequest({ port, host: '127.0.0.1', path, method, headers }, (response) => {
        const pieces: Buffer[] = [];
        response.on('data', (piece: Buffer) => pieces.push(piece));
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(pieces) }),
        );
      });
      request.on('error', reject);
      request.end();
    });
}

function factsOf(body: Buffer): SentFacts {
  const json = /id="facts">(.*?)<\/script>/s.exec(body.toString())?.[1] ?? '';
  return JSON.parse(json) as SentFacts;
}

function baseOf(body: Buffer): string | undefined {
  return /<base href="([^"]*)"/.exec(body.toString())?.[1];
}

describe('the page', () => {
  test('is the same document on every page path, for this answer only', async () => {
    const ask = await serve();
    const answers = await Promise.all(
      ['/', '/graph?g0.expr=up', '/stores', '/blocks', '/status', '/rules'].map((path) => ask(path)),
    );
    for (const { status, headers, body } of answers) {
      expect(status).toBe(200);
      expect(headers).toMatchObject({ 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store' });
      expect(factsOf(body)).toMatchObject(facts);
      expect(baseOf(body)).toBe('/');
    }
    expect(new Set(answers.map(({ body }) => factsOf(body).nonce)).size).toBe(answers.length);
  });

  test('allows scripts from here only, and styles by its nonce', async () => {
    const ask = await serve();
    const { headers, body } = await ask('/graph');
    const policy = String(headers['content-security-policy']);
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("script-src 'self';");
    expect(policy).not.toMatch(/script-src[^;]*unsafe/);
    expect(policy).toContain(`'nonce-${factsOf(body).nonce}'`);
    expect(headers['x-content-type-options']).toBe('nosniff');
  });

  test('carries flags that look like HTML or replacement patterns as they are', async () => {
    const notice = `</script><img src=x onerror=alert(1)> $& $\` __BASE__`;
    const ask = await serve({}, { notice });
    const { body } = await ask('/');
    expect(factsOf(body).notice).toBe(notice);
    expect(body.toString()).not.toContain('<img');
  });

  test('has a path with a slash too many sent where it belongs, and other paths and methods refused', async () => {
    const ask = await serve();
    expect(await ask('/graph/?a=b')).toMatchObject({ status: 301, headers: { location: '/graph?a=b' } });
    expect((await ask('/nothing')).status).toBe(404);
    expect((await ask('/graph', {}, 'POST')).status).toBe(405);
  });

  test('that was not built says how to build it', async () => {
    const ask = await serve({}, {}, join(directory, 'none'));
    const { status, body } = await ask('/graph');
    expect(status).toBe(404);
    expect(body.toString()).toContain('npm run build');
  });
});

describe('files', () => {
  test('come in the smallest form the client takes, to be kept for ever', async () => {
    const ask = await serve();
    for (const [accepted, encoding, bytes] of [
      ['gzip, deflate, br', 'br', brotliCompressSync(script)],
      ['gzip;q=1.0, br;q=0', 'gzip', gzipSync(script)],
      ['identity', undefined, Buffer.from(script)],
      ['', undefined, Buffer.from(script)],
    ] as const) {
      const { status, headers, body } = await ask('/static/a-1.js', { 'accept-encoding': accepted });
      expect(status).toBe(200);
      expect(headers['content-encoding']).toBe(encoding);
      expect(headers).toMatchObject({
        'content-type': 'text/javascript; charset=utf-8',
        'cache-control': 'public, max-age=31536000, immutable',
        vary: 'Accept-Encoding',
      });
      expect(body.equals(bytes)).toBe(true);
    }
    expect((await ask('/favicon.ico')).headers['content-type']).toBe('image/svg+xml');
  });

  for (const path of [
    '/static/none.js',
    '/static/a-1.js.gz',
    '/static/..%2fsecret.key',
    '/static/..%2findex.html',
    '/static/%2e%2e%2fsecret.key',
    '/static/',
    '/secret.key',
    '/index.html',
  ]) {
    test(`${path} is none of them`, async () => {
      const ask = await serve();
      expect((await ask(path)).status).toBe(404);
    });
  }
});

describe('prefixes', () => {
  for (const { flags, headers = {}, page, base, redirects } of [
    {
      flags: { route: '/p' },
      page: '/p/graph',
      base: '/p/',
      redirects: { '/': '/p/graph', '/p': '/p/graph', '/p/': '/p/graph' },
    },
    { flags: { route: 'p/q/' }, page: '/p/q/graph', base: '/p/q/', redirects: { '/': '/p/q/graph' } },
    { flags: { external: '/e' }, page: '/e/graph', base: '/e/', redirects: { '/': '/e/graph' } },
    {
      flags: { external: 'https://host:1/e/f/' },
      page: '/e/f/graph',
      base: '/e/f/',
      redirects: { '/e/f': '/e/f/graph' },
    },
    { flags: { route: '/', external: '/e' }, page: '/graph', base: '/e/', redirects: {} },
    { flags: { route: '/p', external: '/e' }, page: '/p/graph', base: '/e/', redirects: { '/': '/e/graph' } },
    { flags: { header: 'X-Prefix' }, headers: { 'x-prefix': '/h/' }, page: '/graph', base: '/h/', redirects: {} },
    {
      flags: { header: 'X-Prefix', external: '/e', route: '/' },
      headers: { 'x-prefix': '/h' },
      page: '/graph',
      base: '/e/',
      redirects: {},
    },
    {
      flags: { header: 'X-Prefix', route: '/p' },
      headers: { 'x-prefix': '/h' },
      page: '/p/graph',
      base: '/h/',
      redirects: { '/': '/h/graph' },
    },
    {
      flags: { header: 'X-Prefix' },
      headers: { 'x-prefix': '//evil.test/"><script>' },
      page: '/graph',
      base: '/evil.test/%22%3E%3Cscript%3E/',
      redirects: {},
    },
    { flags: { header: 'X-Prefix' }, page: '/graph', base: '/', redirects: {} },
  ] as {
    flags: Partial<WebPrefixFlags>;
    headers?: Record<string, string>;
    page: string;
    base: string;
    redirects: Record<string, string>;
  }[]) {
    test(`${JSON.stringify({ ...flags, ...headers })}: links begin with ${base}`, async () => {
      const ask = await serve(flags);
      const { status, body } = await ask(page, headers);
      expect(status).toBe(200);
      expect(baseOf(body)).toBe(base);
      for (const [from, to] of Object.entries(redirects)) {
        expect(await ask(from, headers)).toMatchObject({ status: 302, headers: { location: to } });
      }
      const script = page.replace('graph', 'static/a-1.js');
      expect((await ask(script)).status).toBe(200);
    });
  }

  test('outside of them there is nothing', async () => {
    const ask = await serve({ route: '/p' });
    expect((await ask('/graph')).status).toBe(404);
    expect((await ask('/static/a-1.js')).status).toBe(404);
  });
});
