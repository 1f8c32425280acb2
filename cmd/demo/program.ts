// One program of the demonstration as a component: started, waited for until it is ready, stopped by its own id. What it
// prints goes to a file of its own.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { Fault } from '../../pkg/errors/fault.ts';
import type { Component, Host } from '../../pkg/lifecycle/component.ts';
import type { Guard } from './guard.ts';

export interface ProgramSpec {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly logFile: string;
  /** Answers 200 once the program can be used. */
  readonly readyUrl: string;
  /** How long that may take; a minute unless said otherwise. */
  readonly readyTimeoutMs?: number;
}

const READY_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 20_000;
const POLL_MS = 100;
const LOG_TAIL_LINES = 5;
const PORT_IS_TAKEN = /address already in use/i;

export class Program implements Component {
  readonly name: string;
  readonly #spec: ProgramSpec;
  readonly #guard: Pick<Guard, 'watch'>;
  #child: ChildProcess | undefined;
  #isStopping = false;

  constructor(spec: ProgramSpec, guard: Pick<Guard, 'watch'>) {
    this.name = spec.name;
    this.#spec = spec;
    this.#guard = guard;
  }

  /** Ends when it is ready. Throws what it said last when it ends before that: `conflict` when its port is taken. */
  async start(host: Host): Promise<void> {
    const log = openSync(this.#spec.logFile, 'w');
    // Its own process group: a Ctrl-C at the terminal reaches us only, and we stop everything in order.
    const child = spawn(this.#spec.command, [...this.#spec.args], { stdio: ['ignore', log, log], detached: true });
    closeSync(log);
    this.#child = child;
    // Whoever presses Ctrl-C twice ends us at once; nobody else would end the child then.
    const abandon = (): void => void child.kill('SIGKILL');
    process.once('exit', abandon);
    child.once('exit', () => process.off('exit', abandon));
    await once(child, 'spawn');
    if (child.pid !== undefined) this.#guard.watch(child.pid);
    host.spawn('watch', (signal) => this.#watch(child, signal));
    const timeoutMs = this.#spec.readyTimeoutMs ?? READY_TIMEOUT_MS;
    const end = Date.now() + timeoutMs;
    while (!(await answersOk(this.#spec.readyUrl))) {
      if (host.signal.aborted) return;
      if (hasExited(child)) throw this.#ended(child);
      if (Date.now() > end) {
        throw new Fault('timeout', `not ready within ${timeoutMs / 1000} s; ${this.#lastWords()}`);
      }
      await pause(POLL_MS);
    }
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    const child = this.#child;
    if (child === undefined || hasExited(child)) return;
    const exited = once(child, 'exit');
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
    await exited;
    clearTimeout(timer);
  }

  async #watch(child: ChildProcess, signal: AbortSignal): Promise<void> {
    while (!signal.aborted && !hasExited(child)) await pause(POLL_MS);
    if (!signal.aborted && !this.#isStopping) throw this.#ended(child);
  }

  #ended(child: ChildProcess): Fault {
    const how = child.exitCode === null ? `signal ${child.signalCode}` : `exit code ${child.exitCode}`;
    // Between the moment its port was found to be free and now another program may have taken it.
    const kind = PORT_IS_TAKEN.test(this.lastWords(LOG_TAIL_LINES)) ? 'conflict' : 'unavailable';
    return new Fault(kind, `ended with ${how}; ${this.#lastWords()}`);
  }

  #lastWords(): string {
    return `its last words (${this.#spec.logFile}):\n  ${this.lastWords(LOG_TAIL_LINES)}`;
  }

  /** The end of what it has printed so far. */
  lastWords(lineCount: number): string {
    return readFileSync(this.#spec.logFile, 'utf8').trim().split('\n').slice(-lineCount).join('\n  ');
  }
}

function hasExited(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

async function answersOk(url: string): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(1_000) });
    await response.arrayBuffer();
    return response.ok;
  } catch {
    return false;
  }
}
