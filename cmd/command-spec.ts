// What a command file exports, and what it is handed when it runs.

import type { FlagTable, FlagValues } from '../pkg/config/flag.ts';
import type { Logger } from '../pkg/telemetry/logger.ts';
import type { rootFlags } from './flag-groups.ts';

/** The outside of one run of a command. A test hands in its own. */
export interface CommandIo {
  /** Command output: what a pipe should get. */
  readonly stdout: TextSink;
  /** Usage and one-line errors. Log lines go through `logger`. */
  readonly stderr: TextSink;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Aborts when the process is asked to stop. */
  readonly stop: AbortSignal;
}

export interface TextSink {
  write(text: string): void;
}

/** What a command gets besides its flags. */
export interface CommandContext extends CommandIo {
  /** Built from `--log.level` and `--log.format`. */
  readonly logger: Logger;
  /** The arguments that are no flags, one at least; none unless the command's spec names them. */
  readonly operands?: readonly string[];
}

export interface CommandSpec<T extends FlagTable = FlagTable> {
  /** The words that select it: `store`, `tools bucket ls`. */
  readonly name: string;
  /** One sentence for the help. */
  readonly summary: string;
  /** The command's own flags, groups included; root flags are added by main. */
  readonly flags: T;
  /** What stands behind the flags, as the help shows it; commands without take no such arguments. */
  readonly operands?: string;
  /** Runs until done or told to stop; the exit code. A throw becomes one log line and exit code 1. */
  run(values: CommandValues<T>, context: CommandContext): Promise<number>;
}

export type CommandValues<T extends FlagTable> = FlagValues<T & typeof rootFlags>;

/** Gives a command file its inferred types: `export const command = defineCommand({ ... })`. */
export function defineCommand<const T extends FlagTable>(spec: CommandSpec<T>): CommandSpec {
  // Values are made from this very table, so the narrower parameter type is the true one.
  return spec as unknown as CommandSpec;
}
