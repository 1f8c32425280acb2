// Stages over async iterables. Each cleans up in `finally`: leaving a loop early ends its source as well.

/** Maps in order with up to `ahead` more results in flight; on an early end it waits for what was begun. */
export async function* mapAhead<I, O>(
  source: AsyncIterable<I> | Iterable<I>,
  ahead: number,
  work: (item: I) => Promise<O>,
): AsyncGenerator<O, void, undefined> {
  const inFlight: Promise<O>[] = [];
  try {
    for await (const item of source) {
      const result = work(item);
      result.catch(() => {}); // Awaited below; this only keeps Node from reporting it early.
      inFlight.push(result);
      while (inFlight.length > ahead) yield await inFlight.shift()!;
    }
    while (inFlight.length > 0) yield await inFlight.shift()!;
  } finally {
    await Promise.allSettled(inFlight);
  }
}

/** Lists of up to `size` items in order; the last may be shorter, none is empty. The lists are yours. */
export async function* grouped<T>(
  source: AsyncIterable<T> | Iterable<T>,
  size: number,
): AsyncGenerator<T[], void, undefined> {
  let group: T[] = [];
  for await (const item of source) {
    group.push(item);
    if (group.length >= size) {
      yield group;
      group = [];
    }
  }
  if (group.length > 0) yield group;
}

/** The items of the lists, in order. */
export async function* flattened<T>(
  source: AsyncIterable<Iterable<T>> | Iterable<Iterable<T>>,
): AsyncGenerator<T, void, undefined> {
  for await (const items of source) yield* items;
}

/** Everything in one list: for tests and for sources known to be small. */
export async function collectAll<T>(source: AsyncIterable<T> | Iterable<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of source) items.push(item);
  return items;
}

/**
 * Reads the source up to `size` items ahead of the consumer, so that fetching and using overlap. Without it an async
 * iterable works only when asked.
 */
export async function* readAhead<T>(source: AsyncIterable<T>, size: number): AsyncGenerator<T, void, undefined> {
  const iterator = source[Symbol.asyncIterator]();
  const pending: Promise<IteratorResult<T>>[] = [];
  const ask = (): void => {
    const next = iterator.next();
    next.catch(() => {}); // Awaited in its turn.
    pending.push(next);
  };
  let isDone = false;
  try {
    for (let i = 0; i < Math.max(1, size); i++) ask();
    for (;;) {
      const next = await pending.shift()!;
      if (next.done === true) {
        isDone = true;
        return;
      }
      ask();
      yield next.value;
    }
  } finally {
    await Promise.allSettled(pending);
    if (!isDone) await iterator.return?.();
  }
}
