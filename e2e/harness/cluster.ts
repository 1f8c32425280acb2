// The processes of one story: started in any order, ended all together, their files in one temporary directory.

import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ManagedProcess, type ProcessSpec } from './process.ts';

export class Cluster {
  /** Removed by `close`. */
  readonly directory: string;
  readonly #servers: Server[] = [];
  readonly #closers: (() => Promise<void>)[] = [];

  constructor(name: string) {
    this.directory = mkdtempSync(join(tmpdir(), `tributary-e2e-${name}-`));
  }

  /** A directory below the cluster's own, made if need be. */
  path(...parts: readonly string[]): string {
    const path = join(this.directory, ...parts);
    mkdirSync(path, { recursive: true });
    return path;
  }

  /** Starts a process and waits until it is ready. */
  async start(spec: ProcessSpec): Promise<Server> {
    const server = new Server(spec);
    this.#servers.push(server);
    await server.start();
    return server;
  }

  /** To be called by `close`, the last one first, once all processes are gone. */
  onClose(close: () => Promise<void>): void {
    this.#closers.push(close);
  }

  /** What every process said last. */
  get logs(): string {
    return this.#servers.map((server) => `----- ${server.name}\n${server.log}`).join('\n');
  }

  /** Kills what still runs and removes all files. */
  async close(): Promise<void> {
    await Promise.all(this.#servers.map((server) => server.kill()));
    for (const close of this.#closers.reverse()) await close();
    rmSync(this.directory, { recursive: true, force: true, maxRetries: 3 });
  }
}

/** A process that may be killed and started again with the same arguments. */
export class Server {
  readonly #spec: ProcessSpec;
  #process: ManagedProcess | undefined;
  #earlierLog = '';

  constructor(spec: ProcessSpec) {
    this.#spec = spec;
  }

  get name(): string {
    return this.#spec.name;
  }

  get log(): string {
    return this.#earlierLog + (this.#process?.log ?? '');
  }

  get process(): ManagedProcess {
    if (this.#process === undefined) throw new Error(`${this.name} was not started`);
    return this.#process;
  }

  /** With `awaitsReady: false` it only waits for the process to be there. */
  async start({ awaitsReady = true }: { readonly awaitsReady?: boolean } = {}): Promise<void> {
    if (this.#process !== undefined) this.#earlierLog += `${this.#process.log}\n--- started again\n`;
    this.#process = await ManagedProcess.start(awaitsReady ? this.#spec : { ...this.#spec, readyUrl: undefined });
  }

  /** Ends it as a crash would. */
  async kill(): Promise<void> {
    await this.#process?.kill();
  }

  async stop(): Promise<number | null> {
    return await this.process.stop();
  }
}
