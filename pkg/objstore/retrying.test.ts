import assert from 'node:assert/strict';
import { describe, test } from 'vitest';
import { collectAll } from '../async/batches.ts';
import { FakeClock } from '../async/fake-clock.ts';
import { backgroundRequest } from '../async/request.ts';
import { Fault, type FaultKind, kindOf } from '../errors/fault.ts';
import { silentLogger } from '../telemetry/logger.ts';
import { type Bucket, bodyOf, readAll } from './bucket.ts';
import { testBucket } from './conformance.ts';
import { MemoryBucket } from './memory.ts';
import { RetryPolicy } from './retry-policy.ts';
import { RetryingBucket } from './retrying.ts';

const request = backgroundRequest();
const quick = { attempts: 4, minDelayMs: 0, maxDelayMs: 0 };
const policyOf = (config = quick): RetryPolicy => new RetryPolicy({ logger: silentLogger }, config);

testBucket('memory with retries', async () => ({
  bucket: new RetryingBucket({ policy: policyOf() }, new MemoryBucket()),
}));

/** Fails each call a number of times before it works. */
class FlakyBucket extends MemoryBucket {
  failuresLeft = 0;
  calls = 0;
  kind: FaultKind = 'unavailable';
  /** Streams and listings break after this many items. */
  breakAfter = Number.POSITIVE_INFINITY;

  fail(): void {
    this.calls++;
    if (this.failuresLeft > 0) {
      this.failuresLeft--;
      throw new Fault(this.kind, 'flaky');
    }
  }
}

class FlakyCalls extends FlakyBucket {
  override async exists(...given: Parameters<Bucket['exists']>): Promise<boolean> {
    this.fail();
    return super.exists(...given);
  }
  override async upload(...given: Parameters<Bucket['upload']>): Promise<void> {
    await super.upload(...given);
    this.fail();
  }
  override async *list(...given: Parameters<Bucket['list']>): ReturnType<Bucket['list']> {
    let count = 0;
    for await (const item of super.list(...given)) {
      if (count++ === this.breakAfter) this.fail();
      yield item;
    }
  }
  override async get(...given: Parameters<Bucket['get']>): Promise<AsyncIterable<Uint8Array>> {
    const bytes = await super.getRange(given[0], given[1], 0, Number.MAX_SAFE_INTEGER);
    const breakAfter = this.breakAfter;
    const fail = () => this.fail();
    return (async function* () {
      for (let at = 0; at < bytes.length; at += 10) {
        if (at / 10 === breakAfter) fail();
        yield bytes.subarray(at, at + 10);
      }
    })();
  }
}

function flaky(): { inner: FlakyCalls; bucket: RetryingBucket } {
  const inner = new FlakyCalls();
  return { inner, bucket: new RetryingBucket({ policy: policyOf() }, inner) };
}

describe('retries', () => {
  test('a call that fails less often than it may is a call that works', async () => {
    const { inner, bucket } = flaky();
    inner.failuresLeft = 3;
    assert.equal(await bucket.exists(request, 'x'), false);
    assert.equal(inner.calls, 4);
  });

  test('after the last try the failure says how many there were', async () => {
    const { inner, bucket } = flaky();
    inner.failuresLeft = 100;
    await assert.rejects(bucket.exists(request, 'x'), /flaky \(after 4 tries\)/);
    assert.equal(inner.calls, 4);
  });

  for (const kind of ['denied', 'invalid', 'not-found', 'canceled', 'corrupt'] as const) {
    test(`what is ${kind} is not tried again`, async () => {
      const { inner, bucket } = flaky();
      inner.failuresLeft = 100;
      inner.kind = kind;
      await assert.rejects(bucket.exists(request, 'x'), (thrown) => kindOf(thrown) === kind);
      assert.equal(inner.calls, 1);
    });
  }

  for (const breakAfter of [0, 1, 7, 99]) {
    test(`a stream that breaks after ${breakAfter} pieces goes on where it broke`, async () => {
      const { inner, bucket } = flaky();
      const bytes = Buffer.from(Array.from({ length: 1000 }, (_, i) => i & 255));
      await bucket.upload(request, 'x', bodyOf(bytes));
      inner.failuresLeft = 1;
      inner.breakAfter = breakAfter;
      assert.ok(Buffer.from(await readAll(request, bucket, 'x')).equals(bytes));
    });

    test(`a listing that breaks after ${breakAfter} names has every name once`, async () => {
      const { inner, bucket } = flaky();
      const names = Array.from({ length: 100 }, (_, i) => `n/${String(i).padStart(3, '0')}`);
      for (const name of names) await bucket.upload(request, name, bodyOf(Buffer.from('x')));
      inner.failuresLeft = 1;
      inner.breakAfter = breakAfter;
      assert.deepEqual(
        (await collectAll(bucket.list(request, 'n'))).map(({ name }) => name),
        names,
      );
    });
  }

  test('an upload is repeated when its body can be read again, and only then', async () => {
    const { inner, bucket } = flaky();
    inner.failuresLeft = 1;
    await bucket.upload(request, 'again', bodyOf(Buffer.from('x')));
    assert.equal(inner.calls, 2);
    async function* once(): AsyncIterable<Uint8Array> {
      yield Buffer.from('x');
    }
    inner.failuresLeft = 1;
    await assert.rejects(bucket.upload(request, 'once', once()), /flaky/);
    assert.equal(inner.calls, 3);
  });

  test('pauses grow, and end at once when the signal aborts', async () => {
    const clock = new FakeClock();
    const policy = new RetryPolicy(
      { logger: silentLogger, clock, random: () => 0.5 },
      { attempts: 9, minDelayMs: 1000, maxDelayMs: 4000 },
    );
    const controller = new AbortController();
    let calls = 0;
    const result = policy.run(controller.signal, 'x', async () => {
      calls++;
      throw new Fault('unavailable', 'down');
    });
    result.catch(() => {});
    await clock.advance(749);
    assert.equal(calls, 1);
    await clock.advance(1);
    assert.equal(calls, 2);
    await clock.advance(1499);
    assert.equal(calls, 2);
    await clock.advance(1);
    assert.equal(calls, 3);
    controller.abort();
    await assert.rejects(result, (thrown) => kindOf(thrown) === 'canceled');
  });

  test('a bucket that is down for long gets few retries', async () => {
    const policy = policyOf();
    let calls = 0;
    for (let i = 0; i < 1000; i++) {
      const call = policy.run(request.signal, 'x', async () => {
        calls++;
        throw new Fault('unavailable', 'down');
      });
      await assert.rejects(call, /down/);
    }
    assert.ok(calls >= 1100 && calls <= 1110, `${calls}`);
  });

  test('retries inside retries do not multiply', async () => {
    const policy = policyOf();
    let calls = 0;
    const inner = () =>
      policy.run(request.signal, 'inner', async () => {
        calls++;
        throw new Fault('unavailable', 'down');
      });
    await assert.rejects(policy.run(request.signal, 'outer', inner), /down/);
    assert.equal(calls, 4);
  });
});

describe('a bucket that limits requests', () => {
  /** Allows 100 requests in each second, and refuses the rest. */
  function limited(clock: FakeClock, retryAfterMs = 0) {
    const counts = { served: 0, refused: 0, refusedLater: 0, servedLater: 0, busiest: 0 };
    let second = -1;
    let inSecond = 0;
    const call = async (): Promise<void> => {
      const now = Math.floor(clock.now() / 1000);
      if (now !== second) inSecond = 0;
      second = now;
      if (++inSecond <= 100) {
        counts.served++;
        if (now >= 60) counts.servedLater++;
        return;
      }
      counts.refused++;
      if (now >= 60) counts.refusedLater++;
      throw new Fault('unavailable', 'slow down', { facts: { throttled: true, retryAfterMs } });
    };
    return { counts, call };
  }

  test('everything arrives, only slower, and after a minute fewer than one in a hundred is refused', async () => {
    const clock = new FakeClock();
    const { counts, call } = limited(clock);
    const policy = new RetryPolicy({ logger: silentLogger, clock });
    let done = 0;
    let failed = 0;
    const worker = async (): Promise<void> => {
      for (let i = 0; i < 400; i++) {
        try {
          await policy.run(request.signal, 'x', call);
          done++;
        } catch {
          failed++;
        }
      }
    };
    const all = Promise.all(Array.from({ length: 40 }, worker));
    for (let second = 0; second < 400 && done + failed < 16_000; second++) await clock.advance(1000);
    await all;
    assert.equal(failed, 0);
    assert.equal(done, 16_000);
    assert.ok(counts.servedLater > 5000, `${counts.servedLater}`);
    assert.ok(counts.refusedLater / counts.servedLater < 0.01, JSON.stringify(counts));
    assert.ok(clock.now() < 340_000, `${clock.now()} ms for what could take 160 000`);
  });

  test('a caller whom it refuses again and again waits for its turn while others get through', async () => {
    const clock = new FakeClock();
    const policy = new RetryPolicy({ logger: silentLogger, clock }, { attempts: 2, minDelayMs: 10, maxDelayMs: 10 });
    let refusals = 0;
    let othersGetThrough = true;
    const unlucky = async (): Promise<string> => {
      if (othersGetThrough) await policy.run(request.signal, 'another', async () => {});
      if (++refusals <= 50 || !othersGetThrough)
        throw new Fault('unavailable', 'slow down', { facts: { throttled: true } });
      return 'done';
    };
    const drive = async <T>(result: Promise<T>): Promise<T> => {
      let isOver = false;
      const over = result.finally(() => {
        isOver = true;
      });
      over.catch(() => {});
      for (let i = 0; i < 10_000 && !isOver; i++) await clock.advance(1000);
      return over;
    };
    assert.equal(await drive(policy.run(request.signal, 'unlucky', unlucky)), 'done');
    othersGetThrough = false;
    refusals = 0;
    await assert.rejects(drive(policy.run(request.signal, 'unlucky', unlucky)), /slow down \(after 2 tries\)/);
    assert.equal(refusals, 2);
  });

  test('a pause it asks for is kept by everybody', async () => {
    const clock = new FakeClock();
    const policy = new RetryPolicy({ logger: silentLogger, clock });
    let calls = 0;
    const refuse = async (): Promise<number> => {
      if (++calls === 1)
        throw new Fault('unavailable', 'slow down', { facts: { throttled: true, retryAfterMs: 30_000 } });
      return clock.now();
    };
    const first = policy.run(request.signal, 'first', refuse);
    await clock.advance(1);
    const second = policy.run(request.signal, 'second', refuse);
    await clock.advance(29_000);
    assert.equal(calls, 1);
    await clock.advance(60_000);
    assert.ok(Math.min(...(await Promise.all([first, second]))) >= 30_000);
  });
});
