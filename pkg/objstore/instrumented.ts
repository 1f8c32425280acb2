// Counts and times every operation on a bucket. A missing object and a caller who left are no failures of the bucket.

import type { RequestContext } from '../async/request.ts';
import { kindOf } from '../errors/fault.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import {
  type Bucket,
  type ConditionalWrites,
  isReadOnce,
  type LinkTo,
  type ListedObject,
  type ListOptions,
  type ObjectAttributes,
  type UploadOptions,
} from './bucket.ts';
import { ByteStream } from './byte-stream.ts';

const operations = ['iter', 'get', 'get_range', 'exists', 'upload', 'delete', 'attributes'] as const;
type Operation = (typeof operations)[number];

const DURATION_BUCKETS = [0.001, 0.01, 0.1, 0.3, 0.6, 1, 3, 6, 9, 20, 30, 60, 90, 120];
const SIZE_BUCKETS = Array.from({ length: 16 }, (_, i) => 2 ** (15 + i));

export class InstrumentedBucket implements Bucket {
  readonly name: string;
  readonly conditional?: ConditionalWrites;
  readonly linkTo?: LinkTo;
  readonly #inner: Bucket;
  readonly #meters: ReturnType<typeof metersOf>;
  readonly #ranges: ReturnType<typeof rangeMetersOf>;

  constructor(deps: { readonly metrics: Metrics }, inner: Bucket) {
    this.name = inner.name;
    this.#inner = inner;
    this.#meters = metersOf(deps.metrics);
    this.#ranges = rangeMetersOf(this.#meters, this.name);
    const bucket = this.name;
    for (const operation of operations) {
      this.#meters.operations.inc({ bucket, operation }, 0);
      this.#meters.failures.inc({ bucket, operation }, 0);
    }
    this.#meters.lastUpload.set({ bucket }, 0);
    const { conditional, linkTo } = inner;
    if (linkTo !== undefined) {
      this.linkTo = async (request, name, path) => {
        const isLinked = await linkTo(request, name, path);
        // What could not be linked is got, and counted, in the usual way.
        if (isLinked) this.#begin('get')();
        return isLinked;
      };
    }
    if (conditional !== undefined) {
      this.conditional = {
        ...conditional,
        read: (request, name) => this.#timed('get', () => conditional.read(request, name)),
        write: (request, name, bytes, expected) =>
          this.#timed('upload', () => conditional.write(request, name, bytes, expected)),
      };
    }
  }

  async *list(request: RequestContext, directory: string, options?: ListOptions): AsyncIterable<ListedObject> {
    const end = this.#begin('iter');
    try {
      yield* this.#inner.list(request, directory, options);
    } catch (thrown) {
      this.#failed('iter', thrown);
      throw thrown;
    } finally {
      end();
    }
  }

  async get(request: RequestContext, name: string): Promise<AsyncIterable<Uint8Array>> {
    const end = this.#begin('get');
    let size = 0;
    try {
      const iterator = (await this.#inner.get(request, name))[Symbol.asyncIterator]();
      return new ByteStream({
        pull: async () => {
          try {
            const next = await iterator.next();
            if (next.done === true) return undefined;
            size += next.value.length;
            this.#meters.fetched.inc({ bucket: this.name, operation: 'get' }, next.value.length);
            return next.value;
          } catch (thrown) {
            this.#failed('get', thrown);
            throw thrown;
          }
        },
        close: async () => {
          end();
          this.#meters.transferred.observe({ bucket: this.name, operation: 'get' }, size);
          await iterator.return?.();
        },
      });
    } catch (thrown) {
      this.#failed('get', thrown);
      end();
      throw thrown;
    }
  }

  async getRange(request: RequestContext, name: string, offset: number, length: number): Promise<Uint8Array> {
    const { begun, duration, fetched, transferred } = this.#ranges;
    begun.inc();
    const since = performance.now();
    try {
      const bytes = await this.#inner.getRange(request, name, offset, length);
      fetched.inc(bytes.length);
      transferred.observe(bytes.length);
      return bytes;
    } catch (thrown) {
      this.#failed('get_range', thrown);
      throw thrown;
    } finally {
      duration.observe((performance.now() - since) / 1000);
    }
  }

  exists(request: RequestContext, name: string): Promise<boolean> {
    return this.#timed('exists', () => this.#inner.exists(request, name));
  }

  attributes(request: RequestContext, name: string): Promise<ObjectAttributes> {
    return this.#timed('attributes', () => this.#inner.attributes(request, name));
  }

  async upload(
    request: RequestContext,
    name: string,
    body: AsyncIterable<Uint8Array>,
    options?: UploadOptions,
  ): Promise<void> {
    let size = 0;
    const counted: AsyncIterable<Uint8Array> = {
      async *[Symbol.asyncIterator]() {
        size = 0;
        for await (const part of body) {
          size += part.length;
          yield part;
        }
      },
    };
    // A body that can be read only once stays one, so that nobody below tries it again.
    const passed = isReadOnce(body) ? counted[Symbol.asyncIterator]() : counted;
    await this.#timed('upload', () => this.#inner.upload(request, name, passed as AsyncIterable<Uint8Array>, options));
    this.#meters.lastUpload.set({ bucket: this.name }, Date.now() / 1000);
    // What was linked was not read.
    const sizeBytes = options?.ownFile === undefined ? size : (options.sizeBytes ?? size);
    this.#meters.transferred.observe({ bucket: this.name, operation: 'upload' }, sizeBytes);
  }

  delete(request: RequestContext, name: string): Promise<void> {
    return this.#timed('delete', () => this.#inner.delete(request, name));
  }

  close(): Promise<void> {
    return this.#inner.close();
  }

  /** Counts the operation; call what it returns at the end. */
  #begin(operation: Operation): () => void {
    this.#meters.operations.inc({ bucket: this.name, operation });
    return this.#meters.duration.startTimer({ bucket: this.name, operation });
  }

  #failed(operation: Operation, thrown: unknown): void {
    const kind = kindOf(thrown);
    if (kind !== 'not-found' && kind !== 'canceled' && kind !== 'conflict')
      this.#meters.failures.inc({ bucket: this.name, operation });
  }

  async #timed<T>(operation: Operation, work: () => Promise<T>): Promise<T> {
    const end = this.#begin(operation);
    try {
      return await work();
    } catch (thrown) {
      this.#failed(operation, thrown);
      throw thrown;
    } finally {
      end();
    }
  }
}

/** Ranged reads are many and small: their children are looked up once. */
function rangeMetersOf(meters: ReturnType<typeof metersOf>, bucket: string) {
  const labels = { bucket, operation: 'get_range' };
  return {
    begun: meters.operations.labels(labels),
    duration: meters.duration.labels(labels),
    fetched: meters.fetched.labels(labels),
    transferred: meters.transferred.labels(labels),
  };
}

function metersOf(metrics: Metrics) {
  const prefix = 'thanos_objstore_bucket';
  const labels = ['bucket', 'operation'] as const;
  return {
    operations: metrics.counter(`${prefix}_operations_total`, 'Operations begun against the bucket.', labels),
    failures: metrics.counter(
      `${prefix}_operation_failures_total`,
      'Operations against the bucket that failed.',
      labels,
    ),
    duration: metrics.histogram(
      `${prefix}_operation_duration_seconds`,
      'How long operations against the bucket took, reading streams included.',
      DURATION_BUCKETS,
      labels,
    ),
    fetched: metrics.counter(`${prefix}_operation_fetched_bytes_total`, 'Bytes fetched from the bucket.', labels),
    transferred: metrics.histogram(
      `${prefix}_operation_transferred_bytes`,
      'Bytes moved from or to the bucket by one operation.',
      SIZE_BUCKETS,
      labels,
    ),
    lastUpload: metrics.gauge(`${prefix}_last_successful_upload_time`, 'Unix time of the last good upload.', [
      'bucket',
    ]),
  };
}
