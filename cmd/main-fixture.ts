// One command line as a test runs it: in this process, with what it prints and its exit code to look at.

import { readFileSync } from 'node:fs';
import { main } from './program.ts';

export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Without environment, and never stopped from outside. */
export async function ran(...argv: readonly string[]): Promise<Ran> {
  let out = '';
  let err = '';
  const code = await main(argv, {
    stdout: { write: (text) => (out += text) },
    stderr: { write: (text) => (err += text) },
    env: {},
    stop: new AbortController().signal,
    readFile: (path) => readFileSync(path, 'utf8'),
  });
  return { code, out, err };
}
