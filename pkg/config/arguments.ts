// What stands before flags: `@file` arguments, and the words that name a command among root flags.

import { type FlagTable, longNames } from './flag.ts';
import { unknownUsage } from './usage.ts';

/** A file may name files in turn; deeper than this it names itself. */
const DEEPEST_FILE = 16;

/**
 * `@path` becomes the lines of that file, each an argument; empty lines and lines that start with `#` are left out. After
 * `--` nothing is replaced. A file that cannot be read is a usage error.
 */
export function expandArgumentFiles(
  args: readonly string[],
  readFile: (path: string) => string,
  depth = 0,
): readonly string[] {
  const out: string[] = [];
  for (const [i, argument] of args.entries()) {
    if (argument === '--') return [...out, ...args.slice(i)];
    if (!argument.startsWith('@') || argument.length === 1) {
      out.push(argument);
      continue;
    }
    if (depth === DEEPEST_FILE) throw unknownUsage(`${argument}: files are nested too deeply`);
    out.push(...expandArgumentFiles(fileArguments(argument, readFile), readFile, depth + 1));
  }
  return out;
}

function fileArguments(argument: string, readFile: (path: string) => string): readonly string[] {
  try {
    return readFile(argument.slice(1))
      .split(/\r?\n/)
      .filter((text) => text !== '' && !text.startsWith('#'));
  } catch (thrown) {
    throw unknownUsage(thrown instanceof Error ? thrown.message : String(thrown));
  }
}

/** Arguments cut at the command's words. */
export interface SplitArguments {
  /** The words that are not flags before the first one that no command name continues with. */
  readonly words: readonly string[];
  /** Everything else, in order: flags of the root and of the command. */
  readonly rest: readonly string[];
}

/**
 * Finds the command among the arguments: words as long as `continues` says that they lead on to a command, flags between
 * them skipped with their values when `flagsAt` the words so far knows them. Any other flag ends the search: it belongs to
 * the command named so far.
 */
export function splitCommand(
  args: readonly string[],
  flagsAt: (words: readonly string[]) => FlagTable,
  continues: (words: readonly string[]) => boolean,
): SplitArguments {
  const words: string[] = [];
  const rest: string[] = [];
  let i = 0;
  while (i < args.length) {
    const argument = args[i];
    if (!argument.startsWith('-') || argument === '-') {
      if (!continues([...words, argument])) break;
      words.push(argument);
      i++;
      continue;
    }
    const length = flagLength(argument, flagsAt(words));
    if (length === 0) break;
    rest.push(...args.slice(i, i + length));
    i += length;
  }
  return { words, rest: [...rest, ...args.slice(i)] };
}

/** How many arguments a flag takes: itself, and its value when that is written apart. 0 when the table has no such flag. */
function flagLength(argument: string, table: FlagTable): number {
  const name = argument.replace(/^--/, '').replace(/=.*$/s, '');
  for (const [key, flag] of Object.entries(table)) {
    if (!longNames(key, flag).includes(name)) continue;
    return flag.form === 'switch' || argument.includes('=') ? 1 : 2;
  }
  return 0;
}
