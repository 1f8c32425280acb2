// What operators read. Rooms get a Logger handed in; only `cmd` builds one.

import { Writable } from 'node:stream';
import { config, format, createLogger as newWinston, transports, type Logger as Winston } from 'winston';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';
export type LogFields = Readonly<Record<string, unknown>>;

export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** The same logger with fields added to every line. */
  with(fields: LogFields): Logger;
}

/** Swallows everything: for tests and tools. */
export const silentLogger: Logger = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  with() {
    return silentLogger;
  },
};

export interface LoggerOptions {
  /** Lines below it are dropped. */
  readonly level: LogLevel;
  readonly format: 'logfmt' | 'json';
  /** A `name` field on every line. */
  readonly name?: string;
  /** Where lines go, each with its newline. Standard error unless said otherwise. */
  readonly out?: { write(text: string): void };
  /** Milliseconds since the epoch, for tests. */
  readonly now?: () => number;
}

/** A logger that writes `ts level msg` and then the fields, one line each. */
export function createLogger(options: LoggerOptions): Logger {
  const out = options.out ?? process.stderr;
  const now = options.now ?? Date.now;
  const print = options.format === 'json' ? jsonLine : logfmtLine;
  const stream = new Writable({
    decodeStrings: false,
    write(line: string | Buffer, _encoding, done) {
      out.write(line.toString());
      done();
    },
  });
  const winston = newWinston({
    level: options.level,
    levels: config.npm.levels,
    // Fields stay together under one key: a field called `level` or `message` must not change the line itself.
    format: format.printf(({ level, message, fields }) =>
      print(new Date(now()).toISOString(), level, String(message), (fields ?? {}) as LogFields),
    ),
    transports: [new transports.Stream({ stream, eol: '\n' })],
  });
  return new WinstonLogger(winston, options.name === undefined ? {} : { name: options.name });
}

class WinstonLogger implements Logger {
  readonly #winston: Winston;
  readonly #fields: LogFields;

  constructor(winston: Winston, fields: LogFields) {
    this.#winston = winston;
    this.#fields = fields;
  }

  debug(message: string, fields?: LogFields): void {
    this.#log('debug', message, fields);
  }

  info(message: string, fields?: LogFields): void {
    this.#log('info', message, fields);
  }

  warn(message: string, fields?: LogFields): void {
    this.#log('warn', message, fields);
  }

  error(message: string, fields?: LogFields): void {
    this.#log('error', message, fields);
  }

  with(fields: LogFields): Logger {
    return new WinstonLogger(this.#winston, { ...this.#fields, ...fields });
  }

  #log(level: LogLevel, message: string, fields: LogFields | undefined): void {
    if (!this.#winston.isLevelEnabled(level)) return;
    this.#winston.log({ level, message, fields: { ...this.#fields, ...fields } });
  }
}

function logfmtLine(ts: string, level: string, message: string, fields: LogFields): string {
  let line = `ts=${ts} level=${level} msg=${logfmtValue(message)}`;
  for (const [key, value] of Object.entries(fields)) {
    if (value !== undefined) line += ` ${logfmtKey(key)}=${logfmtValue(value)}`;
  }
  return line;
}

function jsonLine(ts: string, level: string, message: string, fields: LogFields): string {
  const rest: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(fields)) {
    if (!(key in { ts, level, msg: 0 })) rest[key] = plainValue(value);
  }
  return JSON.stringify({ ts, level, msg: message, ...rest });
}

/** What a field is in a line: failures are their message, big integers their digits. */
function plainValue(value: unknown): unknown {
  if (value instanceof Error) return value.message;
  if (typeof value === 'bigint') return value.toString();
  if (typeof value === 'number' && !Number.isFinite(value)) return String(value);
  return value;
}

function logfmtKey(key: string): string {
  return key.replace(/[\s="]/g, '_');
}

function logfmtValue(value: unknown): string {
  const plain = plainValue(value);
  const text = typeof plain === 'object' && plain !== null ? JSON.stringify(plain) : String(plain);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what must not reach a terminal.
  return /[\u0000-\u0020="\u007f\ufffd]/.test(text) ? JSON.stringify(text) : text;
}
