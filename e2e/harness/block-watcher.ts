// Blocks whose every sample is known, and somebody who looks all the time whether a store serves them whole.

import { setTimeout as pause } from 'node:timers/promises';
import { backgroundRequest } from '../../pkg/async/request.ts';
import { Labels } from '../../pkg/model/labels.ts';
import { Matcher } from '../../pkg/model/matcher.ts';
import { MAX_TIME } from '../../pkg/model/time.ts';
import { newUlid } from '../../pkg/model/ulid.ts';
import { GrpcClient } from '../../pkg/net/grpc/client.ts';
import { SampleBuffer } from '../../pkg/storage/sample-columns.ts';
import { GrpcStoreClient } from '../../pkg/store/grpc-client.ts';
import { BlockWriter } from '../../pkg/tsdb/block-writer.ts';

const BASE_MS = 1_718_668_800_000;
const BLOCK_MS = 2 * 3_600_000;
const SERIES_COUNT = 250;
const SAMPLE_COUNT = 480;
/** Random values do not compress: some nine bytes a sample. */
export const BLOCK_BYTES = SERIES_COUNT * SAMPLE_COUNT * 9;

/** Asks the store all the time for what may be under way: of each block it must have all or nothing. */
export class Watcher {
  readonly complaints: string[] = [];
  looks = 0;
  readonly #client: GrpcClient;
  readonly #store: GrpcStoreClient;
  readonly #blockCount: () => number;
  readonly #stopped = new AbortController();
  readonly #done: Promise<void>;

  constructor(address: string, blockCount: () => number) {
    this.#client = new GrpcClient({}, { address });
    this.#store = new GrpcStoreClient(this.#client);
    this.#blockCount = blockCount;
    this.#done = this.#watch();
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.#done;
  }

  close(): void {
    this.#client.close();
  }

  async #watch(): Promise<void> {
    while (!this.#stopped.signal.aborted) {
      try {
        await this.look(Math.max(0, this.#blockCount() - 4));
      } catch (thrown) {
        this.complaints.push(String(thrown));
      }
      await pause(100);
    }
  }

  /** How many blocks are served, of those from this number on. */
  async look(fromBlock: number): Promise<number> {
    const counts = await this.#countsOf(BASE_MS + fromBlock * BLOCK_MS);
    this.looks++;
    for (const [block, count] of counts) {
      if (count !== SERIES_COUNT * SAMPLE_COUNT)
        this.complaints.push(`block ${block} was served with ${count} samples`);
    }
    return counts.size;
  }

  /** Samples by block. */
  async #countsOf(minTime: number): Promise<Map<string, number>> {
    const counts = new Map<string, number>();
    const query = {
      minTime,
      maxTime: MAX_TIME,
      matchers: [new Matcher('=', '__name__', 'kill_test')],
      maxResolutionMs: 0,
      aggregates: [],
      skipChunks: false,
      partialResponse: 'abort',
      withoutReplicaLabels: [],
      limit: 0,
      responseBatchSize: 0,
    } as const;
    for await (const { series, warnings } of this.#store.series(backgroundRequest(), query)) {
      this.complaints.push(...warnings);
      for (const { labels, chunks } of series) {
        const block = labels.get('block') ?? '';
        for (const { table, from, to } of chunks) {
          for (let i = from; i < to; i++) {
            const at = table.partOffset[table.firstPart[i]];
            // A chunk starts with the number of its samples.
            const count = (table.bytes[at] << 8) | table.bytes[at + 1];
            counts.set(block, (counts.get(block) ?? 0) + count);
          }
        }
      }
    }
    return counts;
  }
}

/** A block of two hours of its own with random values, all its series labelled with its number. */
export function writeBlock(directory: string, number: number): string {
  const ulid = newUlid();
  const minTime = BASE_MS + number * BLOCK_MS;
  const writer = new BlockWriter(directory, { ulid, minTime, maxTime: minTime + BLOCK_MS });
  const samples = new SampleBuffer(SAMPLE_COUNT);
  for (let series = 0; series < SERIES_COUNT; series++) {
    samples.clear();
    for (let i = 0; i < SAMPLE_COUNT; i++) samples.push(minTime + i * 15_000, Math.random());
    const labels = { __name__: 'kill_test', block: String(number), series: String(series).padStart(4, '0') };
    writer.addSeries(Labels.of(labels), samples);
  }
  writer.finish();
  return ulid;
}
