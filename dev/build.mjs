// Builds dist/: generated codecs and kernels first, then the compiler, then its programs are bundled, then the web page.
// Plain JavaScript, like everything that runs before there is a build.

import { spawnSync } from 'node:child_process';
import { chmodSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundle } from './bundle.mjs';
import { makeCodeCaches } from './code-cache.mjs';
import { buildPage } from './page.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

const dist = join(root, 'dist');
rmSync(dist, { recursive: true, force: true });
for (const generator of ['dev/generate-proto.mjs', 'dev/generate-kernels.mjs']) run(process.execPath, [generator]);
run(process.execPath, [join('node_modules', 'typescript', 'bin', 'tsc')]);
await bundle(dist, ['cmd/main.js', ...workers(join(dist, 'pkg'))]);
chmodSync(join(dist, 'cmd', 'main.js'), 0o755);
await buildPage(join(dist, 'pkg', 'ui', 'static'));
await makeCodeCaches(dist);
writeFileSync(join(dist, '.built'), '');

/** The programs of threads, by their paths in dist. */
function workers(folder) {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.worker.js'))
    .map((entry) => relative(dist, join(entry.parentPath, entry.name)))
    .sort();
}

function run(command, args) {
  const result = spawnSync(command, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] });
  if (result.error) throw result.error;
  if (result.status !== 0) {
    console.error(`build: ${args.join(' ')} ended with ${result.status}`);
    process.exit(result.status ?? 1);
  }
}
