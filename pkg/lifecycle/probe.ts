// Healthy and ready, as the probes and `thanos_status` tell it. The group moves it; servers read it.

export interface ProbeState {
  readonly isHealthy: boolean;
  /** Why it is not healthy, where that is known. */
  readonly problem?: string;
  /** One that is not healthy may be ready: it answers, if only about what is wrong. */
  readonly isReady: boolean;
  /** Why it is not ready, one reason a line; empty when it is. */
  readonly reasons: readonly string[];
}

/** What a server needs to know. */
export interface ReadProbe {
  readonly state: ProbeState;
  /** Called on every change, until the function it returns is called. */
  watch(watcher: (state: ProbeState) => void): () => void;
}

export class Probe implements ReadProbe {
  readonly #reasons = new Map<string, string>();
  readonly #watchers = new Set<(state: ProbeState) => void>();
  #isHealthy = false;
  #problem: string | undefined;

  constructor() {
    this.#reasons.set('start', 'not started');
  }

  get state(): ProbeState {
    return {
      isHealthy: this.#isHealthy,
      ...(this.#problem === undefined ? {} : { problem: this.#problem }),
      isReady: this.#reasons.size === 0,
      reasons: [...this.#reasons].map(([who, why]) => (who === 'start' ? why : `${who}: ${why}`)),
    };
  }

  watch(watcher: (state: ProbeState) => void): () => void {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  /** `problem`: why not. */
  setHealthy(isHealthy: boolean, problem?: string): void {
    this.#isHealthy = isHealthy;
    this.#problem = isHealthy ? undefined : problem;
    this.#tell();
  }

  /** Adds or replaces a reason for not being ready. */
  unready(who: string, why: string): void {
    if (this.#reasons.get(who) === why) return;
    this.#reasons.set(who, why);
    this.#tell();
  }

  /** Takes that reason back. */
  ready(who: string): void {
    if (this.#reasons.delete(who)) this.#tell();
  }

  #tell(): void {
    const { state } = this;
    for (const watcher of this.#watchers) watcher(state);
  }
}
