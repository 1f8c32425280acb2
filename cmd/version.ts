// What was built. The package's manifest is the one place that says so.

import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface BuildFacts {
  readonly version: string;
  readonly revision: string;
  readonly branch: string;
}

let facts: BuildFacts | undefined;

/** Read once, when first asked for. */
export function buildFacts(): BuildFacts {
  facts ??= { version: manifestVersion(), revision: '', branch: '' };
  return facts;
}

/** The block that `--version` prints. */
export function versionText(): string {
  const { version, revision, branch } = buildFacts();
  return [
    `tributary, version ${version} (branch: ${branch}, revision: ${revision === '' ? 'unknown' : revision})`,
    '  build user:       ',
    '  build date:       ',
    `  node version:     ${process.version}`,
    `  platform:         ${process.platform}/${process.arch === 'x64' ? 'amd64' : process.arch}`,
    '  tags:             ',
    '',
  ].join('\n');
}

/** The nearest package.json upwards: one step from source, two from the build. */
function manifestVersion(): string {
  let directory = dirname(fileURLToPath(import.meta.url));
  for (;;) {
    try {
      const manifest: unknown = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8'));
      return String((manifest as { version?: unknown }).version);
    } catch (thrown) {
      if (directory === dirname(directory)) throw thrown;
      directory = dirname(directory);
    }
  }
}
