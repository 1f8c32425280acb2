// Makes the pictures of docs/images again: every page over the demonstration, light and dark, wide and narrow.
//
//   npm run build && node dist/dev/screenshots.js            all of them
//   node dist/dev/screenshots.js stores blocks               some
//
// Wants a Chromium, and takes a Prometheus into the picture when there is one.

import { mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { browserPath, openBrowser, visit } from '../e2e/harness/browser.ts';
import { Cluster, type Server } from '../e2e/harness/cluster.ts';
import { writeMetaBucket } from '../e2e/harness/meta-bucket.ts';
import { waitUntil } from '../e2e/harness/process.ts';
import { filesystemYaml, ours, type Service, startService } from '../e2e/harness/programs.ts';
import { projectRoot } from './golden.ts';
import { freePort } from './peers.ts';

interface Picture {
  readonly name: string;
  readonly url: string;
  /** Text that is there once the page has its data. */
  readonly awaits: string | RegExp;
  /** Smaller where there is much to see. */
  readonly wide?: readonly [width: number, height: number];
}

const WIDE = [1280, 860] as const;
const NARROW = ['narrow', 420, 860] as const;
/** The pictures are in everybody's checkout. */
const LARGEST_BYTES = 150_000;
/** For charts and late answers. */
const SETTLE_MS = 1_500;

const cluster = new Cluster('screenshots');
/** Asked to stop rather than killed: it has programs of its own to end. */
let demo: Server | undefined;
try {
  process.exitCode = await run(process.argv.slice(2));
} finally {
  await demo?.stop();
  await cluster.close();
}

async function run(wanted: readonly string[]): Promise<number> {
  if (browserPath === undefined) {
    console.error('screenshots: there is no chromium; name one with CHROMIUM=PATH');
    return 1;
  }
  const folder = join(projectRoot(), 'docs', 'images');
  mkdirSync(folder, { recursive: true });
  const pictures = (await prepare()).filter(({ name }) => wanted.length === 0 || wanted.includes(name));
  const browser = await openBrowser();
  let isTooLarge = false;
  try {
    for (const { name, url, awaits, wide = WIDE } of pictures) {
      for (const colorScheme of ['light', 'dark'] as const) {
        for (const [size, width, height] of [['wide', ...wide] as const, NARROW]) {
          const { page, context } = await visit(browser, url, { colorScheme, width, height });
          await page.getByText(awaits).first().waitFor();
          await page.waitForTimeout(SETTLE_MS);
          const path = join(folder, `${name}-${colorScheme}-${size}.png`);
          await page.screenshot({ path });
          await context.close();
          const bytes = statSync(path).size;
          isTooLarge ||= bytes > LARGEST_BYTES;
          console.log(`${path}: ${Math.ceil(bytes / 1000)} kB${bytes > LARGEST_BYTES ? ', too large' : ''}`);
        }
      }
    }
  } finally {
    await browser.close();
  }
  return isTooLarge ? 1 : 0;
}

/** Starts everything that is in the pictures. */
async function prepare(): Promise<readonly Picture[]> {
  const address = `127.0.0.1:${await freePort()}`;
  const dataDir = cluster.path('demo');
  const started = await cluster.start({
    name: 'tributary demo',
    command: ours.command,
    args: [...ours.args, 'demo', `--http-address=${address}`, `--data-dir=${dataDir}`],
    cwd: cluster.directory,
  });
  demo = started;
  await waitUntil('the demo has said everything', 180_000, async () => {
    if (started.process.hasExited) throw new Error(`the demo ended:\n${started.log}`);
    return started.process.stdout.includes('Ctrl-C stops everything');
  });
  const web = `127.0.0.1:${await freePort()}`;
  const metaDirectory = cluster.path('metas');
  const { blockCount } = writeMetaBucket(metaDirectory, Date.now());
  await cluster.start({
    name: 'tributary tools bucket web',
    command: ours.command,
    args: [
      ...[...ours.args, 'tools', 'bucket', 'web', `--http-address=${web}`],
      `--objstore.config=${filesystemYaml(metaDirectory)}`,
    ],
    cwd: cluster.directory,
    readyUrl: `http://${web}/-/ready`,
  });
  return [
    { name: 'query', url: `http://${address}/`, awaits: /\d series · /, wide: [1080, 540] },
    { name: 'stores', url: `${await queryWithTrouble(address, dataDir)}/stores`, awaits: '1 down' },
    { name: 'blocks', url: `http://${web}/blocks`, awaits: `${blockCount} blocks` },
    { name: 'status', url: `http://${address}/status`, awaits: 'Resident memory' },
  ];
}

/** A querier over the demonstration's data, of which the older part has just gone away. */
async function queryWithTrouble(address: string, dataDir: string): Promise<string> {
  const answer = (await (await fetch(`http://${address}/api/v1/stores`)).json()) as {
    readonly data: Readonly<Record<string, readonly { readonly name: string }[]>>;
  };
  const sidecars = (answer.data['sidecar'] ?? []).map(({ name }) => name);
  const store = (name: string, ...flags: string[]): Promise<Service> =>
    startService(cluster, ours, 'store', name, [
      `--objstore.config=${filesystemYaml(join(dataDir, 'bucket'))}`,
      `--data-dir=${cluster.path(name)}`,
      ...flags,
    ]);
  const [old, recent] = await Promise.all([store('old', '--max-time=-1d'), store('recent', '--min-time=-1d')]);
  const endpoints = [...sidecars, recent.grpc, old.grpc];
  const { url } = await startService(cluster, ours, 'query', 'with-trouble', [
    ...endpoints.map((endpoint) => `--endpoint=${endpoint}`),
    '--endpoint.info-timeout=1s',
    '--query.replica-label=replica',
  ]);
  await waitUntil('the querier has found everybody', 30_000, async () => {
    const text = await (await fetch(`${url}/api/v1/stores`)).text();
    return endpoints.every((endpoint) => text.includes(endpoint));
  });
  await old.server.kill();
  return url;
}
