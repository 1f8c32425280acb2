// Writes the flag tables of docs/components from the commands' own tables, so that the pages cannot lag behind. A page
// holds a table between two comments:
//
//   <!-- flags of tools bucket ls -->
//   | Flag | Default | Meaning |
//   <!-- end of flags -->
//
// `node dist/dev/docs.js` writes the pages; with `--check` it names those that differ and fails.

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { commands } from '../cmd/commands.ts';
import { rootFlags } from '../cmd/flag-groups.ts';
import type { FlagTable } from '../pkg/config/flag.ts';
import { flagMarkdown } from '../pkg/config/help.ts';
import { projectRoot } from './golden.ts';

/** What a page calls the flags that every command takes. */
export const EVERY_COMMAND = 'every command';

export interface DocsPage {
  /** From the project's root. */
  readonly path: string;
  readonly current: string;
  /** The same page with its tables as the code has them. */
  readonly wanted: string;
  /** What its tables are of, in order. */
  readonly tables: readonly string[];
}

/** The flags of every command by its name, and those that all take under `EVERY_COMMAND`. */
export async function flagTables(): Promise<ReadonlyMap<string, FlagTable>> {
  const tables = new Map<string, FlagTable>([[EVERY_COMMAND, rootFlags]]);
  for (const entry of commands) tables.set(entry.name, (await entry.load()).flags);
  return tables;
}

/** The pages of docs/components as they are and as they must be. Throws when a page names a command there is not. */
export async function componentPages(): Promise<readonly DocsPage[]> {
  const tables = await flagTables();
  const folder = join('docs', 'components');
  return readdirSync(join(projectRoot(), folder))
    .filter((name) => name.endsWith('.md'))
    .sort()
    .map((name) => pageOf(join(folder, name), tables));
}

const BLOCK = /(<!-- flags of ([^>]+) -->\n)[\s\S]*?(<!-- end of flags -->)/g;

function pageOf(path: string, tables: ReadonlyMap<string, FlagTable>): DocsPage {
  const current = readFileSync(join(projectRoot(), path), 'utf8');
  const found: string[] = [];
  const wanted = current.replace(BLOCK, (_, begin: string, name: string, end: string) => {
    const table = tables.get(name);
    if (table === undefined) throw new Error(`${path}: no command is called ${name}`);
    found.push(name);
    return `${begin}\n${flagMarkdown(table)}\n${end}`;
  });
  return { path, current, wanted, tables: found };
}

async function run(isCheck: boolean): Promise<number> {
  let staleCount = 0;
  for (const { path, current, wanted } of await componentPages()) {
    if (current === wanted) continue;
    staleCount++;
    console.log(isCheck ? `${path}: flag tables differ from the code, run: node dist/dev/docs.js` : `wrote ${path}`);
    if (!isCheck) writeFileSync(join(projectRoot(), path), wanted);
  }
  return isCheck && staleCount > 0 ? 1 : 0;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.exitCode = await run(process.argv.includes('--check'));
