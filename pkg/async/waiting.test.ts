import assert from 'node:assert/strict';
import { describe, expect, test } from 'vitest';
import { Fault, kindOf } from '../errors/fault.ts';
import { systemClock } from './clock.ts';
import { deadline, faultOf, linked, orAbort, withTimeout } from './deadline.ts';
import { FakeClock } from './fake-clock.ts';
import { Gate } from './gate.ts';
import { KeyedLock } from './keyed-lock.ts';
import { Queue } from './queue.ts';
import { backgroundRequest } from './request.ts';
import { retry } from './retry.ts';
import { SingleFlight } from './single-flight.ts';

const never = new AbortController().signal;

function turns(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

describe('deadlines', () => {
  for (const [what, reason, kind, message] of [
    ['a plain abort', undefined, 'canceled', 'canceled'],
    ['a timeout of the platform', new DOMException('late', 'TimeoutError'), 'timeout', 'deadline exceeded'],
    ['a fault', new Fault('timeout', 'query timed out'), 'timeout', 'query timed out'],
    ['some other reason', 'tired', 'canceled', 'tired'],
  ] as const) {
    test(`${what} is a ${kind} fault`, () => {
      const controller = new AbortController();
      controller.abort(reason);
      const fault = faultOf(controller.signal);
      expect([fault.kind, fault.message]).toEqual([kind, message]);
    });
  }

  test('a linked signal follows whichever parent aborts first, and lets go when released', () => {
    const [a, b] = [new AbortController(), new AbortController()];
    const link = linked(a.signal, b.signal);
    b.abort(new Fault('timeout', 'b'));
    a.abort();
    expect(faultOf(link.signal).message).toBe('b');
    const parent = new AbortController();
    const released = linked(parent.signal);
    released.release();
    parent.abort();
    expect(released.signal.aborted).toBe(false);
  });

  test('a deadline that passes aborts with its own text, as a timeout', async () => {
    const limit = withTimeout(never, 1, 'too late');
    await assert.rejects(
      orAbort(new Promise(() => {}), limit.signal),
      (thrown) => kindOf(thrown) === 'timeout' && (thrown as Fault).message === 'too late',
    );
    limit.release();
    expect(await deadline(never, 60_000, 'late', async (signal) => signal.aborted)).toBe(false);
  });

  test('sixty-four waiters on one signal are no leak to Node', async () => {
    const warnings: string[] = [];
    const note = (warning: Error): void => void warnings.push(warning.message);
    process.on('warning', note);
    const link = linked();
    const theirs = backgroundRequest(new AbortController().signal);
    try {
      for (const signal of [link.signal, theirs.signal, backgroundRequest().signal]) {
        const waits = Array.from({ length: 64 }, () => orAbort(Promise.resolve(), signal));
        await Promise.all(waits);
      }
      await turns(); // Warnings are emitted a turn later.
    } finally {
      process.off('warning', note);
    }
    expect(warnings).toEqual([]);
  });

  test('a sleep ends when its signal aborts', async () => {
    const controller = new AbortController();
    const slept = systemClock.sleep(60_000, controller.signal);
    controller.abort();
    await assert.rejects(slept, (thrown) => kindOf(thrown) === 'canceled');
    await systemClock.sleep(1, never);
  });
});

describe('the fake clock', () => {
  test('wakes sleepers in order of time, and loops within one advance', async () => {
    const clock = new FakeClock(1000);
    const seen: string[] = [];
    const loop = async (name: string, everyMs: number, rounds: number) => {
      for (let i = 0; i < rounds; i++) {
        await clock.sleep(everyMs, never);
        seen.push(`${name}@${clock.now()}`);
      }
    };
    const work = Promise.all([loop('slow', 30, 1), loop('fast', 10, 3)]);
    await clock.advance(25);
    expect(seen).toEqual(['fast@1010', 'fast@1020']);
    await clock.advance(5);
    await work;
    expect(seen).toEqual(['fast@1010', 'fast@1020', 'slow@1030', 'fast@1030']);
    expect([clock.now(), clock.sleeperCount]).toEqual([1030, 0]);
  });
});

describe('a gate', () => {
  test('lets n in and the rest wait in order', async () => {
    const waits: number[] = [];
    const gate = new Gate(2, { onAdmit: (ms) => waits.push(ms) });
    const order: number[] = [];
    const leave = [await gate.enter(never), await gate.enter(never)];
    const third = gate.run(never, async () => order.push(3));
    const fourth = gate.run(never, async () => order.push(4));
    await turns();
    expect([gate.insideCount, gate.waitingCount, order.length]).toEqual([2, 2, 0]);
    leave[0]();
    leave[0](); // Leaving twice gives no second place away.
    await Promise.all([third, fourth]);
    expect(order).toEqual([3, 4]);
    expect(gate.insideCount).toBe(1);
    expect(waits.slice(0, 2)).toEqual([0, 0]);
    expect(waits.length).toBe(4);
  });

  test('who leaves the queue by its signal takes no place', async () => {
    const gate = new Gate(1);
    const leave = await gate.enter(never);
    const controller = new AbortController();
    const waiting = gate.enter(controller.signal);
    controller.abort();
    await assert.rejects(waiting, (thrown) => kindOf(thrown) === 'canceled');
    leave();
    expect([gate.insideCount, gate.waitingCount]).toEqual([0, 0]);
    await assert.rejects(gate.enter(controller.signal));
  });

  test('a failure inside gives the place back, and capacity 0 stops nobody', async () => {
    const gate = new Gate(1);
    await assert.rejects(
      gate.run(never, async () => {
        throw new Fault('internal', 'x');
      }),
    );
    expect(gate.insideCount).toBe(0);
    const open = new Gate(0);
    await Promise.all([open.enter(never), open.enter(never)]);
    expect(open.insideCount).toBe(2);
  });
});

describe('a keyed lock', () => {
  test('excludes within a key, not between keys, and forgets both', async () => {
    const lock = new KeyedLock<string>();
    const seen: string[] = [];
    const work = (key: string, name: string) =>
      lock.run(key, never, async () => {
        seen.push(`${name}+`);
        await turns();
        seen.push(`${name}-`);
      });
    await Promise.all([work('a', 'a1'), work('a', 'a2'), work('b', 'b1')]);
    expect(seen.indexOf('a2+')).toBeGreaterThan(seen.indexOf('a1-'));
    expect(seen.indexOf('b1+')).toBeLessThan(seen.indexOf('a1-'));
    expect(lock.size).toBe(0);
  });
});

describe('a queue', () => {
  test('makes a writer wait while it is full, and keeps order', async () => {
    const queue = new Queue<number>(2);
    let pushedCount = 0;
    const writer = (async () => {
      for (let i = 0; i < 100; i++) {
        await queue.push(i, never);
        pushedCount++;
      }
      queue.close();
    })();
    await turns();
    expect([pushedCount, queue.size]).toEqual([2, 2]);
    const read: number[] = [];
    for await (const item of queue) read.push(item);
    await writer;
    expect(read).toEqual(Array.from({ length: 100 }, (_, i) => i));
  });

  test('a failure reaches the reader at once, and writers learn that it is over', async () => {
    const queue = new Queue<number>(1);
    await queue.push(1, never);
    const blocked = queue.push(2, never);
    queue.fail(new Fault('corrupt', 'bad'));
    expect(await blocked).toBe(false);
    await assert.rejects(queue.shift(never), (thrown) => kindOf(thrown) === 'corrupt');
  });

  test('a reader that leaves its loop ends the queue', async () => {
    const queue = new Queue<number>(1);
    await queue.push(1, never);
    const blocked = queue.push(2, never);
    for await (const item of queue) {
      expect(item).toBe(1);
      break;
    }
    // The item may have gone in before the reader left; the next one does not.
    await blocked;
    expect(await queue.push(3, never)).toBe(false);
  });

  test('both sides give up waiting by their signals', async () => {
    const queue = new Queue<number>(1);
    const controller = new AbortController();
    const reading = queue.shift(controller.signal);
    controller.abort();
    await assert.rejects(reading, (thrown) => kindOf(thrown) === 'canceled');
    await queue.push(1, never);
    await assert.rejects(queue.push(2, controller.signal), (thrown) => kindOf(thrown) === 'canceled');
    expect(await queue.shift(never)).toBe(1);
  });
});

describe('single flight', () => {
  test('many callers share one call, and the next caller begins anew', async () => {
    const flight = new SingleFlight<string, number>();
    let calls = 0;
    const work = async () => {
      await turns();
      return ++calls;
    };
    expect(await Promise.all([1, 2, 3].map(() => flight.run('k', never, work)))).toEqual([1, 1, 1]);
    expect(await flight.run('k', never, work)).toBe(2);
    expect(flight.size).toBe(0);
  });

  test('the work is aborted only when its last caller has left', async () => {
    const flight = new SingleFlight<string, number>();
    const [a, b] = [new AbortController(), new AbortController()];
    let inner: AbortSignal | undefined;
    const work = (signal: AbortSignal) => {
      inner = signal;
      return orAbort(new Promise<number>(() => {}), signal);
    };
    const calls = [flight.run('k', a.signal, work), flight.run('k', b.signal, work)];
    const outcomes = Promise.allSettled(calls);
    a.abort();
    await turns();
    expect(inner?.aborted).toBe(false);
    b.abort();
    expect((await outcomes).map((outcome) => outcome.status)).toEqual(['rejected', 'rejected']);
    expect(inner?.aborted).toBe(true);
    expect(flight.size).toBe(0);
  });
});

describe('retry', () => {
  const options = { attempts: 4, minDelayMs: 100, maxDelayMs: 250, random: () => 1 };

  test('tries while the kind says so, with growing pauses', async () => {
    const clock = new FakeClock();
    const pauses: number[] = [];
    const result = retry(never, { ...options, clock, onRetry: (_, __, ms) => pauses.push(ms) }, async (attempt) => {
      if (attempt < 4) throw new Fault('unavailable', 'down');
      return attempt;
    });
    await clock.advance(1000);
    expect(await result).toBe(4);
    expect(pauses).toEqual([100, 200, 250]);
  });

  test('gives up at the last try, and at once for kinds that time does not heal', async () => {
    const clock = new FakeClock();
    for (const [kind, expected] of [
      ['unavailable', 4],
      ['denied', 1],
    ] as const) {
      let tries = 0;
      const result = retry(never, { ...options, clock }, async () => {
        tries++;
        throw new Fault(kind, 'no');
      });
      const outcome = assert.rejects(result, (thrown) => kindOf(thrown) === kind);
      await clock.advance(1000);
      await outcome;
      expect(tries).toBe(expected);
    }
  });

  test('an abort ends the pause', async () => {
    const controller = new AbortController();
    const result = retry(controller.signal, { ...options, clock: new FakeClock() }, async () => {
      throw new Fault('unavailable', 'down');
    });
    await turns();
    controller.abort();
    await assert.rejects(result, (thrown) => kindOf(thrown) === 'canceled');
  });
});

test('any number may wait on one signal: Node has no complaint', async () => {
  const warnings: Error[] = [];
  const onWarning = (warning: Error): void => void warnings.push(warning);
  process.on('warning', onWarning);
  const oneInside = new Gate(1);
  const leave = await oneInside.enter(never);
  try {
    for (const wait of [
      (signal: AbortSignal) => systemClock.sleep(60_000, signal),
      (signal: AbortSignal) => orAbort(new Promise<void>(() => {}), signal),
      (signal: AbortSignal) => oneInside.run(signal, async () => {}),
      (signal: AbortSignal) => systemClock.sleep(60_000, linked(signal).signal),
    ]) {
      const caller = new AbortController();
      const waiting = Array.from({ length: 30 }, () => wait(caller.signal));
      caller.abort();
      await Promise.allSettled(waiting);
    }
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(warnings, []);
  } finally {
    leave();
    process.off('warning', onWarning);
  }
});
