// How a command line fails: by the texts and exit codes of the contract.

/** A command line that cannot be run. Known to main, which prints it; everything else that fails is a Fault. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
  /** 1 for what the program does not know, 2 for what it knows but cannot take. */
  readonly exitCode: 1 | 2;
  /** True when the command's usage is printed before the message. */
  readonly showsUsage: boolean;

  constructor(exitCode: 1 | 2, message: string, options: { readonly showsUsage: boolean }) {
    super(message);
    this.exitCode = exitCode;
    this.showsUsage = options.showsUsage;
  }
}

/** A flag or command nobody knows: one line, exit 1. */
export function unknownUsage(message: string): UsageError {
  return new UsageError(1, message, { showsUsage: false });
}

/** A flag or command that the reference has and this version has not: one line, exit 2. */
export function unsupportedUsage(message: string): UsageError {
  return new UsageError(2, message, { showsUsage: false });
}

/** A value that cannot be taken: usage, then the reason, exit 2. */
export function invalidUsage(message: string): UsageError {
  return new UsageError(2, message, { showsUsage: true });
}
