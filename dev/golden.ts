// Finds the golden data set and the peer programs' folder, for tests and benches. The one place that looks for them.

import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The project's root, whether this runs from source or from the build. */
export function projectRoot(): string {
  let directory = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(directory, 'package.json'))) directory = dirname(directory);
  return directory;
}

/** The folder `shared` beside the project, or what TRIBUTARY_SHARED names; undefined when there is none. */
export function sharedDir(): string | undefined {
  const directory = process.env['TRIBUTARY_SHARED'] ?? resolve(projectRoot(), '../shared');
  return existsSync(directory) ? directory : undefined;
}

/** The golden data set, undefined when absent: tests that need it are skipped by name then. */
export function goldenDir(): string | undefined {
  const shared = sharedDir();
  if (shared === undefined) return undefined;
  const directory = join(shared, 'golden');
  return existsSync(directory) ? directory : undefined;
}
