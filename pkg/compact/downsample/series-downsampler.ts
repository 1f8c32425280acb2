// Series of one block into those of a coarser resolution, written to a new block's files front to back as they come: in memory
// are the symbols, the posting lists to be, and one series.

import { join } from 'node:path';
import { during } from '../../errors/fault.ts';
import { RESOLUTION_RAW } from '../../model/resolution.ts';
import type { Block } from '../../tsdb/block.ts';
import type { BlockFiles } from '../../tsdb/block-files.ts';
import type { BlockMeta } from '../../tsdb/block-meta.ts';
import { offsetOf, segmentOf } from '../../tsdb/chunks/ref.ts';
import { ChunkView } from '../../tsdb/chunks/segment-reader.ts';
import { SegmentWriter } from '../../tsdb/chunks/segment-writer.ts';
import { SeriesEntry } from '../../tsdb/index/series-entry.ts';
import { IndexWriter } from '../../tsdb/index/writer.ts';
import { LentBytes } from '../../tsdb/lent-bytes.ts';
import { type StoredChunk, storedSampleCount } from '../../tsdb/stored-chunk.ts';
import { AggregatedSeries } from './aggregated-series.ts';
import { RawSeries } from './raw-series.ts';

/** In ms; 0 is raw. */
export interface Resolutions {
  readonly from: number;
  readonly to: number;
}

export interface DownsampleOptions {
  readonly ulid: string;
  readonly resolutions: Resolutions;
  readonly signal: AbortSignal;
  /** Called now and then as series are written. */
  readonly onProgress?: () => void;
}

export interface DownsampledBlock {
  readonly meta: BlockMeta;
  /** Raw samples that went into it: what its counts add up to. */
  readonly aggregatedCount: number;
}

/** What was made otherwise, to be counted in. */
export interface MadeCounts {
  readonly seriesCount: number;
  readonly chunkCount: number;
  /** Windows. */
  readonly sampleCount: number;
  /** Raw samples. */
  readonly aggregatedCount: number;
}

const nothingElse: MadeCounts = { seriesCount: 0, chunkCount: 0, sampleCount: 0, aggregatedCount: 0 };

export class SeriesDownsampler {
  readonly segments: SegmentWriter;
  readonly index: IndexWriter;
  readonly #source: Block;
  readonly #options: DownsampleOptions;
  readonly #finishIndex: () => void;
  readonly #read = new SeriesEntry();
  readonly #written = new SeriesEntry();
  readonly #view = new ChunkView();
  readonly #series: RawSeries | AggregatedSeries;
  readonly #made: StoredChunk[] = [];
  /** The chunks of the series at hand that are aggregates already. */
  readonly #lent = new LentBytes();
  #seriesCount = 0;
  #chunkCount = 0;
  #sampleCount = 0;

  constructor(source: Block, files: BlockFiles, options: DownsampleOptions) {
    this.#source = source;
    this.#options = options;
    this.segments = new SegmentWriter((name) => files.create(join('chunks', name)));
    const sink = files.create('index');
    this.index = new IndexWriter(sink, source.index.symbols);
    this.#finishIndex = () => sink.finish();
    const { resolutions } = options;
    this.#series = resolutions.from === RESOLUTION_RAW ? new RawSeries() : new AggregatedSeries(resolutions);
  }

  /** Does the series with the next higher id. A failure that lies in the source has its identifier among its facts. */
  add(id: number): void {
    try {
      this.#source.index.series(id, this.#read, true);
      this.#aggregate();
    } catch (thrown) {
      const { ulid } = this.#source.meta;
      throw during(`read block ${ulid}`, thrown, { block: ulid });
    }
    this.#write();
  }

  /** Completes the files; undefined when there is no series. */
  finish(others: MadeCounts = nothingElse): DownsampledBlock | undefined {
    this.segments.finish();
    const seriesCount = this.#seriesCount + others.seriesCount;
    if (seriesCount === 0) return undefined;
    this.index.finish();
    this.#finishIndex();
    const { minTime, maxTime, stats, compaction } = this.#source.meta;
    const meta: BlockMeta = {
      ulid: this.#options.ulid,
      minTime,
      maxTime,
      stats: {
        ...stats,
        numSamples: this.#sampleCount + others.sampleCount,
        numSeries: seriesCount,
        numChunks: this.#chunkCount + others.chunkCount,
        numTombstones: 0,
      },
      compaction,
      others: {},
    };
    return { meta, aggregatedCount: this.#series.aggregatedCount + others.aggregatedCount };
  }

  /** Fills `#made`. */
  #aggregate(): void {
    const entry = this.#read;
    const view = this.#view;
    const series = this.#series;
    this.#made.length = 0;
    this.#lent.clear();
    series.clear();
    for (let i = 0; i < entry.chunkCount; i++) {
      this.#source.segments.readNext(entry.segments[i], entry.offsets[i], view);
      const { bytes, offset, length, encoding } = view;
      if (series instanceof RawSeries) {
        series.add(encoding, bytes, offset, length);
        continue;
      }
      const [minTime, maxTime] = [entry.minTimes[i], entry.maxTimes[i]];
      series.add({ minTime, maxTime, encoding, data: this.#lent.copy(bytes, offset, offset + length) });
    }
    const emit = (chunk: StoredChunk): void => {
      this.#made.push(chunk);
    };
    if (!(series instanceof RawSeries)) series.finish(emit);
    else {
      const { minTime, maxTime } = this.#source.meta;
      // The end of a block is exclusive, but a sample right at it has been tolerated since ever.
      series.finish({ min: minTime, max: maxTime }, this.#options.resolutions.to, emit);
    }
  }

  #write(): void {
    const made = this.#made;
    if (made.length === 0) return;
    const { labelRefs, labelCount } = this.#read;
    const entry = this.#written;
    entry.reserveLabels(labelCount);
    entry.labelRefs.set(labelRefs.subarray(0, 2 * labelCount));
    entry.labelCount = labelCount;
    entry.reserveChunks(made.length);
    entry.chunkCount = made.length;
    for (const [i, chunk] of made.entries()) {
      const ref = this.segments.add(chunk.encoding, chunk.data);
      entry.minTimes[i] = chunk.minTime;
      entry.maxTimes[i] = chunk.maxTime;
      entry.segments[i] = segmentOf(ref);
      entry.offsets[i] = offsetOf(ref);
      this.#sampleCount += storedSampleCount(chunk);
    }
    this.index.addSeries(entry);
    this.#seriesCount++;
    this.#chunkCount += made.length;
  }
}
