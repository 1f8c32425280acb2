// Tests: buckets from golden directories, a compactor over one, and what the blocks of one hold.

import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { backgroundRequest } from '../async/request.ts';
import { DeduplicateFilter } from '../block/filters/deduplicate.ts';
import { blockOf } from '../block/layout.ts';
import { type BlockMeta, emptyThanos, parseMeta, printMeta } from '../block/meta.ts';
import { uploadBlock } from '../block/upload.ts';
import { kindOf } from '../errors/fault.ts';
import { Labels } from '../model/labels.ts';
import { type Bucket, bodyOf, readAll } from '../objstore/bucket.ts';
import { listFiles } from '../objstore/directory.ts';
import { MemoryBucket } from '../objstore/memory.ts';
import { SampleBuffer } from '../storage/sample-columns.ts';
import { type Logger, silentLogger } from '../telemetry/logger.ts';
import { Metrics } from '../telemetry/metrics.ts';
import { Block } from '../tsdb/block.ts';
import { BlockWriter } from '../tsdb/block-writer.ts';
import { decodeXorChunk } from '../tsdb/chunkenc/decode.ts';
import { ChunkView } from '../tsdb/chunks/segment-reader.ts';
import { SeriesEntry } from '../tsdb/index/series-entry.ts';
import { Compactor } from './compactor.ts';
import { type CompactorConfig, defaultFailurePolicy, levelRangesMs } from './config.ts';
import type { DownsampleThreads } from './downsample-threads.ts';
import type { Lease } from './lease.ts';
import type { MergeThreads } from './merge-threads.ts';
import { compactView } from './view.ts';

const request = backgroundRequest();

/** A bucket in memory with everything below a directory. */
export async function bucketOf(directory: string): Promise<MemoryBucket> {
  const bucket = new MemoryBucket();
  for (const { relPath } of await listFiles(directory)) {
    await bucket.upload(request, relPath, bodyOf(readFileSync(join(directory, relPath))));
  }
  return bucket;
}

export interface FixtureOptions {
  readonly replicaLabels?: readonly string[];
  readonly dedupFunc?: '' | 'penalty';
  readonly deleteDelayMs?: number;
  readonly hasVertical?: boolean;
  readonly maxIndexSizeBytes?: number;
  readonly retention?: CompactorConfig['retention'];
  readonly downsamples?: boolean;
  readonly now?: () => number;
  readonly logger?: Logger;
  readonly metrics?: Metrics;
  readonly failurePolicy?: Partial<Pick<CompactorConfig, keyof typeof defaultFailurePolicy>>;
  readonly lease?: Lease;
  readonly mergeThreads?: MergeThreads;
  readonly downsampleThreads?: DownsampleThreads;
}

/** A compactor with the flags the golden buckets were made with: no delays. */
export function compactorOver(bucket: Bucket, workDir: string, options: FixtureOptions = {}): Compactor {
  const {
    replicaLabels = [],
    dedupFunc = '',
    deleteDelayMs = 0,
    logger = silentLogger,
    metrics = new Metrics(),
  } = options;
  const deps = { bucket, logger, metrics };
  const syncer = compactView(deps, {
    strategy: 'concurrent',
    concurrency: 8,
    consistencyDelayMs: 0,
    deleteDelayMs,
    replicaLabels,
  });
  const hasVertical = options.hasVertical ?? replicaLabels.length > 0;
  const now = options.now ?? Date.now;
  const clock = { now, sleep: async () => {} };
  const { lease, mergeThreads, downsampleThreads } = options;
  return new Compactor(
    { ...deps, syncer, clock, lease, mergeThreads, downsampleThreads },
    {
      planner: { rangesMs: levelRangesMs, hasVertical, maxIndexSizeBytes: options.maxIndexSizeBytes ?? 64 * 1024 ** 3 },
      run: {
        workDir: join(workDir, 'compact'),
        hasVertical,
        dedupFunc,
        blockConcurrency: 2,
        fileConcurrency: 2,
        hashFunc: '',
        acceptsMalformedIndex: false,
      },
      downsample: options.downsamples
        ? {
            workDir: join(workDir, 'downsample'),
            concurrency: 2,
            fileConcurrency: 2,
            hashFunc: '',
            acceptsMalformedIndex: false,
            damagedBlocks: options.failurePolicy?.damagedBlocks ?? 'mark',
          }
        : undefined,
      retention: options.retention ?? { rawMs: 0, fiveMinutesMs: 0, oneHourMs: 0 },
      deleteDelayMs,
      concurrency: 2,
      ...defaultFailurePolicy,
      ...options.failurePolicy,
    },
  );
}

/** Metas of the blocks in a bucket, by identifier. Those without a meta.json that can be used are left out. */
export async function metasOf(bucket: Bucket): Promise<Map<string, BlockMeta>> {
  const metas = new Map<string, BlockMeta>();
  for await (const { name } of bucket.list(request, '', { recursive: true })) {
    const ulid = blockOf(name);
    if (ulid === undefined || name !== `${ulid}/meta.json`) continue;
    const bytes = await readAll(request, bucket, name);
    try {
      const meta = parseMeta(bytes);
      if (meta.ulid === ulid) metas.set(ulid, meta);
    } catch (thrown) {
      if (!['corrupt', 'unsupported'].includes(kindOf(thrown))) throw thrown;
    }
  }
  return metas;
}

/** One block out of a bucket: for each series, in order, its labels and its chunks to the byte. */
export async function seriesOf(bucket: Bucket, ulid: string): Promise<readonly string[]> {
  const directory = mkdtempSync(join(memoryDirectory, 'compact-'));
  try {
    for await (const { name } of bucket.list(request, ulid, { recursive: true })) {
      mkdirSync(dirname(join(directory, name)), { recursive: true });
      writeFileSync(join(directory, name), await readAll(request, bucket, name));
    }
    mkdirSync(join(directory, ulid, 'chunks'), { recursive: true });
    const block = Block.open(join(directory, ulid));
    try {
      return chunksOf(block);
    } finally {
      block.close();
    }
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function chunksOf(block: Block): string[] {
  const entry = new SeriesEntry();
  const view = new ChunkView();
  const lines: string[] = [];
  for (const id of block.index.walk()) {
    lines.push(block.series(id, entry).toString());
    for (let i = 0; i < entry.chunkCount; i++) {
      block.chunk(entry, i, view);
      const data = Buffer.from(view.bytes.subarray(view.offset, view.offset + view.length)).toString('hex');
      lines.push(`${entry.minTimes[i]} ${entry.maxTimes[i]} ${view.encoding} ${data}`);
    }
  }
  return lines;
}

export interface SyntheticBlock {
  readonly ulid: string;
  readonly labels: Readonly<Record<string, string>>;
  /** In hours since the epoch: where it starts and how long it is. */
  readonly hours: readonly [start: number, length: number];
  /** Each with a sample every five minutes of the hours unless said otherwise. */
  readonly series: readonly string[];
  readonly stepMs?: number;
  /** Added to every value, to tell replicas apart. */
  readonly valueOffset?: number;
  /** What it was made of; itself unless given. */
  readonly sources?: readonly string[];
}

const HOUR_MS = 3_600_000;

/** Uploads a small block of level 1; its samples are its times in minutes. */
export async function addBlock(bucket: Bucket, block: SyntheticBlock): Promise<void> {
  await withMemoryDirectory(async (directory) => {
    const minTime = block.hours[0] * HOUR_MS;
    const maxTime = minTime + block.hours[1] * HOUR_MS;
    const writer = new BlockWriter(directory, { ulid: block.ulid, minTime, maxTime });
    for (const name of [...block.series].sort()) {
      const samples = new SampleBuffer();
      const { stepMs = 300_000, valueOffset = 0 } = block;
      for (let time = minTime; time < maxTime; time += stepMs) samples.push(time, time / 60_000 + valueOffset);
      writer.addSeries(Labels.of({ __name__: name }), samples);
    }
    const { others: _others, ...base } = writer.finish();
    const thanos = { ...emptyThanos, version: 1, labels: Labels.of(block.labels), source: 'sidecar' };
    const compaction = { ...base.compaction, sources: block.sources ?? base.compaction.sources };
    writeFileSync(join(directory, block.ulid, 'meta.json'), printMeta({ ...base, compaction, thanos }));
    await uploadBlock(request, bucket, join(directory, block.ulid), { concurrency: 1, hashFunc: '', nowMs: 0 });
  });
}

/**
 * Every raw sample a reader of the bucket finds, as `<external labels> <series> <time> <value>`, sorted. A sample that two
 * visible blocks hold is there twice. What was read is put into `known` by block, and not read again.
 */
export async function samplesOf(
  bucket: Bucket,
  known = new Map<string, readonly string[]>(),
): Promise<readonly string[]> {
  const metas = await metasOf(bucket);
  await new DeduplicateFilter().filter(request, metas, { state: () => {}, modified: () => {} });
  const found: string[] = [];
  for (const [ulid, meta] of metas) {
    if (meta.thanos.resolutionMs !== 0) continue;
    const lines = known.get(ulid) ?? samplesIn(await seriesOf(bucket, ulid));
    known.set(ulid, lines);
    for (const line of lines) found.push(`${meta.thanos.labels} ${line}`);
  }
  return found.sort();
}

/** Of lines as seriesOf gives them. */
function samplesIn(lines: readonly string[]): readonly string[] {
  const found: string[] = [];
  const samples = new SampleBuffer();
  let series = '';
  for (const line of lines) {
    if (line.startsWith('{')) {
      series = line;
      continue;
    }
    const data = Buffer.from(line.split(' ')[3], 'hex');
    samples.clear();
    decodeXorChunk(data, 0, data.length, samples);
    for (let i = 0; i < samples.length; i++) found.push(`${series} ${samples.times[i]} ${samples.values[i]}`);
  }
  return found;
}

/** For a few small files: blocks are synced to the disk file by file, which takes longer than all else a test does. */
const memoryDirectory = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();

/** The same as withDirectory, in memory where the system has that. */
export function withMemoryDirectory<T>(work: (directory: string) => Promise<T>): Promise<T> {
  return withDirectory(work, memoryDirectory);
}

/** A directory that goes away when `work` is done. */
export async function withDirectory<T>(work: (directory: string) => Promise<T>, parent = tmpdir()): Promise<T> {
  const directory = mkdtempSync(join(parent, 'compact-'));
  try {
    return await work(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
