// Makes a fresh clone ready: installs what the lock file names and builds, each only when something changed since.
// Plain JavaScript, because it runs before anything is installed.

import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(`tributary needs Node 20.19 or later, this is ${process.version}: install a newer Node and try again`);
  process.exit(1);
}

const installed = timeOf('node_modules/.package-lock.json');
if (installed === 0 || installed < timeOf('package-lock.json')) {
  console.error('installing packages (npm ci)');
  run('npm', ['ci', '--no-audit', '--no-fund']);
}

const built = timeOf('dist/.built');
if (built === 0 || built < newest(['cmd', 'pkg', 'dev', 'e2e', 'bench', 'package.json', 'tsconfig.json'])) {
  console.error('building');
  run(process.execPath, ['dev/build.mjs']);
}

function run(command, args) {
  const result = spawnSync(command, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] });
  if (result.error) throw result.error;
  if (result.status !== 0) process.exit(result.status ?? 1);
}

function timeOf(path) {
  const full = join(root, path);
  return existsSync(full) ? statSync(full).mtimeMs : 0;
}

/** The newest modification below these paths, generated code left out. */
function newest(paths) {
  let time = 0;
  for (const path of paths) {
    const full = join(root, path);
    if (!existsSync(full)) continue;
    const stat = statSync(full);
    if (!stat.isDirectory()) {
      time = Math.max(time, stat.mtimeMs);
      continue;
    }
    for (const entry of readdirSync(full, { withFileTypes: true, recursive: true })) {
      if (!entry.isFile() || entry.name.includes('.generated.') || entry.parentPath.endsWith('/generated')) continue;
      time = Math.max(time, statSync(join(entry.parentPath, entry.name)).mtimeMs);
    }
  }
  return time;
}
