// A FlagTable as a commander command. Commander knows how flags are written; this file decides what they mean: nothing
// is abbreviated, single values are given once, and every mistake has the contract's text and exit code.

import { Command, CommanderError, Option } from 'commander';
import { during, Fault, messageOf } from '../errors/fault.ts';
import { type Flag, type FlagSources, type FlagTable, type FlagValues, longNames } from './flag.ts';
import { invalidUsage, unknownUsage, unsupportedUsage } from './usage.ts';

export interface CommandLine<T extends FlagTable> {
  /** The command's words, for messages. */
  readonly name: string;
  readonly flags: T;
  /** Long names of the reference's flags for this command: those not in the table are refused by name. */
  readonly referenceFlags: ReadonlySet<string>;
  /** The command takes arguments that are no flags: one at least. */
  readonly takesOperands?: boolean;
}

/** Flags after the command line was understood; set-up flags (files, labels) are read when asked for. */
export interface ParsedFlags<T extends FlagTable> {
  /** True when `--help` or `-h` was among the arguments: values were not checked then. */
  readonly wantsHelp: boolean;
  /** The arguments that are no flags, in order; none unless the command takes them. */
  readonly operands: readonly string[];
  /** Values of everything but set-up flags. Empty when help is wanted. */
  readonly early: Partial<FlagValues<T>>;
  /** Every value. Throws `invalid` with a message that names the flag's trouble. */
  finish(sources: FlagSources): FlagValues<T>;
}

/** Reads arguments after the command's words. Throws UsageError; `early` values need no sources. */
export function parseFlags<T extends FlagTable>(line: CommandLine<T>, args: readonly string[]): ParsedFlags<T> {
  const given = new Map<string, string[]>();
  const order: string[] = [];
  let wantsHelp = false;
  const command = new Command(line.name)
    .helpOption(false)
    .exitOverride()
    .allowExcessArguments(true)
    .argument('[rest...]')
    .showSuggestionAfterError(false)
    .configureOutput({ writeErr() {}, writeOut() {} });
  command.addOption(new Option('-h, --help')).on('option:help', () => {
    wantsHelp = true;
  });
  for (const [name, flag] of Object.entries(line.flags)) {
    given.set(name, []);
    addOptions(command, name, flag, (value) => {
      given.get(name)?.push(value);
      order.push(name);
    });
  }
  try {
    command.parse([...args], { from: 'user' });
  } catch (thrown) {
    throw thrown instanceof CommanderError ? parseFailure(thrown, line) : thrown;
  }
  const takesOperands = line.takesOperands === true;
  if (command.args.length > 0 && !takesOperands) throw unknownUsage(`unexpected ${command.args[0]}`);
  if (wantsHelp) return { wantsHelp, operands: [], early: {}, finish: noValues };
  if (takesOperands && command.args.length === 0) throw invalidUsage('required argument not provided');
  checkRepeats(line.flags, given, order);
  const early: Record<string, unknown> = {};
  for (const [name, flag] of Object.entries(line.flags)) {
    if (!flag.isSetUp) early[name] = readFlag(name, flag, given.get(name) ?? []);
  }
  return {
    wantsHelp,
    operands: command.args,
    early: early as Partial<FlagValues<T>>,
    finish(sources) {
      const values: Record<string, unknown> = { ...early };
      for (const [name, flag] of Object.entries(line.flags)) {
        if (flag.isSetUp) values[name] = named(name, () => flag.parse(given.get(name) ?? [], sources));
      }
      return Object.freeze(values) as FlagValues<T>;
    },
  };
}

/** Sees to it that a failure says which flag it is about. */
function named<T>(name: string, parse: () => T): T {
  try {
    return parse();
  } catch (thrown) {
    throw messageOf(thrown).includes(name) ? thrown : during(`--${name}`, thrown);
  }
}

function noValues(): never {
  throw new Fault('internal', 'broken invariant: flags were asked for beside --help');
}

function addOptions(command: Command, name: string, flag: Flag<unknown>, give: (value: string) => void): void {
  const short = flag.short === undefined ? '' : `-${flag.short}, `;
  switch (flag.form) {
    case 'switch':
      command.addOption(new Option(`${short}--${name}`)).on(`option:${name}`, () => give('true'));
      command.addOption(new Option(`--no-${name}`)).on(`option:no-${name}`, () => give('false'));
      return;
    case 'content':
      command.addOption(new Option(`--${name} <value>`)).on(`option:${name}`, (text: string) => give(`text=${text}`));
      command
        .addOption(new Option(`--${name}-file <value>`))
        .on(`option:${name}-file`, (path: string) => give(`file=${path}`));
      return;
    default:
      command.addOption(new Option(`${short}--${name} <value>`)).on(`option:${name}`, give);
  }
}

/** The reference reports the first flag, in the order given, that comes again. */
function checkRepeats(table: FlagTable, given: ReadonlyMap<string, readonly string[]>, order: readonly string[]): void {
  const seen = new Set<string>();
  for (const name of order) {
    const flag = table[name];
    if (flag.form === 'list') continue;
    if (flag.form === 'content') {
      // The two halves of a pair are two flags; given both, the set-up says so.
      for (const half of ['text=', 'file=']) {
        const count = given.get(name)?.filter((value) => value.startsWith(half)).length ?? 0;
        if (count > 1) throw invalidUsage(`flag '${half === 'file=' ? `${name}-file` : name}' cannot be repeated`);
      }
      continue;
    }
    if (seen.has(name)) throw invalidUsage(`flag '${name}' cannot be repeated`);
    seen.add(name);
  }
}

function readFlag(name: string, flag: Flag<unknown>, given: readonly string[]): unknown {
  if (flag.isRequired && given.length === 0) throw invalidUsage(`required flag --${name} not provided`);
  try {
    return flag.parse(given, { env: {}, readFile: noFile });
  } catch (thrown) {
    throw invalidUsage(`--${name}: ${messageOf(thrown)}`);
  }
}

function noFile(): never {
  throw new Fault('internal', 'broken invariant: a flag that is no set-up flag reads a file');
}

/** Commander's failures, told by their code; the flag is what stands between the quotes of its message. */
function parseFailure(thrown: CommanderError, line: CommandLine<FlagTable>): Error {
  const written = /'([^']*)'/s.exec(thrown.message)?.[1] ?? '';
  if (thrown.code === 'commander.unknownOption') return unknownFlag(written, line);
  if (thrown.code === 'commander.optionMissingArgument') {
    const flag = /--[^\s,]+/.exec(written)?.[0] ?? written;
    return unknownUsage(`expected argument for flag '${flag}'`);
  }
  return unknownUsage(thrown.message);
}

/** `written` is the argument as given: `--x`, `--x=value` or `-x`. */
function unknownFlag(written: string, line: CommandLine<FlagTable>): Error {
  if (!written.startsWith('--')) return unknownUsage(`unknown short flag '${written.slice(0, 2)}'`);
  const equals = written.indexOf('=');
  const name = written.slice(2, equals < 0 ? undefined : equals);
  const known = Object.entries(line.flags).some(([key, flag]) => longNames(key, flag).includes(name));
  // Only a switch is known and yet cannot take a value.
  if (known) return unknownUsage(`unexpected ${written.slice(equals + 1)}`);
  if (line.referenceFlags.has(name) || line.referenceFlags.has(name.replace(/^no-/, ''))) {
    const of = line.name === '' ? '' : ` of '${line.name}'`;
    return unsupportedUsage(`flag '--${name}'${of} is not supported by this version of tributary`);
  }
  return unknownUsage(`unknown long flag '--${name}'`);
}
