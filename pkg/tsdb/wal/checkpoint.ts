// A checkpoint: what of the older segments of a log is still wanted, written as a log of its own, so that they can go.
//
// It is made aside under `checkpoint.NNNNNNNN.tmp` and renamed when complete. In memory is one record at a time, and the
// last metadata of each series that has any.

import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { during, Fault } from '../../errors/fault.ts';
import { syncDirectory } from '../local-file.ts';
import { listCheckpoints, listSegments } from './directory.ts';
import { checkpointName, SEGMENT_BYTES, type WalCompression } from './format.ts';
import { encodeHistogramRecords } from './histogram-record.ts';
import { readFile } from './reader.ts';
import {
  decodeRecord,
  encodeExemplarsRecord,
  encodeMetadataRecord,
  encodeSamplesRecord,
  encodeSeriesRecord,
  encodeTombstonesRecord,
  type WalMetadata,
} from './record.ts';
import { WalSamples } from './wal-samples.ts';
import { WalWriter } from './writer.ts';

export interface CheckpointOptions {
  /** The last segment that it stands for; it and those before it are read, after the newest checkpoint there is. */
  readonly lastSegment: number;
  /** Samples, histograms and exemplars before this time are left out, and tombstones that end before it. Ms. */
  readonly minTime: number;
  /** Whether a series is still wanted. */
  keeps(ref: number): boolean;
  readonly compression?: WalCompression;
  readonly segmentBytes?: number;
}

export interface CheckpointCounts {
  readonly kept: number;
  readonly dropped: number;
}

/** Records are gathered to about this before they are written. */
const BATCH_BYTES = 1024 * 1024;

/**
 * Makes the checkpoint; it is on the disk under its name when this returns. Counts are those of series, samples,
 * histograms, exemplars, tombstones and metadata. `corrupt` when the log is damaged; nothing is changed then.
 */
export async function writeCheckpoint(directory: string, options: CheckpointOptions): Promise<CheckpointCounts> {
  const { lastSegment, compression, segmentBytes = SEGMENT_BYTES } = options;
  const final = join(directory, checkpointName(lastSegment));
  if (existsSync(final)) throw new Fault('conflict', `checkpoint ${final} exists`);
  const aside = `${final}.tmp`;
  rmSync(aside, { recursive: true, force: true });
  mkdirSync(aside);
  try {
    const writer = await WalWriter.open(aside, { compression, segmentBytes });
    let counts: CheckpointCounts;
    try {
      counts = new Copy(writer, options).run(directory);
    } finally {
      writer.close();
    }
    syncDirectory(aside);
    renameSync(aside, final);
    syncDirectory(directory);
    return counts;
  } catch (thrown) {
    rmSync(aside, { recursive: true, force: true });
    throw during(`make checkpoint ${checkpointName(lastSegment)}`, thrown);
  }
}

/** Removes the segments and checkpoints that the newest checkpoint stands for. */
export function removeCheckpointed(directory: string): void {
  const checkpoints = listCheckpoints(directory);
  const newest = checkpoints.at(-1);
  if (newest === undefined) return;
  for (const { segment, path } of listSegments(directory)) if (segment <= newest.lastSegment) rmSync(path);
  for (const { path } of checkpoints.slice(0, -1)) rmSync(path, { recursive: true, force: true });
  syncDirectory(directory);
}

class Copy {
  readonly #writer: WalWriter;
  readonly #options: CheckpointOptions;
  readonly #metadata = new Map<number, WalMetadata>();
  #batch: Uint8Array[] = [];
  #batchBytes = 0;
  #kept = 0;
  #dropped = 0;

  constructor(writer: WalWriter, options: CheckpointOptions) {
    this.#writer = writer;
    this.#options = options;
  }

  run(directory: string): CheckpointCounts {
    const { lastSegment } = this.#options;
    const newest = listCheckpoints(directory).at(-1);
    if (newest !== undefined) {
      for (const file of listSegments(newest.path)) for (const { bytes } of readFile(file)) this.#copy(bytes);
    }
    const first = newest === undefined ? 0 : newest.lastSegment + 1;
    for (const file of listSegments(directory)) {
      if (file.segment < first || file.segment > lastSegment) continue;
      for (const { bytes } of readFile(file)) this.#copy(bytes);
    }
    if (this.#metadata.size > 0) this.#add(encodeMetadataRecord([...this.#metadata.values()]));
    this.#flush();
    return { kept: this.#kept, dropped: this.#dropped };
  }

  #copy(bytes: Uint8Array): void {
    const record = decodeRecord(bytes);
    const { minTime } = this.#options;
    switch (record.kind) {
      case 'series': {
        const series = this.#filter(record.series, ({ ref }) => this.#options.keeps(ref));
        if (series.length > 0) this.#add(encodeSeriesRecord(series));
        return;
      }
      case 'samples': {
        const samples = this.#samplesFrom(record.samples);
        if (samples.length > 0) this.#add(encodeSamplesRecord(samples));
        return;
      }
      case 'histograms': {
        const histograms = this.#filter(record.histograms, ({ time }) => time >= minTime);
        for (const encoded of encodeHistogramRecords(histograms)) this.#add(encoded);
        return;
      }
      case 'exemplars': {
        const exemplars = this.#filter(record.exemplars, ({ time }) => time >= minTime);
        if (exemplars.length > 0) this.#add(encodeExemplarsRecord(exemplars));
        return;
      }
      case 'tombstones': {
        const tombstones = this.#filter(record.tombstones, ({ maxTime }) => maxTime >= minTime);
        if (tombstones.length > 0) this.#add(encodeTombstonesRecord(tombstones));
        return;
      }
      case 'metadata': {
        // Of each series only what was said last, once all of it is known.
        for (const one of this.#filter(record.metadata, ({ ref }) => this.#options.keeps(ref))) {
          if (this.#metadata.has(one.ref)) this.#kept--;
          this.#metadata.set(one.ref, one);
        }
        return;
      }
      // Markers are for logs of late samples, which have no checkpoints, and what is unknown cannot be judged.
      case 'mmap-markers':
      case 'unknown':
        this.#dropped++;
    }
  }

  #filter<T>(items: readonly T[], keep: (item: T) => boolean): T[] {
    const kept = items.filter(keep);
    this.#kept += kept.length;
    this.#dropped += items.length - kept.length;
    return kept;
  }

  #samplesFrom(samples: WalSamples): WalSamples {
    const { refs, times, words, starts, length } = samples;
    const kept = new WalSamples(length, starts !== undefined);
    for (let i = 0; i < length; i++) {
      if (times[i] < this.#options.minTime) continue;
      kept.push(refs[i], times[i], words[2 * i + 1], words[2 * i], starts?.[i]);
    }
    this.#kept += kept.length;
    this.#dropped += length - kept.length;
    return kept;
  }

  #add(record: Uint8Array): void {
    this.#batch.push(record);
    this.#batchBytes += record.length;
    if (this.#batchBytes >= BATCH_BYTES) this.#flush();
  }

  #flush(): void {
    this.#writer.log(this.#batch);
    this.#batch = [];
    this.#batchBytes = 0;
  }
}
