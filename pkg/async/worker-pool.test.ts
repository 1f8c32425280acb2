import assert from 'node:assert/strict';
import { afterEach, describe, test } from 'vitest';
import { Fault, kindOf, messageOf } from '../errors/fault.ts';
import { WorkerPool } from './worker-pool.ts';

const never = new AbortController().signal;
const pools: WorkerPool[] = [];
afterEach(async () => {
  for (const pool of pools.splice(0)) await pool.close();
});

/** The body of a thread that answers as `serveJobs` does; `job` is what came in. */
function poolOf(body: string, size = 2): WorkerPool {
  const source = `const { parentPort, threadId } = require('node:worker_threads');
    parentPort.on('message', async (job) => { ${body} });`;
  const pool = new WorkerPool({ size, script: new URL('file:///none'), source });
  pools.push(pool);
  return pool;
}

describe('a pool of worker threads', () => {
  test('gives back what a job gave, and keeps the thread for the next', async () => {
    const pool = poolOf('parentPort.postMessage({ value: [job, threadId] });');
    const first = (await pool.run(never, 'a')) as [string, number];
    const second = (await pool.run(never, 'b')) as [string, number];
    assert.deepEqual([first[0], second[0], second[1]], ['a', 'b', first[1]]);
    assert.equal(pool.threadCount, 1);
  });

  test('tells of the progress of a job while it runs, and of no other', async () => {
    const pool = poolOf(
      'for (let i = 0; i < job; i++) parentPort.postMessage({ isProgress: true }); parentPort.postMessage({ value: job });',
      1,
    );
    const told = [0, 0];
    const jobs = [3, 2].map((count, i) => pool.run(never, count, () => told[i]++));
    assert.deepEqual(await Promise.all(jobs), [3, 2]);
    assert.deepEqual(told, [3, 2]);
  });

  test('hands buffers over without a copy', async () => {
    const pool = poolOf('parentPort.postMessage({ value: job.length });', 1);
    const job = new Uint8Array(1000);
    assert.equal(await pool.run(never, job, undefined, [job.buffer]), 1000);
    assert.equal(job.byteLength, 0, 'it is gone here');
  });

  test('ends idle threads when it is told to, and starts others for the next job', async () => {
    const pool = poolOf('parentPort.postMessage({ value: threadId });', 1);
    const first = await pool.run(never, '');
    await pool.endIdle();
    assert.equal(pool.threadCount, 0);
    assert.notEqual(await pool.run(never, ''), first);
    assert.equal(pool.threadCount, 1);
  });

  test('has a thread ready for the first job when it is told to prepare, and no more than one', async () => {
    const pool = poolOf('parentPort.postMessage({ value: job });', 2);
    pool.prepare();
    pool.prepare();
    assert.equal(pool.threadCount, 1);
    assert.equal(await pool.run(never, 'a'), 'a');
    assert.equal(pool.threadCount, 1, 'it is the one that was prepared');
    await pool.close();
    pool.prepare();
    assert.equal(pool.threadCount, 0, 'nothing starts once it is closed');
  });

  test('runs no more jobs at once than it has threads', async () => {
    const pool = poolOf('parentPort.postMessage({ value: threadId });', 2);
    const threads = await Promise.all(Array.from({ length: 20 }, () => pool.run(never, '')));
    assert.equal(new Set(threads).size, 2);
  });

  test('throws the failure of a job with kind, message and facts', async () => {
    const pool = poolOf(
      "parentPort.postMessage({ fault: { kind: 'corrupt', message: 'no', facts: { block: '01J' } }, stack: '' });",
    );
    await assert.rejects(pool.run(never, ''), (thrown) => {
      assert.ok(thrown instanceof Fault);
      assert.deepEqual([thrown.kind, thrown.message, thrown.facts], ['corrupt', 'no', { block: '01J' }]);
      return true;
    });
    assert.equal(pool.threadCount, 1);
  });

  test('ends a thread that is busy when the signal aborts, and starts another for the next job', async () => {
    const pool = poolOf("if (job === 'hang') for (;;); parentPort.postMessage({ value: job });", 1);
    const stop = new AbortController();
    const hanging = pool.run(stop.signal, 'hang');
    const waiting = pool.run(never, 'next');
    setImmediate(() => stop.abort(new Fault('canceled', 'enough')));
    await assert.rejects(hanging, (thrown) => messageOf(thrown) === 'enough');
    assert.equal(await waiting, 'next');
  });

  for (const [what, body, kind, text] of [
    ['exits', 'process.exit(3);', 'internal', /worker thread ended with 3/],
    ['throws', "setImmediate(() => { throw new Error('boom'); });", 'internal', /worker thread died: boom/],
  ] as const) {
    test(`says so when a thread ${what}`, async () => {
      const pool = poolOf(`if (job === 'bad') { ${body} } else parentPort.postMessage({ value: job });`);
      await assert.rejects(pool.run(never, 'bad'), (thrown) => kindOf(thrown) === kind && text.test(messageOf(thrown)));
      assert.equal(await pool.run(never, 'good'), 'good');
    });
  }

  test('says so when a thread runs out of memory', async () => {
    const source = `const { parentPort } = require('node:worker_threads');
      parentPort.on('message', () => { const all = []; for (;;) all.push(new Array(1e5).fill({})); });`;
    const pool = new WorkerPool({ size: 1, script: new URL('file:///none'), source, maxHeapMb: 32 });
    pools.push(pool);
    await assert.rejects(pool.run(never, ''), (thrown) => kindOf(thrown) === 'limit');
  });

  test('fails the jobs in hand when it is closed', async () => {
    const pool = poolOf('for (;;);');
    const job = pool.run(never, '');
    const failed = assert.rejects(job, /worker thread ended/);
    await new Promise((resolve) => setImmediate(resolve));
    await pool.close();
    await failed;
    await assert.rejects(pool.run(never, ''), (thrown) => kindOf(thrown) === 'canceled');
  });
});
