// Opens a block directory: meta.json, index, chunk segments and tombstones. Everything is read synchronously.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { during } from '../errors/fault.ts';
import type { HistogramSample } from '../model/histogram.ts';
import type { Labels } from '../model/labels.ts';
import type { Matcher } from '../model/matcher.ts';
import type { SampleBuffer } from '../storage/sample-columns.ts';
import { type BlockMeta, META_FILE, parseBlockMeta } from './block-meta.ts';
import { appendChunk } from './chunk-samples.ts';
import { ChunkView, SegmentReader } from './chunks/segment-reader.ts';
import { IndexReader } from './index/reader.ts';
import { SeriesEntry } from './index/series-entry.ts';
import { FileSource } from './local-file.ts';
import { noTombstones, parseTombstones, removeDeleted, type Tombstones } from './tombstones.ts';

const INDEX_FILE = 'index';
const TOMBSTONES_FILE = 'tombstones';
const CHUNKS_DIRECTORY = 'chunks';

export class Block {
  readonly directory: string;
  readonly meta: BlockMeta;
  readonly index: IndexReader;
  readonly tombstones: Tombstones;
  readonly #segments: SegmentReader;
  readonly #files: readonly FileSource[];
  readonly #chunk = new ChunkView();
  readonly #entry = new SeriesEntry();

  private constructor(
    directory: string,
    parts: Pick<Block, 'meta' | 'index' | 'tombstones'>,
    segments: SegmentReader,
    files: readonly FileSource[],
  ) {
    this.directory = directory;
    this.meta = parts.meta;
    this.index = parts.index;
    this.tombstones = parts.tombstones;
    this.#segments = segments;
    this.#files = files;
  }

  /**
   * Opens the directory; close it when done. `not-found` when a part of it is missing (tombstones may be), `corrupt` when
   * one contradicts its format.
   */
  static open(directory: string): Block {
    const files: FileSource[] = [];
    try {
      const meta = parseBlockMeta(readFileSync(join(directory, META_FILE)));
      const chunks = join(directory, CHUNKS_DIRECTORY);
      const names = readdirSync(chunks)
        .filter((name) => /^\d+$/.test(name))
        .sort();
      const openFile = (path: string): FileSource => {
        const file = new FileSource(path);
        files.push(file);
        return file;
      };
      const index = new IndexReader(openFile(join(directory, INDEX_FILE)));
      const segments = new SegmentReader(names.map((name) => openFile(join(chunks, name))));
      const tombstonesFile = join(directory, TOMBSTONES_FILE);
      const tombstones = existsSync(tombstonesFile) ? parseTombstones(readFileSync(tombstonesFile)) : noTombstones;
      return new Block(directory, { meta, index, tombstones }, segments, files);
    } catch (thrown) {
      for (const file of files) file.close();
      throw during(`open block ${directory}`, thrown);
    }
  }

  close(): void {
    for (const file of this.#files) file.close();
  }

  /** Ids of the series that match every matcher, in label order. */
  match(matchers: readonly Matcher[]): Uint32Array {
    return this.index.match(matchers);
  }

  /** Decodes a series' entry and gives its labels. */
  series(id: number, into: SeriesEntry): Labels {
    this.index.series(id, into);
    return this.index.labels(into);
  }

  /** Names on series that match, in order. */
  labelNames(matchers: readonly Matcher[] = []): string[] {
    if (matchers.length === 0) return this.index.labelNames();
    return this.index.labelNamesOf(this.match(matchers), this.#entry);
  }

  /** Values of a name on series that match, in order. */
  labelValues(name: string, matchers: readonly Matcher[] = []): string[] {
    if (matchers.length === 0) return this.index.labelValues(name);
    return this.index.labelValuesOf(name, this.match(matchers), this.#entry);
  }

  /** Finds chunk `i` of a decoded entry. `into` is good until the next read from this block. */
  chunk(entry: SeriesEntry, i: number, into: ChunkView): void {
    this.chunkAt(entry.segments[i], entry.offsets[i], into);
  }

  /** The chunk segments, for those who copy. */
  get segments(): SegmentReader {
    return this.#segments;
  }

  /** Finds the chunk at a place that an entry named. `into` is good until the next read from this block. */
  chunkAt(segment: number, offset: number, into: ChunkView): void {
    this.#segments.read(segment, offset, into);
  }

  /**
   * Appends the samples of a series within [minTime, maxTime], both inclusive, without the deleted ones: floats as columns,
   * histograms as objects, each in order of time. `unsupported` for chunks of encodings that are not read here.
   */
  readSamples(
    id: number,
    entry: SeriesEntry,
    minTime: number,
    maxTime: number,
    floats: SampleBuffer,
    histograms: HistogramSample[],
  ): void {
    const deleted = this.tombstones.get(id) ?? [];
    const from = floats.length;
    try {
      for (let i = 0; i < entry.chunkCount; i++) {
        if (entry.maxTimes[i] < minTime || entry.minTimes[i] > maxTime) continue;
        this.chunk(entry, i, this.#chunk);
        appendChunk(this.#chunk, minTime, maxTime, deleted, floats, histograms);
      }
      if (deleted.length > 0) removeDeleted(floats, deleted, from);
    } catch (thrown) {
      floats.length = from;
      throw during(`read samples of series ${id}`, thrown, { block: this.meta.ulid });
    }
  }
}
