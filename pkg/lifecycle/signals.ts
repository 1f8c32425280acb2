// SIGINT and SIGTERM as an AbortSignal.

import { sharedSignal } from '../async/deadline.ts';
import { Fault } from '../errors/fault.ts';

/** What we need of `process`; a test hands in an EventEmitter. */
export interface SignalSource {
  on(name: NodeJS.Signals, listener: () => void): unknown;
  off(name: NodeJS.Signals, listener: () => void): unknown;
}

export interface StopSignal {
  readonly signal: AbortSignal;
  /** Gives the signals back. */
  release(): void;
}

/**
 * Aborts with the signal's name on the first SIGINT or SIGTERM. `onSecond` is called on another one: whoever is in a
 * hurry. SIGHUP is taken and ignored, as in the reference: without a listener it would end the process.
 */
export function stopOnSignals(source: SignalSource, onSecond: () => void): StopSignal {
  const controller = new AbortController();
  const stop = (name: string) => () => {
    if (controller.signal.aborted) onSecond();
    else controller.abort(new Fault('canceled', `caught ${name}`));
  };
  const listeners: readonly (readonly [NodeJS.Signals, () => void])[] = [
    ['SIGINT', stop('SIGINT')],
    ['SIGTERM', stop('SIGTERM')],
    ['SIGHUP', () => {}],
  ];
  for (const [name, listener] of listeners) source.on(name, listener);
  return {
    signal: sharedSignal(controller.signal),
    release() {
      for (const [name, listener] of listeners) source.off(name, listener);
    },
  };
}
