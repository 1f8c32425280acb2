// Builds the page and serves it, and beside it the blocks below a directory, as any web server with range requests would.
//
//   node examples/block-page/serve.mjs DIRECTORY [PORT]
//
// Then open the address it prints and name a block: blocks/01J...

import { createReadStream, mkdtempSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, extname, join, normalize, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';

const [directory, port = '8080'] = process.argv.slice(2);
if (directory === undefined) {
  process.stderr.write('usage: serve.mjs DIRECTORY [PORT]\n');
  process.exit(1);
}
const page = mkdtempSync(join(tmpdir(), 'block-page-'));
await build({
  root: dirname(fileURLToPath(import.meta.url)),
  configFile: false,
  logLevel: 'warn',
  base: './',
  build: { outDir: page, emptyOutDir: true, target: 'es2022' },
});

const types = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.css': 'text/css' };

const server = createServer((request, response) => {
  const path = normalize(decodeURIComponent(new URL(request.url, 'http://localhost').pathname));
  const isBlock = path.startsWith('/blocks/');
  const file = isBlock
    ? join(resolve(directory), path.slice('/blocks'.length))
    : join(page, path === '/' ? 'index.html' : path);
  const stat = statSync(file, { throwIfNoEntry: false });
  if (!stat?.isFile()) {
    response.writeHead(404).end();
    return;
  }
  const headers = { 'content-type': types[extname(file)] ?? 'application/octet-stream', 'accept-ranges': 'bytes' };
  const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '');
  if (range === null) {
    response.writeHead(200, { ...headers, 'content-length': stat.size });
    if (request.method === 'HEAD') response.end();
    else createReadStream(file).pipe(response);
    return;
  }
  const start = Number(range[1]);
  const end = Math.min(stat.size - 1, range[2] === '' ? stat.size - 1 : Number(range[2]));
  if (start > end) {
    response.writeHead(416, { 'content-range': `bytes */${stat.size}` }).end();
    return;
  }
  response.writeHead(206, {
    ...headers,
    'content-range': `bytes ${start}-${end}/${stat.size}`,
    'content-length': end - start + 1,
  });
  createReadStream(file, { start, end }).pipe(response);
});

server.listen(Number(port), '127.0.0.1', () => process.stdout.write(`http://127.0.0.1:${server.address().port}/\n`));
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.on(signal, () => {
    rmSync(page, { recursive: true, force: true });
    process.exit(0);
  });
}
