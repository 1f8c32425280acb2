import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, describe, test } from 'vitest';
import { FakeClock } from '../async/fake-clock.ts';
import { backgroundRequest, type RequestContext } from '../async/request.ts';
import { Fault, type FaultKind, kindOf, messageOf } from '../errors/fault.ts';
import { type Logger, silentLogger } from '../telemetry/logger.ts';
import { Metrics } from '../telemetry/metrics.ts';
import { testBucket } from './conformance.ts';
import { openBucket } from './factory.ts';
import { HedgingBucket } from './hedging.ts';
import { LatencyQuantile } from './latency-quantile.ts';
import { MemoryBucket } from './memory.ts';
import { RetryPolicy } from './retry-policy.ts';
import { openS3Bucket } from './s3.ts';
import { parseS3Config } from './s3-config.ts';

const config = { enabled: true, up_to: 3, quantile: 0.9 };
const request = backgroundRequest();

testBucket('hedging', async () => ({
  bucket: new HedgingBucket({ metrics: new Metrics(), isThrottled: () => false }, config, new MemoryBucket()),
}));

/** One request as the bucket below sees it, answered when the test says so. */
interface Sent {
  readonly signal: AbortSignal;
  answer(bytes?: Uint8Array): void;
  fail(kind: FaultKind, message?: string): void;
}

class HeldBucket extends MemoryBucket {
  readonly sent: Sent[] = [];
  isHeld = false;

  override getRange(request: RequestContext): Promise<Uint8Array> {
    const { signal } = request;
    if (!this.isHeld) return Promise.resolve(new Uint8Array(1));
    return new Promise((resolve, reject) => {
      this.sent.push({
        signal,
        answer: (bytes = new Uint8Array(1)) => resolve(bytes),
        fail: (kind, message = kind) => reject(new Fault(kind, message)),
      });
    });
  }
}

/** A bucket that has seen a hundred reads of nearly no time, over one that holds those that follow. */
async function warmedUp(given: { isThrottled?: () => boolean; upTo?: number } = {}) {
  const clock = new FakeClock();
  const inner = new HeldBucket();
  const metrics = new Metrics();
  const { isThrottled = () => false, upTo = 3 } = given;
  const bucket = new HedgingBucket({ metrics, clock, isThrottled }, { ...config, up_to: upTo }, inner);
  for (let i = 0; i < 100; i++) await bucket.getRange(request, 'x', 0, 100);
  inner.isHeld = true;
  const count = async (name: string): Promise<number> => {
    const line = (await metrics.text())
      .split('\n')
      .find((text) => text.startsWith(`tributary_objstore_hedges${name}_total{`));
    return Number(line?.split(' ').at(-1));
  };
  return { bucket, inner, clock, count };
}

describe('a read that lasts', () => {
  test('is asked again after the delay, and the first answer counts', async () => {
    const { bucket, inner, clock, count } = await warmedUp();
    const read = bucket.getRange(request, 'x', 0, 100);
    assert.equal(inner.sent.length, 1);
    await clock.advance(1);
    assert.equal(inner.sent.length, 2);
    inner.sent[1].answer(Uint8Array.of(7));
    assert.deepEqual(await read, Uint8Array.of(7));
    assert.ok(inner.sent[0].signal.aborted, 'the slow request is given up');
    assert.deepEqual([await count(''), await count('_won'), await count('_withheld')], [1, 1, 0]);
    assert.equal(clock.sleeperCount, 0);
  });

  test('is not asked again when its own answer comes first, nor when it was quick', async () => {
    const { bucket, inner, clock, count } = await warmedUp();
    const late = bucket.getRange(request, 'x', 0, 100);
    await clock.advance(1);
    inner.sent[0].answer(Uint8Array.of(1));
    assert.deepEqual(await late, Uint8Array.of(1));
    const quick = bucket.getRange(request, 'x', 0, 100);
    inner.sent[2].answer(Uint8Array.of(2));
    assert.deepEqual(await quick, Uint8Array.of(2));
    await clock.advance(1000);
    assert.equal(inner.sent.length, 3);
    assert.deepEqual([await count(''), await count('_won')], [1, 0]);
  });

  for (const upTo of [1, 2, 3, 5]) {
    test(`is asked ${upTo} times at most when up_to says so`, async () => {
      const { bucket, inner, clock } = await warmedUp({ upTo });
      const read = bucket.getRange(request, 'x', 0, 100);
      await clock.advance(1000);
      assert.equal(inner.sent.length, upTo);
      inner.sent[upTo - 1].answer();
      await read;
    });
  }

  test('is timed only, while few of its size were seen', async () => {
    const { bucket, inner, clock } = await warmedUp();
    const read = bucket.getRange(request, 'x', 0, 1_000_000);
    await clock.advance(1000);
    assert.equal(inner.sent.length, 1);
    inner.sent[0].answer();
    await read;
  });

  test('is not asked again while the bucket refuses for speed, and is when that is over', async () => {
    let isThrottled = true;
    const { bucket, inner, clock, count } = await warmedUp({ isThrottled: () => isThrottled });
    const read = bucket.getRange(request, 'x', 0, 100);
    await clock.advance(100);
    assert.equal(inner.sent.length, 1);
    assert.equal(await count(''), 0);
    assert.ok((await count('_withheld')) > 0);
    isThrottled = false;
    await clock.advance(100);
    assert.ok(inner.sent.length > 1);
    inner.sent[0].answer();
    await read;
  });

  test('fails with the first failure when all requests fail, and not before', async () => {
    const { bucket, inner, clock } = await warmedUp();
    const read = bucket.getRange(request, 'x', 0, 100);
    await clock.advance(1);
    inner.sent[0].fail('unavailable', 'first');
    inner.sent[1].fail('timeout', 'second');
    await assert.rejects(read, (thrown) => messageOf(thrown) === 'first');
    assert.equal(clock.sleeperCount, 0);
  });

  test('has the answer of one request when another failed', async () => {
    const { bucket, inner, clock } = await warmedUp();
    const read = bucket.getRange(request, 'x', 0, 100);
    await clock.advance(1);
    inner.sent[0].fail('unavailable');
    inner.sent[1].answer(Uint8Array.of(3));
    assert.deepEqual(await read, Uint8Array.of(3));
  });

  test('fails at once when one request says that there is no such object', async () => {
    const { bucket, inner, clock } = await warmedUp();
    const read = bucket.getRange(request, 'x', 0, 100);
    await clock.advance(1);
    inner.sent[1].fail('not-found');
    await assert.rejects(read, (thrown) => kindOf(thrown) === 'not-found');
    assert.ok(inner.sent[0].signal.aborted);
  });

  test('gives up with its caller, all requests of it', async () => {
    const { bucket, inner, clock } = await warmedUp();
    const caller = new AbortController();
    const read = bucket.getRange(backgroundRequest(caller.signal), 'x', 0, 100);
    await clock.advance(1);
    caller.abort();
    await assert.rejects(read, (thrown) => kindOf(thrown) === 'canceled');
    assert.ok(inner.sent.every(({ signal }) => signal.aborted));
    assert.equal(clock.sleeperCount, 0);
  });
});

test('a bucket that hangs as a whole gets a tenth more requests and a small stock, not three times as many', async () => {
  const { bucket, inner, clock, count } = await warmedUp();
  const reads = Array.from({ length: 400 }, () => bucket.getRange(request, 'x', 0, 100));
  await clock.advance(1000);
  const further = inner.sent.length - reads.length;
  assert.equal(further, 16);
  assert.equal(await count(''), further);
  for (const sent of inner.sent) sent.answer();
  await Promise.all(reads);
});

test('a bucket grown slower is asked as often as before, once its new times are known', async () => {
  const { bucket, inner, clock, count } = await warmedUp();
  let last = 0;
  for (let i = 0; i < 3000; i++) {
    const begun = inner.sent.length;
    const read = bucket.getRange(request, 'x', 0, 100);
    // Each takes 200 ms, whichever of its requests answers.
    await clock.advance(200);
    inner.sent[begun].answer();
    await read;
    if (i === 2900) last = await count('');
  }
  assert.equal(await count(''), last);
});

test('the quantile is right to a tenth', () => {
  for (const [quantile, expected] of [
    [0.5, 500],
    [0.9, 900],
    [0.99, 990],
  ] as const) {
    const latency = new LatencyQuantile(quantile);
    for (let i = 1; i <= 1000; i++) latency.observe((i * 617) % 1001);
    assert.ok(latency.valueMs >= expected * 0.99 && latency.valueMs <= expected * 1.12, `${latency.valueMs}`);
  }
  assert.equal(new LatencyQuantile(0.9).valueMs, 0);
  const endless = new LatencyQuantile(0.9);
  endless.observe(Number.POSITIVE_INFINITY);
  assert.ok(endless.valueMs > 120_000);
});

test('over a slow server every read has its answer, and the sockets of those given up are freed', async () => {
  const clock = new FakeClock();
  const closed: Promise<unknown>[] = [];
  let served = 0;
  const server = createServer((_, response) => {
    // From the hundredth on, every tenth request is never answered.
    if (++served > 100 && served % 10 === 0) {
      closed.push(once(response, 'close'));
      void clock.advance(1);
      return;
    }
    response.writeHead(206, { 'content-length': '4', 'content-range': 'bytes 0-3/4', etag: '"e"' });
    response.end('data');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const endpoint = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const keys = { bucket: 'bucket', endpoint, region: 'r', insecure: true, access_key: 'a', secret_key: 'b' };
  const policy = new RetryPolicy({ logger: silentLogger });
  const inner = await openS3Bucket({ policy }, await parseS3Config(keys, {}));
  const bucket = new HedgingBucket({ metrics: new Metrics(), clock, isThrottled: () => false }, config, inner);
  try {
    for (let i = 0; i < 200; i++) {
      assert.equal(Buffer.from(await bucket.getRange(request, 'x', 0, 4)).toString(), 'data');
    }
    assert.ok(closed.length >= 9, `${closed.length}`);
    await Promise.all(closed);
  } finally {
    await bucket.close();
    server.closeAllConnections();
    server.close();
  }
});

describe('hedging_config', () => {
  const warnings: string[] = [];
  const logger: Logger = { ...silentLogger, warn: (message) => warnings.push(message) };
  const s3 = 'type: S3\nconfig: {bucket: b, endpoint: "127.0.0.1:1", region: r, access_key: a, secret_key: b}\n';
  const closing: { close(): Promise<void> }[] = [];
  afterAll(() => Promise.all(closing.map((bucket) => bucket.close())));
  const open = async (yaml: string, hedges: boolean): Promise<string> => {
    const metrics = new Metrics();
    closing.push(await openBucket({ logger, metrics, env: {} }, yaml, { hedges }));
    return metrics.text();
  };

  for (const [what, yaml, hedges, expected] of [
    ['acts where it is heeded', 'hedging_config: {enabled: true}', true, true],
    ['is accepted where it is not', 'hedging_config: {enabled: true}', false, false],
    ['does nothing unless it is enabled', 'hedging_config: {up_to: 2, quantile: 0.5}', true, false],
    ['may be empty', 'hedging_config:', true, false],
  ] as const) {
    test(what, async () => {
      assert.equal((await open(s3 + yaml, hedges)).includes('tributary_objstore_hedges_total'), expected);
    });
  }

  test('changes nothing for a directory, and that is said', async () => {
    await open('type: FILESYSTEM\nconfig: {directory: /}\nhedging_config: {enabled: true}', true);
    assert.match(warnings.join(), /hedging_config changes nothing/);
  });

  for (const [yaml, message] of [
    ['{enabled: yes please}', /hedging_config\.enabled/],
    ['{quantile: 1}', /hedging_config\.quantile: must be between 0 and 1: 1/],
    ['{quantile: 0}', /hedging_config\.quantile: must be between 0 and 1: 0/],
    ['{up_to: 0}', /hedging_config\.up_to: must be a whole number from 1: 0/],
    ['{up_to: 2.5}', /hedging_config\.up_to: must be a whole number from 1: 2\.5/],
    ['{upto: 2}', /hedging_config: unknown key "upto", did you mean "up_to"/],
  ] as const) {
    test(`${yaml} is refused by its key`, async () => {
      await assert.rejects(open(`${s3}hedging_config: ${yaml}`, false), message);
    });
  }
});
