// A block over a distance: in a bucket, behind a web server, or in a directory. Nothing here is of Node, so it runs in a
// browser too. Only what is asked for is read: the symbols and the table of posting lists when opened, then lists, series
// and chunks by ranges.

import { during, Fault } from '../errors/fault.ts';
import type { HistogramSample } from '../model/histogram.ts';
import type { Labels } from '../model/labels.ts';
import { Matcher, type MatcherOp } from '../model/matcher.ts';
import { MAX_TIME, MIN_TIME } from '../model/time.ts';
import type { SampleColumns } from '../storage/sample-columns.ts';
import { type BlockMeta, META_FILE, parseBlockMeta } from './block-meta.ts';
import type { BlockSource } from './block-source.ts';
import { segmentName } from './chunks/format.ts';
import { ChunkView, SegmentReader } from './chunks/segment-reader.ts';
import { IndexReader } from './index/reader.ts';
import { SeriesEntry } from './index/series-entry.ts';
import { PagedSource, type Range, readThrough } from './paged-source.ts';
import { noTombstones, parseTombstones, type Tombstones } from './tombstones.ts';
import { UndecodedSeries } from './undecoded-series.ts';

/** A matcher, or its parts: `['job', '=~', 'a|b']`. */
export type MatcherLike = Matcher | readonly [name: string, op: MatcherOp, value: string];

export interface ReadOptions {
  /** Both inclusive, ms; everything unless given. */
  readonly minTime?: number;
  readonly maxTime?: number;
  readonly signal?: AbortSignal;
}

export interface OpenOptions {
  /** What of index and chunks is kept in memory between reads; 64 MiB unless given. */
  readonly cacheBytes?: number;
  readonly signal?: AbortSignal;
}

/** A series with its samples in the time asked for; all of it is yours. */
export interface BlockSeries {
  readonly labels: Labels;
  /** In order of time. */
  readonly floats: SampleColumns;
  readonly histograms: readonly HistogramSample[];
}

/** Where the chunks of a series lie that reach into a time, in order. */
interface SeriesPlaces {
  readonly id: number;
  readonly labels: Labels;
  readonly segments: Uint32Array;
  readonly offsets: Uint32Array;
}

const CACHE_BYTES = 64 * 1024 * 1024;
/** Series whose places are fetched together. */
const BATCH_SERIES = 256;
/** What an entry of the index, and a chunk, are taken to need; more is fetched where they do. */
const ENTRY_BYTES = 512;
const CHUNK_BYTES = 1024;
/** Between a chunk and the next: a checksum, a length and an encoding take less. */
const MOST_BETWEEN_BYTES = 16;
const MAX_SMALL_FILE_BYTES = 64 * 1024 * 1024;

export class OpenBlock {
  readonly meta: BlockMeta;
  readonly #source: BlockSource;
  readonly #indexSource: PagedSource;
  readonly #index: IndexReader;
  readonly #segmentSources: readonly PagedSource[];
  readonly #tombstones: Tombstones;
  #segments: SegmentReader | undefined;
  /** The end of the work under way: one at a time uses the sources. */
  #turn: Promise<unknown> = Promise.resolve();

  private constructor(
    meta: BlockMeta,
    source: BlockSource,
    indexSource: PagedSource,
    index: IndexReader,
    segmentSources: readonly PagedSource[],
    tombstones: Tombstones,
  ) {
    this.meta = meta;
    this.#source = source;
    this.#indexSource = indexSource;
    this.#index = index;
    this.#segmentSources = segmentSources;
    this.#tombstones = tombstones;
  }

  /**
   * Opens the block; the source is closed with it, and when opening fails. `not-found` when a part of it is missing
   * (tombstones may be), `corrupt` when one contradicts its format.
   */
  static async open(source: BlockSource, options: OpenOptions = {}): Promise<OpenBlock> {
    const { cacheBytes = CACHE_BYTES, signal } = options;
    try {
      const meta = parseBlockMeta(await readSmall(source, META_FILE, signal));
      const indexBytes = await source.sizeOf('index', signal);
      if (indexBytes === undefined) throw new Fault('not-found', 'there is no index');
      const indexSource = new PagedSource(source, 'index', indexBytes, cacheBytes / 2);
      const index = await readThrough([indexSource], () => new IndexReader(indexSource), signal);
      const segmentSources = await findSegments(source, meta, cacheBytes / 2, signal);
      const hasTombstones = (await source.sizeOf('tombstones', signal)) !== undefined;
      const tombstones = hasTombstones ? parseTombstones(await readSmall(source, 'tombstones', signal)) : noTombstones;
      return new OpenBlock(meta, source, indexSource, index, segmentSources, tombstones);
    } catch (thrown) {
      await source.close();
      throw during(`open block ${source.name}`, thrown);
    }
  }

  async close(): Promise<void> {
    await this.#source.close();
  }

  /** Label names in order, of the series that match. */
  labelNames(matchers: readonly MatcherLike[] = [], signal?: AbortSignal): Promise<string[]> {
    const index = this.#index;
    if (matchers.length === 0) return Promise.resolve(index.labelNames());
    const entry = new SeriesEntry();
    const asked = matchersOf(matchers);
    return this.#inTurn(async () => {
      const ids = await this.#match(asked, signal);
      await this.#prefetchEntries(ids, signal);
      return await this.#read(() => index.labelNamesOf(ids, entry), signal);
    });
  }

  /** Values of a label in order, of the series that match. */
  labelValues(name: string, matchers: readonly MatcherLike[] = [], signal?: AbortSignal): Promise<string[]> {
    const index = this.#index;
    if (matchers.length === 0) return Promise.resolve(index.labelValues(name));
    const entry = new SeriesEntry();
    const asked = matchersOf(matchers);
    return this.#inTurn(async () => {
      const ids = await this.#match(asked, signal);
      await this.#prefetchEntries(ids, signal);
      return await this.#read(() => index.labelValuesOf(name, ids, entry), signal);
    });
  }

  /**
   * The series that match every matcher, in label order, with their samples; those without samples in the time are left
   * out. No matchers select everything. Chunks are fetched for some hundred series ahead. `unsupported` for downsampled
   * blocks.
   */
  async *series(matchers: readonly MatcherLike[], options: ReadOptions = {}): AsyncGenerator<BlockSeries> {
    for await (const batch of this.batches(matchers, options)) {
      for (const series of batch) {
        const { floats, histograms } = series.samples();
        if (floats.length + histograms.length > 0) yield { labels: series.labels, floats, histograms };
      }
    }
  }

  /**
   * The same series, some hundred at a time and still to be decoded; there may be some without a sample in the time. They
   * can be read at any time later, and hold what they need for that.
   */
  async *batches(
    matchers: readonly MatcherLike[],
    options: ReadOptions = {},
  ): AsyncGenerator<readonly UndecodedSeries[]> {
    const { minTime = MIN_TIME, maxTime = MAX_TIME, signal } = options;
    const asked = matchersOf(matchers);
    const ids = await this.#inTurn(() => this.#match(asked, signal));
    for (let at = 0; at < ids.length; at += BATCH_SERIES) {
      const batch = ids.subarray(at, at + BATCH_SERIES);
      yield await this.#inTurn(() => this.#readBatch(batch, minTime, maxTime, signal));
    }
  }

  async #readBatch(
    ids: Uint32Array,
    minTime: number,
    maxTime: number,
    signal: AbortSignal | undefined,
  ): Promise<UndecodedSeries[]> {
    await this.#prefetchEntries(ids, signal);
    // After a fetch each run goes on where the one before ended.
    const entry = new SeriesEntry();
    const places: SeriesPlaces[] = [];
    let next = 0;
    const look = (): void => {
      for (; next < ids.length; next++) {
        const found = this.#placesOf(ids[next], minTime, maxTime, entry);
        if (found !== undefined) places.push(found);
      }
    };
    await this.#read(look, signal);
    const ranges = this.#segmentSources.map((): Range[] => []);
    for (const { segments, offsets } of places) {
      for (let i = 0; i < segments.length; i++) {
        if (segments[i] < ranges.length) ranges[segments[i]].push({ offset: offsets[i], length: CHUNK_BYTES });
      }
    }
    await Promise.all(ranges.map((wanted, i) => this.#segmentSources[i].prefetch(wanted, signal)));
    const series: UndecodedSeries[] = [];
    const chunks: ChunkView[] = [];
    const take = (): void => {
      while (series.length < places.length) {
        const { id, labels } = places[series.length];
        const own = this.#chunksAt(places[series.length]);
        chunks.push(...own);
        series.push(new UndecodedSeries(labels, own, { minTime, maxTime, deleted: this.#tombstones.get(id) ?? [] }));
      }
    };
    await readThrough(this.#segmentSources, take, signal);
    gather(chunks);
    return series;
  }

  /** Undefined when no chunk of the series lies in the time. */
  #placesOf(id: number, minTime: number, maxTime: number, entry: SeriesEntry): SeriesPlaces | undefined {
    this.#index.series(id, entry);
    let from = 0;
    while (from < entry.chunkCount && entry.maxTimes[from] < minTime) from++;
    let to = from;
    while (to < entry.chunkCount && entry.minTimes[to] <= maxTime) to++;
    if (to === from) return undefined;
    const segments = entry.segments.slice(from, to);
    return { id, labels: this.#index.labels(entry), segments, offsets: entry.offsets.slice(from, to) };
  }

  #chunksAt({ id, segments, offsets }: SeriesPlaces): ChunkView[] {
    this.#segments ??= new SegmentReader(this.#segmentSources);
    const chunks: ChunkView[] = [];
    try {
      for (let i = 0; i < segments.length; i++) {
        const chunk = new ChunkView();
        this.#segments.read(segments[i], offsets[i], chunk);
        chunks.push(chunk);
      }
    } catch (thrown) {
      throw during(`read chunks of series ${id}`, thrown, { block: this.meta.ulid });
    }
    return chunks;
  }

  #match(matchers: readonly Matcher[], signal: AbortSignal | undefined): Promise<Uint32Array> {
    return this.#read(() => this.#index.match(matchers), signal);
  }

  #prefetchEntries(ids: Uint32Array, signal: AbortSignal | undefined): Promise<void> {
    const unit = this.#index.seriesUnit;
    const ranges = Array.from(ids, (id) => ({ offset: id * unit, length: ENTRY_BYTES }));
    return this.#indexSource.prefetch(ranges, signal);
  }

  #read<T>(run: () => T, signal: AbortSignal | undefined): Promise<T> {
    return readThrough([this.#indexSource], run, signal);
  }

  /** After everything that was begun before. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(work, work);
    this.#turn = result.catch(() => {});
    return result;
  }
}

/**
 * Moves chunks into memory of their own, so that those who keep them do not keep the pages around them. Neighbours move
 * together, with the few bytes that lie between them.
 */
function gather(chunks: readonly ChunkView[]): void {
  /** Of each run, the first chunk. */
  const firsts: number[] = [];
  let size = 0;
  for (let i = 0; i < chunks.length; i++) {
    const gap =
      i > 0 && chunks[i].bytes.buffer === chunks[i - 1].bytes.buffer ? startOf(chunks[i]) - endOf(chunks[i - 1]) : -1;
    if (gap >= 0 && gap <= MOST_BETWEEN_BYTES) size += gap;
    else firsts.push(i);
    size += chunks[i].length;
  }
  const bytes = new Uint8Array(size);
  let at = 0;
  for (let r = 0; r < firsts.length; r++) {
    const first = firsts[r];
    const next = r + 1 < firsts.length ? firsts[r + 1] : chunks.length;
    const start = startOf(chunks[first]);
    const run = new Uint8Array(chunks[first].bytes.buffer, start, endOf(chunks[next - 1]) - start);
    bytes.set(run, at);
    for (let i = first; i < next; i++) {
      chunks[i].offset = at + startOf(chunks[i]) - start;
      chunks[i].bytes = bytes;
    }
    at += run.length;
  }
}

/** Where a chunk begins in the memory it lies in. */
function startOf({ bytes, offset }: ChunkView): number {
  return bytes.byteOffset + offset;
}

function endOf(chunk: ChunkView): number {
  return startOf(chunk) + chunk.length;
}

function matchersOf(matchers: readonly MatcherLike[]): Matcher[] {
  return matchers.map((one) => (one instanceof Matcher ? one : new Matcher(one[1], one[0], one[2])));
}

async function readSmall(source: BlockSource, file: string, signal: AbortSignal | undefined): Promise<Uint8Array> {
  const size = await source.sizeOf(file, signal);
  if (size === undefined) throw new Fault('not-found', `there is no ${file}`);
  if (size > MAX_SMALL_FILE_BYTES) throw new Fault('limit', `${file} has ${size} bytes`);
  return size === 0 ? new Uint8Array(0) : await source.read(file, 0, size, signal);
}

/** The segments that meta.json lists, as Thanos has it do; else those that are there. */
async function findSegments(
  source: BlockSource,
  meta: BlockMeta,
  budgetBytes: number,
  signal: AbortSignal | undefined,
): Promise<PagedSource[]> {
  const listed = listedSegments(meta);
  const found: { file: string; sizeBytes: number }[] = [];
  for (let i = 0; listed === undefined || i < listed.length; i++) {
    const file = `chunks/${listed?.[i] ?? segmentName(i)}`;
    const sizeBytes = await source.sizeOf(file, signal);
    if (sizeBytes !== undefined) found.push({ file, sizeBytes });
    else if (listed === undefined) break;
    else throw new Fault('not-found', `there is no ${file}`);
  }
  return found.map(({ file, sizeBytes }) => new PagedSource(source, file, sizeBytes, budgetBytes / found.length));
}

function listedSegments(meta: BlockMeta): readonly string[] | undefined {
  const { thanos } = meta.others as { thanos?: { segment_files?: unknown; files?: unknown } };
  const names = (list: unknown): string[] =>
    Array.isArray(list) ? list.filter((name): name is string => typeof name === 'string') : [];
  const segments = names(thanos?.segment_files);
  if (segments.length > 0) return segments;
  const files = Array.isArray(thanos?.files) ? thanos.files : [];
  const paths = names(files.map((file: { rel_path?: unknown } | null) => file?.rel_path));
  const chunks = paths.filter((path) => path.startsWith('chunks/')).map((path) => path.slice('chunks/'.length));
  return chunks.length > 0 ? chunks : undefined;
}
