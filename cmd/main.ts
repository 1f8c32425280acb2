#!/usr/bin/env node
// Where the process begins. The version is answered at once: nothing else is loaded for it.

import { versionText } from './version.ts';

if (process.argv.length === 3 && process.argv[2] === '--version') {
  process.stderr.write(versionText());
} else {
  // Nothing waits at the top of a file: what is bundled is loaded at once. A failure ends the process, as any other does.
  void import('./program.ts').then(({ runProcess }) => runProcess());
}
