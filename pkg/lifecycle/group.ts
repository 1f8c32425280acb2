// Runs components together: starts them in order, stops them in reverse, and ends all when one fails or the process is
// asked to stop.

import { faultOf, linked } from '../async/deadline.ts';
import { collect } from '../errors/collect.ts';
import { during, Fault, messageOf } from '../errors/fault.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { Component, Host } from './component.ts';
import type { Probe } from './probe.ts';

export interface GroupDeps {
  readonly logger: Logger;
  readonly probe: Probe;
}

export interface GroupConfig {
  /** How long one component may take to stop when it does not say so itself. */
  readonly graceMs: number;
}

export class Group {
  readonly #deps: GroupDeps;
  readonly #config: GroupConfig;
  readonly #components: readonly Component[];
  readonly #failures: unknown[] = [];
  readonly #background = new Set<Promise<void>>();

  constructor(deps: GroupDeps, config: GroupConfig, components: readonly Component[]) {
    this.#deps = deps;
    this.#config = config;
    this.#components = components;
  }

  /**
   * Runs until `stop` aborts or something fails; then everything that was started has been stopped. Resolves after a
   * stop that was asked for, rejects with the failure otherwise. Call once.
   */
  async run(stop: AbortSignal): Promise<void> {
    const life = linked(stop);
    const { probe, logger } = this.#deps;
    const begun: Component[] = [];
    probe.setHealthy(true);
    try {
      for (const component of this.#components) {
        if (life.signal.aborted) break;
        begun.push(component);
        probe.unready('start', `starting ${component.name}`);
        await this.#start(component, life.signal, life.abort);
      }
      if (!life.signal.aborted) {
        logger.info('ready');
        probe.ready('start');
      }
      await aborted(life.signal);
    } finally {
      probe.unready('start', stop.aborted ? 'stopping' : 'failed');
      for (const component of begun.reverse()) await this.#stop(component);
      await this.#drain();
      life.release();
      probe.setHealthy(false);
    }
    if (this.#failures.length > 0) throw collect(this.#failures);
  }

  async #start(component: Component, signal: AbortSignal, abort: (reason?: unknown) => void): Promise<void> {
    const { probe } = this.#deps;
    const fail = (doing: string, thrown: unknown): void => {
      // What falls over because everything stops is a consequence, not a cause.
      if (signal.aborted) return;
      this.#failures.push(during(doing, thrown));
      abort(new Fault('canceled', `${doing}: ${messageOf(thrown)}`));
    };
    const host: Host = {
      signal,
      spawn: (name, task) => {
        const work = runTask(task, signal)
          .catch((thrown) => fail(`${component.name}: ${name}`, thrown))
          .finally(() => this.#background.delete(work));
        this.#background.add(work);
      },
      ready: () => probe.ready(component.name),
      unready: (why) => probe.unready(component.name, why),
    };
    try {
      await component.start(host);
    } catch (thrown) {
      fail(`start ${component.name}`, thrown);
    }
  }

  /** Never throws: a component that cannot stop must not keep the others from stopping. */
  async #stop(component: Component): Promise<void> {
    const { logger } = this.#deps;
    const graceMs = component.graceMs ?? this.#config.graceMs;
    try {
      if (!(await endsWithin(component.stop(), graceMs))) {
        logger.warn('component did not stop in time', { component: component.name, graceMs });
      }
    } catch (thrown) {
      logger.warn('component stopped badly', { component: component.name, err: messageOf(thrown) });
    }
  }

  async #drain(): Promise<void> {
    if (!(await endsWithin(Promise.allSettled([...this.#background]), this.#config.graceMs))) {
      this.#deps.logger.warn('background work did not end in time', { tasks: this.#background.size });
    }
  }
}

/** A task that throws before its first await fails like any other. */
async function runTask(task: (signal: AbortSignal) => Promise<void>, signal: AbortSignal): Promise<void> {
  await task(signal);
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

/** False when the time is over first. The promise's failure is thrown. */
async function endsWithin(promise: Promise<unknown>, limitMs: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), Math.min(limitMs, 2 ** 31 - 1));
  });
  try {
    return await Promise.race([promise.then(() => true), late]);
  } finally {
    clearTimeout(timer);
  }
}

/** The reason a signal aborted, for the closing log line. */
export function stopReason(signal: AbortSignal): string {
  return faultOf(signal).message;
}
