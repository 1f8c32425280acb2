// Selects read elsewhere: on a thread that is none, which gets its jobs and gives its results as a real one does.

import assert from 'node:assert/strict';
import { describe, test } from 'vitest';
import { ByteBudget } from '../async/byte-budget.ts';
import { backgroundRequest } from '../async/request.ts';
import { Transferred, WorkerPool } from '../async/worker-pool.ts';
import { Fault, kindOf, messageOf } from '../errors/fault.ts';
import { Labels } from '../model/labels.ts';
import { Engine } from '../promql/engine.ts';
import { printResult } from '../promql/result-json.ts';
import { FakeStore as FakeSteps, fakeBatch, fakeChunk, fakeEndpoint, fakeSeries } from '../store/fake-endpoint.ts';
import { type FakeSeries, FakeStore } from '../store/fake-store.ts';
import { proxyDefaults, StoreProxy } from '../store/proxy.ts';
import type { Store } from '../store/store.ts';
import { selectDefaults } from './config.ts';
import { FanOutQueryable } from './queryable.ts';
import { runJob, type SelectJob } from './select-job.ts';
import { type RunJob, SelectThreads } from './select-threads.ts';

const MINUTE_MS = 60_000;
const SERIES = 24;
const SAMPLES = 400;

/** Counters with resets and gauges with odd values, of two replicas with holes. */
function series(): FakeSeries[] {
  let state = 7;
  const random = (): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
  const all: FakeSeries[] = [];
  for (const replica of ['a', 'b']) {
    for (let i = 0; i < SERIES; i++) {
      for (const name of ['requests_total', 'temperature', 'jobs']) {
        const labels = Labels.of({ __name__: name, instance: `i${i}`, group: `g${i % 7}`, replica });
        const samples: [number, number][] = [];
        let value = Math.floor(random() * 1000);
        for (let k = 0; k < SAMPLES; k++) {
          if (random() < 0.05) k += Math.floor(random() * 10);
          const time = k * 15_000 + Math.floor(random() * 900) + (replica === 'a' ? 0 : 4000);
          if (name === 'temperature') value = random() < 0.02 ? Number.NaN : random() * 1e3 - 500;
          else value = random() < 0.01 ? 0 : value + Math.floor(random() * 20);
          samples.push([time, value]);
        }
        all.push({ labels, samples });
      }
    }
  }
  return all;
}

/** Clones as messages between threads are cloned, and counts. */
class NoThread {
  jobCount = 0;
  readonly run: RunJob = async (_, job, transfer) => {
    this.jobCount++;
    const sent = structuredClone(job, { transfer: [...transfer] as ArrayBuffer[] }) as SelectJob;
    await Promise.resolve();
    const result = runJob(sent);
    if (!(result instanceof Transferred)) return result;
    return structuredClone(result.value, { transfer: [...result.transfer] as ArrayBuffer[] });
  };
}

const engine = new Engine({
  lookbackMs: 300_000,
  timeoutMs: 60_000,
  defaultEvaluationIntervalMs: MINUTE_MS,
  experimentalFunctions: true,
});

interface Given {
  readonly size: number;
  readonly fromSamples?: number;
  readonly run: RunJob;
}

function queryableOf(stores: readonly Store[], given?: Given): FanOutQueryable {
  const proxy = inSmallBatches(
    new StoreProxy({ endpoints: () => stores.map((one) => fakeEndpoint(one)) }, proxyDefaults),
  );
  const threads =
    given === undefined
      ? undefined
      : new SelectThreads({ size: given.size, fromSamples: given.fromSamples ?? 0 }, given.run);
  return new FanOutQueryable({ proxy, threads }, { ...selectDefaults, replicaLabels: ['replica'] });
}

/** Batches are of some series, so that there are several. */
function inSmallBatches(proxy: StoreProxy, batchSeries = 9) {
  const store: Store = {
    labelNames: (...asked) => proxy.labelNames(...asked),
    labelValues: (...asked) => proxy.labelValues(...asked),
    async *series(...asked) {
      for await (const { series, warnings } of proxy.series(...asked)) {
        yield { series: [], warnings };
        for (let i = 0; i < series.length; i += batchSeries) {
          yield { series: series.slice(i, i + batchSeries), warnings: [] };
        }
      }
    },
  };
  return { ...store, matching: () => store };
}

/** An answer as text, of which every digit counts. */
async function answer(queryable: FanOutQueryable, expression: string, stepMs: number): Promise<string> {
  const spec = { expression, startMs: 0, endMs: SAMPLES * 15_000, stepMs };
  const { value, warnings, infos, stats } = await engine.range(backgroundRequest(), queryable, spec);
  return JSON.stringify([[...printResult(value)].join(''), warnings, infos, stats.samples]);
}

const expressions = [
  'temperature',
  'requests_total offset 2m',
  'timestamp(jobs)',
  'sum by (group) (rate(requests_total[5m]))',
  'avg by (group) (temperature)',
  'stddev(avg_over_time(temperature[3m]))',
  'increase(requests_total[10m] @ 3000)',
  'irate(jobs[1m]) / on (instance) rate(requests_total[2m])',
  'topk(3, max_over_time(temperature[1h]))',
  'quantile_over_time(1.5, temperature[5m])',
  'quantile_over_time(scalar(avg(temperature)) / 1000, temperature[5m])',
  'predict_linear(requests_total[10m], 600) - deriv(requests_total[10m])',
  'sum_over_time(temperature[7m]) or sum_over_time(jobs[7m])',
  'resets(requests_total[30m]) + changes(requests_total[30m])',
  'max_over_time(sum(rate(requests_total[1m]))[10m:1m])',
  'rate(jobs[5m])',
  'double_exponential_smoothing(temperature[10m], 0.3, 0.6)',
  'count(absent_over_time(nothing[5m])) + sum(last_over_time(jobs[5m]))',
  '-temperature > bool 0',
];

describe('selects read on other threads', () => {
  const stores = [new FakeStore(series())];
  for (const expression of expressions) {
    test(`${expression} has the same bits`, async () => {
      for (const stepMs of [MINUTE_MS, 7_777_777]) {
        const here = await answer(queryableOf(stores), expression, stepMs);
        for (const size of [1, 2]) {
          const thread = new NoThread();
          assert.equal(await answer(queryableOf(stores, { size, run: thread.run }), expression, stepMs), here);
          assert.ok(thread.jobCount > 2, `${thread.jobCount} jobs`);
        }
      }
    });
  }

  test('results that come in another order are taken in theirs', async () => {
    const thread = new NoThread();
    const late: (() => void)[] = [];
    // Every second job waits for the one after it, and the last one for nothing but the end of the answers before.
    const run: RunJob = async (...job) => {
      const result = await thread.run(...job);
      if (thread.jobCount % 2 === 1 && late.length === 0) {
        await new Promise<void>((resolve) => {
          late.push(resolve);
          setTimeout(resolve, 50);
        });
        late.length = 0;
      } else late[0]?.();
      return result;
    };
    const expression = 'sum by (group) (rate(requests_total[5m]))';
    const here = await answer(queryableOf(stores), expression, MINUTE_MS);
    assert.equal(await answer(queryableOf(stores, { size: 2, run }), expression, MINUTE_MS), here);
  });

  test('a select is read here until it is large', async () => {
    for (const [fromSamples, isSent] of [
      [1_000_000, false],
      [5_000, true],
    ] as const) {
      const thread = new NoThread();
      const queryable = queryableOf(stores, { size: 1, fromSamples, run: thread.run });
      await answer(queryable, 'sum(temperature)', MINUTE_MS);
      assert.equal(thread.jobCount > 0, isSent);
    }
  });

  test('without threads nothing is sent', () => {
    const threads = new SelectThreads({ size: 2, fromSamples: 0 });
    // From source there are none.
    assert.equal(threads.of(backgroundRequest()), undefined);
    assert.equal(new SelectThreads({ size: 0, fromSamples: 0 }, new NoThread().run).of(backgroundRequest()), undefined);
  });

  test('a chunk that is no chunk fails in the same words', async () => {
    const good = fakeChunk(1000, 3000, [...Buffer.from('0003d00f3ff0000000000000e807c25fff4004', 'hex')]);
    const bad = fakeChunk(1000, 3000, [0, 9, 1]);
    const failures: string[] = [];
    for (const given of [undefined, { size: 1, run: new NoThread().run }]) {
      const steps = new FakeSteps([
        fakeBatch([fakeSeries('__name__=up a=1', good), fakeSeries('__name__=up a=2', bad)]),
      ]);
      await answer(queryableOf([steps], given), 'up', MINUTE_MS).then(
        () => assert.fail('it was read'),
        (thrown) => failures.push(`${kindOf(thrown)}: ${messageOf(thrown)}`),
      );
    }
    assert.equal(failures[0], failures[1]);
    assert.match(failures[0], /corrupt: .*a="2"/);
  });

  test('a thread that dies fails its query alone', async () => {
    const pool = new WorkerPool({
      size: 1,
      script: new URL('file:///nowhere.js'),
      source: "require('node:worker_threads').parentPort.on('message', () => process.exit(7))",
    });
    try {
      const run: RunJob = (signal, job, transfer) => pool.run(signal, job, undefined, transfer);
      const queryable = queryableOf(stores, { size: 1, run });
      for (let i = 0; i < 2; i++) {
        await assert.rejects(
          answer(queryable, 'temperature', MINUTE_MS),
          (thrown) => kindOf(thrown) === 'internal' && /worker thread ended with 7/.test(messageOf(thrown)),
        );
      }
    } finally {
      await pool.close();
    }
  });

  test('a query that ends waits for no thread, and gives back what it held', async () => {
    const controller = new AbortController();
    const budget = new ByteBudget({ totalBytes: 0, shareBytes: 0 });
    const bytes = budget.open(() => {});
    const ends: AbortSignal[] = [];
    const run: RunJob = (signal) => {
      ends.push(signal);
      if (ends.length === 2) controller.abort(new Fault('canceled', 'the client left'));
      return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
    };
    const queryable = queryableOf(stores, { size: 2, run });
    const spec = { expression: 'temperature', startMs: 0, endMs: 600_000, stepMs: MINUTE_MS };
    await assert.rejects(
      engine.range({ ...backgroundRequest(controller.signal), bytes }, queryable, spec),
      (thrown) => kindOf(thrown) === 'canceled',
    );
    assert.equal(ends.length, 2);
    assert.ok(bytes.peakBytes > 0);
    bytes.close();
    assert.equal(budget.usedBytes, 0);
  });
});
