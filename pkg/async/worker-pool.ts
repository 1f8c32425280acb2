// Work on threads of its own, one job a thread at a time. A thread runs a file that calls `serveJobs`; what goes in and
// comes out is plain data. Threads stay for the next job until the pool is closed.

import { parentPort, type Transferable, Worker } from 'node:worker_threads';
import { Fault, type FaultKind, kindOf, messageOf, stackOf } from '../errors/fault.ts';
import { faultOf, sharedSignal } from './deadline.ts';
import { Gate } from './gate.ts';

/** Of a job at work: it gets on. */
interface ProgressMessage {
  readonly isProgress: true;
}

type Answer =
  | { readonly value: unknown }
  | {
      readonly fault: { readonly kind: FaultKind; readonly message: string; readonly facts: Fault['facts'] };
      readonly stack: string;
    };

export interface WorkerPoolConfig {
  /** Threads at most, and so jobs at once; the others wait in order. */
  readonly size: number;
  /** The program of a thread: a built file, since Node reads no other. */
  readonly script: URL;
  /** The source text itself instead of a file: for tests. */
  readonly source?: string;
  /** Heap of one thread; the platform's own limit when absent. */
  readonly maxHeapMb?: number;
}

export class WorkerPool {
  readonly #config: WorkerPoolConfig;
  readonly #gate: Gate;
  readonly #idle: Worker[] = [];
  readonly #all = new Set<Worker>();
  #isClosed = false;

  /** Starts nothing before the first job, or before it is told to prepare. */
  constructor(config: WorkerPoolConfig) {
    this.#config = config;
    this.#gate = new Gate(config.size);
  }

  /** Threads that there are. */
  get threadCount(): number {
    return this.#all.size;
  }

  /**
   * Has a thread do a job, and gives its result. A job's failure is thrown as it was: kind, message and facts. An abort
   * ends the thread on the spot, whatever it is doing, and so may leave files half written; a thread that dies is
   * `internal`, one that runs out of memory `limit`. `onProgress` is called now and then while the job gets on. Buffers
   * named in `transfer` go over without a copy and are gone here.
   */
  async run(
    signal: AbortSignal,
    job: unknown,
    onProgress: () => void = () => {},
    transfer: readonly Transferable[] = [],
  ): Promise<unknown> {
    return this.#gate.run(signal, async () => {
      if (signal.aborted) throw faultOf(signal);
      if (this.#isClosed) throw new Fault('canceled', 'the worker threads are closed');
      const worker = this.#idle.pop() ?? this.#start();
      let answer: Answer;
      try {
        answer = await ask(worker, job, signal, onProgress, transfer);
      } catch (thrown) {
        this.#all.delete(worker);
        await worker.terminate();
        throw thrown;
      }
      if (this.#isClosed) await worker.terminate();
      else this.#idle.push(worker);
      if ('value' in answer) return answer.value;
      const { kind, message, facts } = answer.fault;
      throw new Fault(kind, message, { facts, cause: answer.stack });
    });
  }

  /** Starts a thread, unless there is one, so that the first job finds it ready. */
  prepare(): void {
    if (!this.#isClosed && this.#all.size === 0) this.#idle.push(this.#start());
  }

  /** Ends the threads that have nothing to do; the next job starts one anew. */
  async endIdle(): Promise<void> {
    const idle = this.#idle.splice(0);
    await Promise.all(idle.map((worker) => worker.terminate()));
  }

  /** Ends all threads, those at work too, whose jobs fail then. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#idle.length = 0;
    await Promise.all([...this.#all].map((worker) => worker.terminate()));
  }

  #start(): Worker {
    const { script, source, maxHeapMb } = this.#config;
    const resourceLimits = maxHeapMb === undefined ? {} : { maxOldGenerationSizeMb: maxHeapMb };
    const options = { resourceLimits, eval: source !== undefined };
    const worker = new Worker(source ?? script, options);
    // An idle thread keeps no process alive; one at work has somebody waiting for it.
    worker.unref();
    this.#all.add(worker);
    worker.on('exit', () => {
      this.#all.delete(worker);
      const at = this.#idle.indexOf(worker);
      if (at >= 0) this.#idle.splice(at, 1);
    });
    // Who waits for a job hears of its failure below; a thread that dies idle is simply gone.
    worker.on('error', () => {});
    return worker;
  }
}

function ask(
  worker: Worker,
  job: unknown,
  signal: AbortSignal,
  onProgress: () => void,
  transfer: readonly Transferable[],
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const onMessage = (message: Answer | ProgressMessage): void => {
      if ('isProgress' in message) onProgress();
      else end(() => resolve(message));
    };
    const onError = (thrown: unknown): void => {
      const isMemory = (thrown as { code?: unknown } | null)?.code === 'ERR_WORKER_OUT_OF_MEMORY';
      const kind = isMemory ? 'limit' : 'internal';
      end(() => reject(new Fault(kind, `worker thread died: ${messageOf(thrown)}`, { cause: thrown })));
    };
    const onExit = (code: number): void => end(() => reject(new Fault('internal', `worker thread ended with ${code}`)));
    const onAbort = (): void => end(() => reject(faultOf(signal)));
    const end = (settle: () => void): void => {
      worker.unref();
      worker.off('message', onMessage);
      worker.off('error', onError);
      worker.off('exit', onExit);
      signal.removeEventListener('abort', onAbort);
      settle();
    };
    worker.on('message', onMessage);
    worker.on('error', onError);
    worker.on('exit', onExit);
    sharedSignal(signal).addEventListener('abort', onAbort, { once: true });
    worker.ref();
    worker.postMessage(job, transfer);
  });
}

/** A result some buffers of which go over without a copy. */
export class Transferred {
  readonly value: unknown;
  readonly transfer: readonly Transferable[];

  constructor(value: unknown, transfer: readonly Transferable[]) {
    this.value = value;
    this.transfer = transfer;
  }
}

/** A job that gets on says so this often at most, ms. */
const PROGRESS_MS = 1_000;

/**
 * The other side: to be called once by the file a pool names. Jobs come one after the other; each may call `onProgress` as
 * often as it likes while it gets on, and give its result as `Transferred`.
 */
export function serveJobs(work: (job: unknown, onProgress: () => void) => Promise<unknown>): void {
  const port = parentPort;
  if (port === null) throw new Fault('internal', 'broken invariant: this file runs on a worker thread only');
  port.on('message', (job: unknown) => {
    let toldAt = performance.now();
    const onProgress = (): void => {
      const now = performance.now();
      if (now - toldAt < PROGRESS_MS) return;
      toldAt = now;
      port.postMessage({ isProgress: true } satisfies ProgressMessage);
    };
    void answerTo(job, work, onProgress).then((answer) => {
      const result = 'value' in answer ? answer.value : undefined;
      if (result instanceof Transferred) port.postMessage({ value: result.value }, result.transfer);
      else port.postMessage(answer);
    });
  });
}

async function answerTo(
  job: unknown,
  work: (job: unknown, onProgress: () => void) => Promise<unknown>,
  onProgress: () => void,
): Promise<Answer> {
  try {
    return { value: await work(job, onProgress) };
  } catch (thrown) {
    const facts = thrown instanceof Fault ? thrown.facts : {};
    return { fault: { kind: kindOf(thrown), message: messageOf(thrown), facts }, stack: stackOf(thrown) };
  }
}
