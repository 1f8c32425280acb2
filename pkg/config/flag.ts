// What a flag is: one line in a table from which parser, help text, documentation and type all come.
//
//   export const storeFlags = {
//     'data-dir': string('./data', 'Local working directory.'),
//     'sync-block-duration': goDurationMs('15m', 'Interval between bucket syncs.'),
//   } satisfies FlagTable;
//   type StoreFlags = FlagValues<typeof storeFlags>; // { readonly 'data-dir': string, ... }

/** What reading a flag may need beyond the command line. */
export interface FlagSources {
  /** The process environment, for `$(NAME)`. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The text of a file a flag names. Throws as node:fs does. */
  readFile(path: string): string;
}

/** How a flag is written: `--x` and `--no-x`, `--x=value` once, `--x=value` any number of times, or `--x` beside `--x-file`. */
export type FlagForm = 'switch' | 'single' | 'list' | 'content';

export interface Flag<T> {
  readonly form: FlagForm;
  /** Where the type goes in help and docs: `DURATION`, `<a|b>`. Empty for a switch. */
  readonly placeholder: string;
  readonly help: string;
  /** The defaults as one would write them; empty when there is none. */
  readonly defaults: readonly string[];
  readonly isHidden: boolean;
  readonly isRequired: boolean;
  /** One letter for `-o json`. */
  readonly short?: string;
  /**
   * The value of what was given, in the order given; the defaults when nothing was. A switch gets `true` or `false`, a
   * content pair gets `file=<path>` or `text=<content>`. Throws `invalid` with the bare reason: the caller names the flag.
   */
  parse(given: readonly string[], sources: FlagSources): T;
  /**
   * True when a wrong value is a mistake in the set-up (one log line, exit 1) and not in the command line (usage, exit 2):
   * files, their content, and label lists, as in the reference.
   */
  readonly isSetUp: boolean;
}

/** Keys are flag names without the dashes. */
export type FlagTable = Readonly<Record<string, Flag<unknown>>>;

/** The values of a table, under the flags' own names. */
export type FlagValues<T extends FlagTable> = { readonly [K in keyof T]: T[K] extends Flag<infer V> ? V : never };

/** How a flag is written in messages and help. */
export function flagName(name: string, flag: Flag<unknown>): string {
  return flag.form === 'switch' ? `--[no-]${name}` : `--${name}`;
}

/** Every long name the flag answers to: a switch has its `no-` form, a content pair its `-file` twin. */
export function longNames(name: string, flag: Flag<unknown>): readonly string[] {
  if (flag.form === 'switch') return [name, `no-${name}`];
  if (flag.form === 'content') return [name, `${name}-file`];
  return [name];
}
