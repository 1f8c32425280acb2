// Usage text and the flag tables in docs/, from the same table the parser reads.

import { type Flag, type FlagTable, flagName } from './flag.ts';

/** Where help text is folded. */
const WIDTH = 100;
/** The column at which help starts; a longer flag puts its help on the next line. */
const HELP_COLUMN = 36;
const REPEATS = ' May be repeated.';

export interface CommandLineHelp {
  readonly program: string;
  /** The command's words; empty for the program itself. */
  readonly name: string;
  readonly summary: string;
  readonly flags: FlagTable;
  /** Commands below this one. */
  readonly commands?: readonly {
    readonly name: string;
    readonly summary: string;
  }[];
  /** What stands behind the flags, as `<file> ...`. */
  readonly operands?: string;
}

/** The whole help of a command, ending in a newline. Hidden flags are left out. */
export function usageText(help: CommandLineHelp): string {
  const words = [help.program, help.name].filter((word) => word !== '').join(' ');
  const hasCommands = help.commands !== undefined && help.commands.length > 0;
  const more = hasCommands ? ' <command> [<args> ...]' : help.operands === undefined ? '' : ` ${help.operands}`;
  let text = `usage: ${words} [<flags>]${more}\n\n${help.summary}\n`;
  const rows = flagRows(help.flags);
  if (rows.length > 0) text += `\nFlags:\n${rows.map(printRow).join('')}`;
  if (hasCommands) {
    text += `\nCommands:\n`;
    for (const command of help.commands ?? []) text += printRow([command.name, command.summary]);
  }
  return text;
}

/** The flags as a Markdown table, for the docs; hidden ones are left out. */
export function flagMarkdown(table: FlagTable): string {
  const lines = ['| Flag | Default | Meaning |', '| --- | --- | --- |'];
  for (const [name, flag] of visible(table)) {
    const defaults = flag.form === 'switch' ? [flag.defaults[0] ?? 'false'] : flag.defaults;
    const text = defaults.map((value) => `\`${value}\``).join(', ');
    const marks = `${flag.isRequired ? ' Required.' : ''}${flag.form === 'list' ? REPEATS : ''}`;
    const help = `${flag.help}${marks}`.replaceAll('|', '\\|');
    lines.push(`| \`${written(name, flag).replaceAll('|', '\\|')}\` | ${text} | ${help} |`);
    if (flag.form === 'content') {
      lines.push(`| \`--${name}-file=PATH\` |  | The same, from a file. |`);
    }
  }
  return `${lines.join('\n')}\n`;
}

function flagRows(table: FlagTable): readonly (readonly [string, string])[] {
  const rows: (readonly [string, string])[] = [['-h, --help', 'Show this help and exit.']];
  for (const [name, flag] of visible(table)) {
    const repeats = flag.form === 'list' ? REPEATS : '';
    const defaults = flag.defaults.length === 0 ? '' : ` Default: ${flag.defaults.join(', ')}.`;
    const short = flag.short === undefined ? '    ' : `-${flag.short}, `;
    rows.push([`${short}${written(name, flag)}`, `${flag.help}${repeats}${defaults}`]);
    if (flag.form === 'content') rows.push([`    --${name}-file=PATH`, 'The same, from a file.']);
  }
  return rows;
}

function visible(table: FlagTable): readonly [string, Flag<unknown>][] {
  return Object.entries(table).filter(([, flag]) => !flag.isHidden);
}

function written(name: string, flag: Flag<unknown>): string {
  return flag.placeholder === '' ? flagName(name, flag) : `${flagName(name, flag)}=${flag.placeholder}`;
}

function printRow([left, right]: readonly [string, string]): string {
  const lines = fold(right, WIDTH - HELP_COLUMN);
  const head = `  ${left}`;
  const indent = ' '.repeat(HELP_COLUMN);
  if (head.length + 2 > HELP_COLUMN) lines.unshift('');
  return lines
    .map((line, i) => `${i === 0 ? head.padEnd(HELP_COLUMN) : indent}${line}`.trimEnd())
    .join('\n')
    .concat('\n');
}

function fold(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  return [...lines, line];
}
