import assert from 'node:assert/strict';
import { describe, expect, test } from 'vitest';
import { Fault, kindOf } from '../errors/fault.ts';
import { collectAll, flattened, grouped, mapAhead, readAhead } from './batches.ts';
import { orAbort } from './deadline.ts';
import { forEachParallel, mapParallel } from './parallel.ts';

function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

/** Counts to `end`, and tells how far it was read and whether it was closed. */
function counter(end: number) {
  const state = { readCount: 0, isClosed: false };
  async function* count(): AsyncGenerator<number> {
    try {
      for (let i = 0; i < end; i++) {
        state.readCount++;
        yield i;
      }
    } finally {
      state.isClosed = true;
    }
  }
  return { state, source: count() };
}

describe('mapParallel', () => {
  test('runs a single item under the signal of its caller', async () => {
    const parent = new AbortController();
    const signals: AbortSignal[] = [];
    const one = async (item: number, signal: AbortSignal, index: number): Promise<number[]> => {
      signals.push(signal);
      return [item, index];
    };
    expect(await mapParallel([7], 4, one, parent.signal)).toEqual([[7, 0]]);
    expect(await mapParallel([], 4, one, parent.signal)).toEqual([]);
    parent.abort(new Fault('canceled', 'left'));
    expect(signals.map(({ aborted }) => aborted)).toEqual([true]);
    await expect(mapParallel([7], 4, one, parent.signal)).rejects.toThrow('left');
    expect(signals.length).toBe(1);
  });

  test('keeps order and bounds what runs at once', async () => {
    let running = 0;
    let most = 0;
    const results = await mapParallel([5, 4, 3, 2, 1], 2, async (item) => {
      most = Math.max(most, ++running);
      for (let i = 0; i < item; i++) await turn();
      running--;
      return item * 10;
    });
    expect(results).toEqual([50, 40, 30, 20, 10]);
    expect(most).toBe(2);
    expect(await mapParallel(new Set([1, 2]), Number.POSITIVE_INFINITY, async (x) => x)).toEqual([1, 2]);
  });

  test('the first failure aborts the others, begins no more, and is what is thrown', async () => {
    const begun: number[] = [];
    let abortedCount = 0;
    const work = forEachParallel([0, 1, 2, 3, 4], 3, async (item, signal) => {
      begun.push(item);
      if (item === 1) throw new Fault('corrupt', 'one');
      await orAbort(new Promise(() => {}), signal).catch((thrown) => {
        abortedCount++;
        throw thrown;
      });
    });
    await assert.rejects(work, (thrown) => kindOf(thrown) === 'corrupt');
    expect(begun).toEqual([0, 1, 2]);
    expect(abortedCount).toBe(2);
  });

  test('ends when its parent aborts', async () => {
    const controller = new AbortController();
    const work = mapParallel([1], 1, (_, signal) => orAbort(new Promise(() => {}), signal), controller.signal);
    controller.abort();
    await assert.rejects(work, (thrown) => kindOf(thrown) === 'canceled');
  });
});

describe('stages', () => {
  test('mapAhead keeps order and goes no further ahead than told', async () => {
    const { source, state } = counter(100);
    let inFlight = 0;
    let most = 0;
    const stage = mapAhead(source, 3, async (item) => {
      most = Math.max(most, ++inFlight);
      await turn();
      inFlight--;
      return item;
    });
    expect((await stage.next()).value).toBe(0);
    expect(state.readCount).toBe(4);
    expect(await collectAll(stage)).toEqual(Array.from({ length: 99 }, (_, i) => i + 1));
    expect(most).toBeLessThanOrEqual(4);
    expect(state.isClosed).toBe(true);
  });

  test('leaving mapAhead early waits for what was begun and closes the source', async () => {
    const { source, state } = counter(100);
    let ended = 0;
    for await (const item of mapAhead(source, 5, async (i) => {
      for (let turns = 0; turns < i; turns++) await turn();
      ended++;
      return i;
    })) {
      if (item === 0) break;
    }
    expect([ended, state.readCount, state.isClosed]).toEqual([6, 6, true]);
  });

  test('a failure in mapAhead comes in its turn and closes the source', async () => {
    const { source, state } = counter(10);
    const seen: number[] = [];
    const work = (async () => {
      for await (const item of mapAhead(source, 4, async (i) => {
        if (i === 2) throw new Fault('corrupt', 'two');
        return i;
      }))
        seen.push(item);
    })();
    await assert.rejects(work, (thrown) => kindOf(thrown) === 'corrupt');
    expect(seen).toEqual([0, 1]);
    expect(state.isClosed).toBe(true);
  });

  test('grouped and flattened are each other undone', async () => {
    const groups = await collectAll(grouped(counter(7).source, 3));
    expect(groups).toEqual([[0, 1, 2], [3, 4, 5], [6]]);
    expect(await collectAll(flattened(groups))).toEqual([0, 1, 2, 3, 4, 5, 6]);
    expect(await collectAll(grouped([], 3))).toEqual([]);
  });

  test('readAhead reads before it is asked, no further than told, and closes its source', async () => {
    const { source, state } = counter(100);
    const stage = readAhead(source, 3);
    expect((await stage.next()).value).toBe(0);
    await turn();
    expect(state.readCount).toBe(4);
    await stage.return();
    expect(state.isClosed).toBe(true);
    expect((await collectAll(readAhead(counter(10).source, 4))).length).toBe(10);
    await assert.rejects(
      collectAll(
        readAhead(
          (async function* () {
            yield 1;
            throw new Fault('corrupt', 'x');
          })(),
          2,
        ),
      ),
      (thrown) => kindOf(thrown) === 'corrupt',
    );
  });
});
