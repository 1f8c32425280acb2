// Builds dist/: generated codecs and kernels first, then the compiler, then the web page. Plain JavaScript, like
// everything that runs before there is a build.

import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildPage } from './page.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

rmSync(join(root, 'dist'), { recursive: true, force: true });
for (const generator of ['dev/generate-proto.mjs', 'dev/generate-kernels.mjs']) run(process.execPath, [generator]);
run(process.execPath, [join('node_modules', 'typescript', 'bin', 'tsc')]);
const main = join(root, 'dist', 'cmd', 'main.js');
if (existsSync(main)) chmodSync(main, 0o755);
await buildPage(join(root, 'dist', 'pkg', 'ui', 'static'));
writeFileSync(join(root, 'dist', '.built'), '');

function run(command, args) {
  const result = spawnSync(command, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] });
  if (result.error) throw result.error;
  if (result.status !== 0) {
    console.error(`build: ${args.join(' ')} ended with ${result.status}`);
    process.exit(result.status ?? 1);
  }
}
