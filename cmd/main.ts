#!/usr/bin/env node
// Where the process begins. The version is answered at once: nothing else is loaded for it.

import { versionText } from './version.ts';

if (process.argv.length === 3 && process.argv[2] === '--version') {
  process.stderr.write(versionText());
} else {
  const { runProcess } = await import('./program.ts');
  await runProcess();
}
