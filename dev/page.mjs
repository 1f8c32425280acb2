// Builds the web page into dist/pkg/ui/static, or serves it with hot reloading for those who work on it:
//
//   node dev/page.mjs                                  build, when its sources changed
//   node dev/page.mjs --out=DIR                        build into another folder
//   node dev/page.mjs --serve=http://127.0.0.1:10902   the sources as they are, with the API of that querier
//
// A build is kept in .tmp/page under a name made of all it depends on, so that an unchanged page costs nothing.

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const source = join(root, 'pkg', 'ui', 'app');
/** Smaller files are not worth two more of them. */
const SMALLEST_BYTES = 1024;

/** Vite's settings. Vite itself is loaded only when there is something to do. */
async function settings(outDir) {
  const { default: react } = await import('@vitejs/plugin-react');
  return {
    root: source,
    configFile: false,
    base: './',
    logLevel: 'warn',
    plugins: [react()],
    worker: { format: 'es' },
    build: {
      outDir,
      emptyOutDir: true,
      assetsDir: 'static',
      // Nothing inline: the content-security policy would refuse it.
      assetsInlineLimit: 0,
      target: 'es2022',
      modulePreload: { polyfill: false },
      chunkSizeWarningLimit: 2000,
    },
  };
}

/** Builds when need be and copies the files to `out`. Throws when types or sources are wrong. */
export async function buildPage(out) {
  const key = keyOf();
  const kept = join(root, '.tmp', 'page', key);
  if (!existsSync(kept)) {
    checkTypes();
    const { build } = await import('vite');
    const fresh = `${kept}.${process.pid}`;
    try {
      await build(await settings(fresh));
      compress(fresh);
    } catch (thrown) {
      rmSync(fresh, { recursive: true, force: true });
      throw thrown;
    }
    for (const name of readdirSync(dirname(kept))) {
      if (!name.includes('.')) rmSync(join(dirname(kept), name), { recursive: true, force: true });
    }
    renameSync(fresh, kept);
  }
  rmSync(out, { recursive: true, force: true });
  mkdirSync(dirname(out), { recursive: true });
  cpSync(kept, out, { recursive: true });
}

/** A name for everything a build depends on: the page's sources, what they import, and the locked packages. */
function keyOf() {
  const hash = createHash('sha256');
  const add = (path) => hash.update(path.slice(root.length)).update('\0').update(readFileSync(path)).update('\0');
  add(fileURLToPath(import.meta.url));
  add(join(root, 'package-lock.json'));
  const others = ['ui', 'model', 'errors', 'bytes', 'promql', 'promql/parser'];
  const folders = [source, ...others.map((room) => join(root, 'pkg', room))];
  for (const folder of folders) {
    const isDeep = folder === source;
    const files = readdirSync(folder, { recursive: isDeep, withFileTypes: true })
      .filter((entry) => entry.isFile() && !entry.name.includes('.test.'))
      .map((entry) => join(entry.parentPath, entry.name))
      .sort();
    for (const file of files) add(file);
  }
  return hash.digest('hex').slice(0, 16);
}

function checkTypes() {
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  const result = spawnSync(process.execPath, [tsc, '-p', source], {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  if (result.error) throw result.error;
  if (result.status !== 0) throw new Error(`types of the page: tsc ended with ${result.status}`);
}

function compress(folder) {
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    // The document is made anew for each answer.
    if (!entry.isFile() || !['.js', '.css', '.svg', '.json'].includes(extname(entry.name))) continue;
    const path = join(entry.parentPath, entry.name);
    const bytes = readFileSync(path);
    if (bytes.length < SMALLEST_BYTES) continue;
    writeFileSync(`${path}.gz`, gzipSync(bytes, { level: 9 }));
    const quality = { [constants.BROTLI_PARAM_QUALITY]: 10 };
    writeFileSync(`${path}.br`, brotliCompressSync(bytes, { params: quality }));
  }
}

async function serve(target) {
  const { createServer } = await import('vite');
  const base = await settings(undefined);
  const fill = {
    name: 'facts',
    async transformIndexHtml(html) {
      const page = await (await fetch(`${target}/graph`)).text();
      const facts = /<script type="application\/json" id="facts">(.*?)<\/script>/s.exec(page)?.[1] ?? '{}';
      return html.replace('__BASE__', '/').replace('"__FACTS__"', () => facts);
    },
  };
  const server = await createServer({
    ...base,
    base: '/',
    logLevel: 'info',
    plugins: [...base.plugins, fill],
    server: { proxy: { '/api': target }, host: '127.0.0.1' },
  });
  await server.listen();
  server.printUrls();
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const option = (name) => process.argv.find((word) => word.startsWith(`--${name}=`))?.slice(name.length + 3);
  const target = option('serve');
  if (target !== undefined) await serve(target);
  else await buildPage(option('out') ?? join(root, 'dist', 'pkg', 'ui', 'static'));
}
