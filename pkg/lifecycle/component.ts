// The whole contract of anything that lives long.

export interface Component {
  readonly name: string;
  /** How long `stop` may take before the group goes on without it; the group's own limit when absent. */
  readonly graceMs?: number;
  /**
   * Acquires what the component needs. Resolves when it can do its work, rejects when it never will.
   * Components named earlier are running; later ones are not. Gives up when `host.signal` aborts.
   */
  start(host: Host): Promise<void>;
  /** Finishes or drops work in hand and releases everything. Called once, also after a failed start. */
  stop(): Promise<void>;
}

export interface Host {
  /** Aborts when the process is asked to stop or any component fails. */
  readonly signal: AbortSignal;
  /** Runs background work. Its failure fails the group; there is no other way to run in the background. */
  spawn(name: string, task: (signal: AbortSignal) => Promise<void>): void;
  /** A running component may lose readiness and win it back. */
  ready(): void;
  unready(why: string): void;
}
