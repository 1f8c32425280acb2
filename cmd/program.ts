// tributary: from arguments to an exit code. Help and version need none of the rooms, so a command's code is imported
// only when that command is meant.

import { readFileSync } from 'node:fs';
import { expandArgumentFiles, splitCommand } from '../pkg/config/arguments.ts';
import type { CommandLine, ParsedFlags } from '../pkg/config/command.ts';
import type { FlagTable } from '../pkg/config/flag.ts';
import { usageText } from '../pkg/config/help.ts';
import { invalidUsage, UsageError, unknownUsage, unsupportedUsage } from '../pkg/config/usage.ts';
import { kindOf, messageOf } from '../pkg/errors/fault.ts';
import { stopOnSignals } from '../pkg/lifecycle/signals.ts';
import type { CommandIo, CommandSpec } from './command-spec.ts';
import { type CommandEntry, commandFolders, commands } from './commands.ts';
import { requiredBucketFlags, rootFlags } from './flag-groups.ts';
import { isReferenceCommand, referenceFlags } from './reference-flags.ts';
import { versionText } from './version.ts';

const PROGRAM = 'tributary';
const SUMMARY = 'A global, long-term, de-duplicated view over many Prometheus servers.';

export interface MainIo extends CommandIo {
  readFile(path: string): string;
}

/** Runs one command line and gives its exit code. Everything it writes goes to `io`; it never throws. */
export async function main(argv: readonly string[], io: MainIo, entries = commands): Promise<number> {
  try {
    return await dispatch(expandArgumentFiles(argv, io.readFile), argv, io, entries);
  } catch (thrown) {
    if (!(thrown instanceof UsageError)) throw thrown;
    io.stderr.write(`${PROGRAM}: error: ${thrown.message}\n`);
    return thrown.exitCode;
  }
}

async function dispatch(
  args: readonly string[],
  argv: readonly string[],
  io: MainIo,
  entries: readonly CommandEntry[],
): Promise<number> {
  const flags = args.includes('--') ? args.slice(0, args.indexOf('--')) : args;
  if (flags.includes('--version')) {
    io.stderr.write(versionText());
    return 0;
  }
  if (flags.includes('--help-long')) {
    io.stdout.write(await longHelp(entries));
    return 0;
  }
  const wantsHelp = args[0] === 'help';
  const { words, rest } = splitCommand(wantsHelp ? args.slice(1) : args, flagsAt, (list) => leadsOn(list, entries));
  const name = words.join(' ');
  const entry = entries.find((known) => known.name === name);
  if (entry === undefined) return folder(name, wantsHelp ? [...rest, '--help'] : rest, argv, io, entries);
  const spec = await entry.load();
  return runSpec(spec, wantsHelp ? [...rest, '--help'] : rest, argv, io);
}

/** Words that are no command of ours: the program itself, a folder of commands, or a command we do not have. */
async function folder(
  name: string,
  rest: readonly string[],
  argv: readonly string[],
  io: MainIo,
  entries: readonly CommandEntry[],
): Promise<number> {
  const isFolder = name === '' || name in commandFolders;
  if (!isFolder) throw unsupportedUsage(`command '${name}' is not supported by this version of ${PROGRAM}`);
  const word = rest.find((argument) => !argument.startsWith('-'));
  const table = flagsAt(name.split(' '));
  const parsed = await parse({ name, flags: table, referenceFlags: namesFor(name) }, rest);
  if (parsed instanceof UsageError) {
    if (word !== undefined && parsed.message === `unexpected ${word}`) {
      throw unknownUsage(`expected command but got ${JSON.stringify(word)}`);
    }
    return refuse(parsed, folderHelp(name, entries), argv, io);
  }
  if (parsed?.wantsHelp === false && name !== '') {
    return refuse(invalidUsage(`must select a subcommand of '${name}'`), folderHelp(name, entries), argv, io);
  }
  io.stderr.write(folderHelp(name, entries));
  return 0;
}

async function runSpec(
  spec: CommandSpec,
  rest: readonly string[],
  argv: readonly string[],
  io: MainIo,
): Promise<number> {
  const flags: FlagTable = { ...spec.flags, ...rootFlags };
  const { operands } = spec;
  const takesOperands = operands !== undefined;
  const shown = operands === undefined ? {} : { operands };
  const help = usageText({ program: PROGRAM, name: spec.name, summary: spec.summary, flags, ...shown });
  const referenceFlags = namesFor(spec.name);
  const line = { name: spec.name, flags: { ...spec.flags, ...rootFlags }, referenceFlags, takesOperands };
  const parsed = await parse(line, rest);
  if (parsed instanceof UsageError) return refuse(parsed, help, argv, io);
  if (parsed === undefined || parsed.wantsHelp) {
    io.stderr.write(help);
    return 0;
  }
  const { createLogger } = await import('../pkg/telemetry/logger.ts');
  const debugName = parsed.early['debug.name'];
  const logger = createLogger({
    level: parsed.early['log.level'] ?? 'info',
    format: parsed.early['log.format'] ?? 'logfmt',
    out: io.stderr,
    ...(debugName === undefined ? {} : { name: debugName }),
  });
  try {
    const { stdout, stderr, env, stop } = io;
    return await spec.run(parsed.finish(io), {
      stdout,
      stderr,
      env,
      stop,
      logger,
      operands: parsed.operands,
    });
  } catch (thrown) {
    if (io.stop.aborted && kindOf(thrown) === 'canceled') {
      logger.info('exiting', { reason: messageOf(thrown) });
      return 0;
    }
    logger.error(`${spec.name} failed`, { err: messageOf(thrown), kind: kindOf(thrown) });
    return 1;
  }
}

/** Prints a usage error as the contract says: some with the usage before them, some as one line. */
function refuse(failure: UsageError, help: string, argv: readonly string[], io: MainIo): number {
  if (!failure.showsUsage) throw failure;
  io.stderr.write(
    `${help}\nerror parsing commandline arguments: [${[PROGRAM, ...argv].join(' ')}]: ${failure.message}\n`,
  );
  return failure.exitCode;
}

/** What the arguments mean, or what is wrong with them; undefined when they ask for help and nothing else. */
async function parse<T extends FlagTable>(
  line: CommandLine<T>,
  rest: readonly string[],
): Promise<ParsedFlags<T> | UsageError | undefined> {
  // Help is text we have: the parser, a large part of the start, is loaded for nothing but flags.
  if (rest.length === 1 && (rest[0] === '--help' || rest[0] === '-h')) return undefined;
  const { parseFlags } = await import('../pkg/config/command.ts');
  try {
    return parseFlags(line, rest);
  } catch (thrown) {
    if (thrown instanceof UsageError) return thrown;
    throw thrown;
  }
}

/** Flags that may stand between the words of a command: `tools bucket --objstore.config=... ls`. */
function flagsAt(words: readonly string[]): typeof rootFlags & FlagTable {
  return words.join(' ').startsWith('tools bucket') ? { ...rootFlags, ...requiredBucketFlags } : rootFlags;
}

/** True when some command, ours or the reference's, begins with these words. */
function leadsOn(words: readonly string[], entries: readonly CommandEntry[]): boolean {
  const name = words.join(' ');
  return isReferenceCommand(name) || entries.some((entry) => entry.name === name || entry.name.startsWith(`${name} `));
}

/** The reference's flag names for a command; for a folder, those that are valid with every command. */
function namesFor(name: string): ReadonlySet<string> {
  return new Set(referenceFlags[name] ?? referenceFlags['tools rules-check']);
}

function folderHelp(name: string, entries: readonly CommandEntry[]): string {
  const prefix = name === '' ? '' : `${name} `;
  return usageText({
    program: PROGRAM,
    name,
    summary: name === '' ? SUMMARY : commandFolders[name],
    flags: flagsAt(name.split(' ')),
    commands: entries.filter((entry) => entry.name.startsWith(prefix)),
  });
}

async function longHelp(entries: readonly CommandEntry[]): Promise<string> {
  let text = folderHelp('', entries);
  for (const entry of entries) {
    const spec = await entry.load();
    text += `\n${usageText({ program: PROGRAM, name: spec.name, summary: spec.summary, flags: spec.flags })}`;
  }
  return text;
}

/** The process around main: real streams, real signals. */
export async function runProcess(): Promise<void> {
  const stop = stopOnSignals(process, () => process.exit(1));
  // `tributary tools bucket ls | head` closes the pipe early; that is no failure of ours.
  process.stdout.on('error', (thrown: NodeJS.ErrnoException) => {
    if (thrown.code === 'EPIPE') process.exit(0);
    throw thrown;
  });
  process.exitCode = await main(process.argv.slice(2), {
    stdout: process.stdout,
    stderr: process.stderr,
    env: process.env,
    stop: stop.signal,
    readFile: (path) => readFileSync(path, 'utf8'),
  });
  stop.release();
  // A forgotten handle must not keep a finished process alive; a clean one is gone before this fires.
  setTimeout(() => process.exit(), 2000).unref();
}
