// Many pieces of work with a bound on how many run at once.

import { linked, throwIfAborted } from './deadline.ts';

/** Nobody means more than this by "all at once". */
const MOST_WORKERS = 10_000;

/**
 * The results in the order of the items, with at most `concurrency` at work. The first failure aborts the signal of the
 * rest, begins nothing more, waits until what was begun has ended, and is thrown. Without a parent signal pass none.
 */
export async function mapParallel<I, O>(
  items: Iterable<I>,
  concurrency: number,
  work: (item: I, signal: AbortSignal, index: number) => Promise<O>,
  parent?: AbortSignal,
): Promise<O[]> {
  if (parent !== undefined && Array.isArray(items) && items.length <= 1) {
    // Nothing beside it to call back: the parent's signal will do.
    throwIfAborted(parent);
    return items.length === 0 ? [] : [await work(items[0] as I, parent, 0)];
  }
  const link = parent === undefined ? linked() : linked(parent);
  const results: O[] = [];
  const source = items[Symbol.iterator]();
  let nextIndex = 0;
  let failure: { readonly thrown: unknown } | undefined;

  const worker = async (): Promise<void> => {
    while (failure === undefined) {
      try {
        throwIfAborted(link.signal);
        const next = source.next();
        if (next.done === true) return;
        const index = nextIndex++;
        results[index] = await work(next.value, link.signal, index);
      } catch (thrown) {
        failure ??= { thrown };
        link.abort(thrown);
        return;
      }
    }
  };

  try {
    const size = Array.isArray(items) ? items.length : concurrency;
    await Promise.all(Array.from({ length: Math.max(1, Math.min(concurrency, size, MOST_WORKERS)) }, worker));
  } finally {
    link.release();
  }
  if (failure !== undefined) throw failure.thrown;
  return results;
}

/** As mapParallel, for work without results. */
export async function forEachParallel<I>(
  items: Iterable<I>,
  concurrency: number,
  work: (item: I, signal: AbortSignal, index: number) => Promise<void>,
  parent?: AbortSignal,
): Promise<void> {
  await mapParallel(items, concurrency, work, parent);
}
