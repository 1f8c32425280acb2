// One child process: its ports, its readiness, its log, its end. Every process is ended by its own id.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { freePort } from '../../dev/peers.ts';

export interface ProcessSpec {
  /** For messages and logs. */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Answers 200 once the process may be used. */
  readonly readyUrl?: string;
  readonly readyTimeoutMs?: number;
}

const LOG_LINES = 400;

const PORT_TAKEN = /address already in use|EADDRINUSE/;
const TRIES = 3;

/** Where the stories take their ports from. */
export { freePort };

/**
 * Starts something on so many free ports. A port is free until someone takes it, a connection going out for one: when
 * the start fails for that, it is tried on others.
 */
export async function onFreePorts<T>(count: number, start: (ports: readonly number[]) => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    const ports: number[] = [];
    while (ports.length < count) ports.push(await freePort());
    try {
      return await start(ports);
    } catch (thrown) {
      if (tries === TRIES || !PORT_TAKEN.test(String(thrown))) throw thrown;
    }
  }
}

export class ManagedProcess {
  readonly name: string;
  readonly #child: ChildProcess;
  readonly #lines: string[] = [];
  #stdout = '';
  #exit: { code: number | null; signal: NodeJS.Signals | null } | undefined;

  private constructor(name: string, child: ChildProcess) {
    this.name = name;
    this.#child = child;
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.#stdout += text;
      this.#keep(text);
    });
    child.stderr?.setEncoding('utf8').on('data', (text: string) => this.#keep(text));
    child.on('exit', (code, signal) => {
      this.#exit = { code, signal };
    });
  }

  /** Starts it and waits until it is ready. Throws with the end of its log when it is not in time, or ends before. */
  static async start(spec: ProcessSpec): Promise<ManagedProcess> {
    const child = spawn(spec.command, [...spec.args], {
      cwd: spec.cwd,
      env: { ...process.env, ...spec.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const running = new ManagedProcess(spec.name, child);
    await once(child, 'spawn');
    if (spec.readyUrl !== undefined) {
      const { readyUrl } = spec;
      try {
        await waitUntil(`${spec.name} is ready`, spec.readyTimeoutMs ?? 60_000, async () => {
          if (running.hasExited) throw new Error(`${spec.name} ended with ${JSON.stringify(running.#exit)}`);
          return await answersOk(readyUrl);
        });
      } catch (thrown) {
        await running.kill();
        throw new Error(`${String(thrown)}\n${running.log}`);
      }
    }
    return running;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get hasExited(): boolean {
    return this.#exit !== undefined;
  }

  /** The last lines of both outputs. */
  get log(): string {
    return this.#lines.join('\n');
  }

  get stdout(): string {
    return this.#stdout;
  }

  /** Waits for its own end and gives the exit code. */
  async ended(timeoutMs = 60_000): Promise<number | null> {
    await waitUntil(`${this.name} has ended`, timeoutMs, async () => this.hasExited);
    return this.#exit!.code;
  }

  /** Asks it to stop and waits; the exit code. */
  async stop(timeoutMs = 30_000): Promise<number | null> {
    if (!this.hasExited) this.#child.kill('SIGTERM');
    try {
      return await this.ended(timeoutMs);
    } catch (thrown) {
      await this.kill();
      throw thrown;
    }
  }

  /** Ends it at once, as a crash would. */
  async kill(): Promise<void> {
    if (this.hasExited) return;
    this.#child.kill('SIGKILL');
    await waitUntil(`${this.name} is gone`, 10_000, async () => this.hasExited);
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  #keep(text: string): void {
    this.#lines.push(...text.split('\n').filter((line) => line !== ''));
    if (this.#lines.length > LOG_LINES) this.#lines.splice(0, this.#lines.length - LOG_LINES);
  }
}

/** Asks again and again until it holds. A throw of `holds` ends the wait. */
export async function waitUntil(what: string, timeoutMs: number, holds: () => Promise<boolean>): Promise<void> {
  const end = Date.now() + timeoutMs;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`${what}: not within ${timeoutMs} ms`);
    await pause(50);
  }
}

export async function answersOk(url: string): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(2_000) });
    await response.arrayBuffer();
    return response.ok;
  } catch {
    return false;
  }
}
