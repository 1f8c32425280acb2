import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'vitest';
import { FakeClock } from '../async/fake-clock.ts';
import { backgroundRequest } from '../async/request.ts';
import { parseSelectorRules } from '../config/selector-rules.ts';
import { kindOf, messageOf } from '../errors/fault.ts';
import { type Bucket, bodyOf, readAll } from '../objstore/bucket.ts';
import { MemoryBucket } from '../objstore/memory.ts';
import { silentLogger } from '../telemetry/logger.ts';
import { Metrics } from '../telemetry/metrics.ts';
import { holderIn, LEASE_OBJECT, Lease } from './lease.ts';

const request = backgroundRequest();
const TTL_MS = 60_000;

function leaseOf(bucket: Bucket, clock: FakeClock, holder: string, elapsed = () => clock.now()): Lease {
  const deps = { bucket, logger: silentLogger, metrics: new Metrics(), clock, elapsed };
  return new Lease(deps, { holder, ttlMs: TTL_MS });
}

/** A bucket without conditional writes. */
function plain(): Bucket {
  const bucket = new MemoryBucket();
  Object.defineProperty(bucket, 'conditional', { value: undefined });
  return bucket;
}

/** What a promise came to once time has gone by. */
async function outcome(clock: FakeClock, ms: number, work: Promise<void>): Promise<string> {
  let state = 'waiting';
  work.then(
    () => {
      state = 'done';
    },
    (thrown) => {
      state = messageOf(thrown);
    },
  );
  for (let spent = 0; spent < ms; spent += 1000) await clock.advance(1000);
  return state;
}

for (const [what, make] of [
  ['with conditional writes', () => new MemoryBucket()],
  ['without conditional writes', plain],
] as const) {
  describe(`the lease of a bucket ${what}`, () => {
    test('is had at once where nobody has it, and again by its holder after a restart', async () => {
      const clock = new FakeClock(1);
      const bucket = make();
      assert.equal(await outcome(clock, 5_000, leaseOf(bucket, clock, 'a').acquire(request)), 'done');
      const again = leaseOf(bucket, clock, 'a');
      assert.equal(await outcome(clock, 5_000, again.acquire(request)), 'done');
      assert.equal(again.fence, 2);
    });

    test('is one for each shard: shards do not wait for each other, replicas of one do', async () => {
      const clock = new FakeClock(1);
      const bucket = make();
      const deps = { bucket, logger: silentLogger, metrics: new Metrics(), clock, elapsed: () => clock.now() };
      const lease = (holder: string, shard: number): Lease => {
        const config = `[{action: keep, source_labels: [shard], regex: ${shard}}]`;
        return new Lease(deps, { holder, ttlMs: TTL_MS, shard: parseSelectorRules(config) });
      };
      assert.equal(await outcome(clock, 5_000, lease('a', 0).acquire(request)), 'done');
      assert.equal(await outcome(clock, 5_000, lease('b', 1).acquire(request)), 'done');
      assert.equal(await outcome(clock, 5_000, leaseOf(bucket, clock, 'c').acquire(request)), 'done');
      const [zero, one] = [lease('d', 0), lease('a', 0)];
      assert.equal(await outcome(clock, 5_000, zero.acquire(request)), 'waiting');
      assert.equal(await outcome(clock, 5_000, one.acquire(request)), 'done');
    });

    test('is refused to a second one while the first shows signs of life, who is named', async () => {
      const clock = new FakeClock(1);
      const bucket = make();
      const first = leaseOf(bucket, clock, 'a');
      await outcome(clock, 5_000, first.acquire(request));
      const second = leaseOf(bucket, clock, 'b');
      const waiting = second.acquire(request);
      waiting.catch(() => {});
      await clock.advance(20_000);
      await first.renew(request);
      assert.equal(await outcome(clock, 20_000, waiting), 'another compactor, a, works on this bucket');
      assert.equal(second.isHeld, false);
      await first.ensure(request);
    });

    test('is taken from one that is silent, which finds out before its next change', async () => {
      const clock = new FakeClock(1);
      const bucket = make();
      const first = leaseOf(bucket, clock, 'a');
      await outcome(clock, 5_000, first.acquire(request));
      const second = leaseOf(bucket, clock, 'b');
      assert.equal(await outcome(clock, TTL_MS + 10_000, second.acquire(request)), 'done');
      assert.equal(second.fence, 2);
      await assert.rejects(first.ensure(request), (thrown) => {
        assert.equal(messageOf(thrown), 'another compactor, b, has taken over the bucket');
        return kindOf(thrown) === 'conflict';
      });
      await assert.rejects(first.ensure(request), /does not hold the lease/);
      await second.ensure(request);
    });

    test('is free for the next one when it was released', async () => {
      const clock = new FakeClock(1);
      const bucket = make();
      const first = leaseOf(bucket, clock, 'a');
      await outcome(clock, 5_000, first.acquire(request));
      await first.release(request);
      const second = leaseOf(bucket, clock, 'b');
      assert.equal(await outcome(clock, 5_000, second.acquire(request)), 'done');
    });

    test('goes to one of five that start at once with clocks that differ, and to no other', async () => {
      const clock = new FakeClock(1);
      const bucket = make();
      const all = Array.from({ length: 5 }, (_, i) => leaseOf(bucket, clock, `c${i}`, () => clock.now() + i * 3.6e6));
      const attempts = all.map((lease) => lease.acquire(request).catch(() => {}));
      for (let i = 0; i < TTL_MS / 1000 / 2; i++) await clock.advance(1000);
      const holders = all.filter(({ isHeld }) => isHeld);
      assert.equal(holders.length, 1);
      for (let i = 0; i < (3 * TTL_MS) / 1000; i++) {
        if (i % 10 === 0) await holders[0].renew(request);
        await clock.advance(1000);
      }
      await Promise.all(attempts);
      assert.deepEqual(
        all.filter(({ isHeld }) => isHeld),
        holders,
      );
    });

    test('is kept by one whose write was made although it seemed to fail', async () => {
      const clock = new FakeClock(1);
      const bucket = make();
      const lease = leaseOf(bucket, clock, 'a');
      await outcome(clock, 5_000, lease.acquire(request));
      // The same write once more, as a retry of it would be seen from outside.
      const text = Buffer.from(await readAll(request, bucket, LEASE_OBJECT)).toString();
      const again = Buffer.from(text.replace(/"write":"[^"]+"/, '"write":"X"'));
      await bucket.upload(request, LEASE_OBJECT, bodyOf(again));
      await lease.renew(request);
      assert.equal(lease.isHeld, true);
    });
  });
}

test('a lease object that is no lease binds nobody', async () => {
  const clock = new FakeClock(1);
  for (const text of ['', '{}', 'null', '{"version":2,"holder":"x","fence":1,"ttlMs":1}', '{"version":1,"holder":7}']) {
    const bucket = new MemoryBucket();
    await bucket.upload(request, LEASE_OBJECT, bodyOf(Buffer.from(text)));
    const lease = leaseOf(bucket, clock, 'a');
    await lease.acquire(request);
    assert.equal(lease.isHeld, true);
  }
});

test('the name of a compactor stays with its directory on one machine, and on another it is a new one', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'holder-'));
  try {
    const name = await holderIn(directory, 'host-a');
    assert.match(name, /^host-a-/);
    assert.equal(await holderIn(directory, 'host-a'), name);
    const other = await holderIn(directory, 'host');
    assert.match(other, /^host-[0-9A-Z]{26}$/);
    assert.match(await holderIn(directory, 'host-a'), /^host-a-/);
    assert.notEqual(await holderIn(directory, 'host-a'), name);
  } finally {
    rmSync(directory, { recursive: true });
  }
});
