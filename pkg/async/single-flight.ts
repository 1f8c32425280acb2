// One call for many callers of the same key. The call ends early only when the last of its callers has left.

import { Fault } from '../errors/fault.ts';
import { linked, orAbort } from './deadline.ts';

interface Flight<T> {
  readonly result: Promise<T>;
  readonly cancel: () => void;
  callerCount: number;
}

export class SingleFlight<K, T> {
  readonly #flights = new Map<K, Flight<T>>();

  /** How many keys are being worked on. */
  get size(): number {
    return this.#flights.size;
  }

  /**
   * The result of `work` for the key, begun now or joined when it is under way. Each caller leaves by its own signal; the
   * work's signal aborts once all have left. A failure goes to every caller and is not remembered.
   */
  async run(key: K, signal: AbortSignal, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const flight = this.#flights.get(key) ?? this.#begin(key, work);
    flight.callerCount++;
    try {
      return await orAbort(flight.result, signal);
    } finally {
      flight.callerCount--;
      if (flight.callerCount === 0) {
        this.#forget(key, flight);
        flight.cancel();
      }
    }
  }

  #begin(key: K, work: (signal: AbortSignal) => Promise<T>): Flight<T> {
    const link = linked();
    const result = work(link.signal);
    const flight: Flight<T> = {
      result,
      cancel: () => link.abort(new Fault('canceled', 'every caller left')),
      callerCount: 0,
    };
    this.#flights.set(key, flight);
    const done = () => this.#forget(key, flight);
    result.then(done, done);
    return flight;
  }

  #forget(key: K, flight: Flight<T>): void {
    if (this.#flights.get(key) === flight) this.#flights.delete(key);
  }
}
