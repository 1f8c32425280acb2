// A block wherever it is: in a bucket, behind a web server, or in a directory. Nothing here is of Node, so it runs in a
// browser too. Only what is asked for is read: the symbols and the table of posting lists when opened, then lists, series
// and chunks by ranges. Pages of files at a distance are kept, files at hand are read in place.

import type { ByteSource } from '../bytes/byte-source.ts';
import { during, Fault } from '../errors/fault.ts';
import type { HistogramSample } from '../model/histogram.ts';
import type { Labels } from '../model/labels.ts';
import { Matcher, type MatcherOp } from '../model/matcher.ts';
import { MAX_TIME, MIN_TIME } from '../model/time.ts';
import type { SampleColumns } from '../storage/sample-columns.ts';
import { type BlockMeta, META_FILE, parseBlockMeta } from './block-meta.ts';
import type { BlockSource } from './block-source.ts';
import { segmentName } from './chunks/format.ts';
import { SegmentReader } from './chunks/segment-reader.ts';
import { GatheredChunks } from './gathered-chunks.ts';
import { IndexReader } from './index/reader.ts';
import { SeriesEntry } from './index/series-entry.ts';
import { PagedSource, type Range, readThrough } from './paged-source.ts';
import { RecentRuns } from './recent-runs.ts';
import { type Interval, noTombstones, parseTombstones, type Tombstones } from './tombstones.ts';
import { UndecodedSeries } from './undecoded-series.ts';

/** A matcher, or its parts: `['job', '=~', 'a|b']`. */
export type MatcherLike = Matcher | readonly [name: string, op: MatcherOp, value: string];

export interface ReadOptions {
  /** Both inclusive, ms; everything unless given. */
  readonly minTime?: number;
  readonly maxTime?: number;
  readonly signal?: AbortSignal;
  /** The series of a batch are read before the next batch is asked for: `batches` then uses the same memory for all. */
  readonly readsInTurn?: boolean;
}

export interface OpenOptions {
  /**
   * What of index and chunks is kept in memory between reads; 64 MiB unless given. Of a directory, which the system keeps, it
   * is at most 4 MiB.
   */
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

/** A file of the block as readers of formats see it; and its pages, when it is at a distance. */
interface OpenFile {
  readonly bytes: ByteSource;
  readonly pages: PagedSource | undefined;
}

/** Where the chunks of some series lie that reach into a time: those of a series end where those of the next begin. */
interface Places {
  readonly ids: number[];
  readonly labels: Labels[];
  readonly ends: number[];
  readonly segments: number[];
  readonly offsets: number[];
}

const CACHE_BYTES = 64 * 1024 * 1024;
/** The most of it for blocks at hand: some ten thousand chunks. */
const NEAR_CACHE_BYTES = 4 * 1024 * 1024;
/** Series whose places are fetched together. */
const BATCH_SERIES = 256;
/** Of blocks at hand, where a batch saves no requests, about so many bytes of chunks are read together. */
const BATCH_BYTES = 1024 * 1024;
/** What an entry of the index, and a chunk, are taken to need; more is fetched where they do. */
const ENTRY_BYTES = 512;
const CHUNK_BYTES = 1024;
/** Chunks of a series that lie farther apart are read one by one. */
const MOST_APART_BYTES = 16 * 1024;
/** Other work in the process gets its turn after this much time in blocks at hand, whose reads wait for nothing. */
const TURN_MS = 25;
const NONE_DELETED: readonly Interval[] = [];
const MAX_SMALL_FILE_BYTES = 64 * 1024 * 1024;

export class OpenBlock {
  readonly meta: BlockMeta;
  readonly #source: BlockSource;
  readonly #index: IndexReader;
  readonly #indexPages: PagedSource | undefined;
  readonly #segmentFiles: readonly OpenFile[];
  readonly #segmentPages: readonly PagedSource[];
  readonly #recent: RecentRuns | undefined;
  readonly #tombstones: Tombstones;
  #segments: SegmentReader | undefined;
  /** When others get theirs, whatever number of small questions have been answered since the last time. */
  #turnEnds = 0;
  /** The end of the work under way: one at a time uses the sources. */
  #turn: Promise<unknown> = Promise.resolve();

  private constructor(
    meta: BlockMeta,
    source: BlockSource,
    index: IndexReader,
    indexPages: PagedSource | undefined,
    segmentFiles: readonly OpenFile[],
    recent: RecentRuns | undefined,
    tombstones: Tombstones,
  ) {
    this.meta = meta;
    this.#source = source;
    this.#index = index;
    this.#indexPages = indexPages;
    this.#segmentFiles = segmentFiles;
    this.#segmentPages = pagesOf(segmentFiles);
    this.#recent = recent;
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
      const indexFile = openFile(source, 'index', indexBytes, cacheBytes / 2);
      const index = await readThrough(pagesOf([indexFile]), () => new IndexReader(indexFile.bytes), signal);
      const segmentFiles = await findSegments(source, meta, cacheBytes / 2, signal);
      const hasTombstones = (await source.sizeOf('tombstones', signal)) !== undefined;
      const tombstones = hasTombstones ? parseTombstones(await readSmall(source, 'tombstones', signal)) : noTombstones;
      const recent = indexFile.pages === undefined ? new RecentRuns(Math.min(NEAR_CACHE_BYTES, cacheBytes)) : undefined;
      return new OpenBlock(meta, source, index, indexFile.pages, segmentFiles, recent, tombstones);
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
    const { signal } = options;
    const asked = matchersOf(matchers);
    const ids = await this.#inTurn(() => this.#match(asked, signal));
    const isNear = this.#indexPages === undefined;
    const gathered = new GatheredChunks();
    const entry = new SeriesEntry();
    let count = BATCH_SERIES;
    for (let at = 0; at < ids.length; ) {
      if (isNear && performance.now() >= this.#turnEnds) {
        await new Promise<void>((resolve) => nextTurn(resolve));
        this.#turnEnds = performance.now() + TURN_MS;
      }
      const batch = ids.subarray(at, at + count);
      yield await this.#inTurn(() => this.#readBatch(batch, entry, gathered, options));
      at += batch.length;
      const share = BATCH_BYTES / Math.max(1, gathered.sizeBytes);
      if (isNear) count = Math.min(BATCH_SERIES, Math.max(1, Math.floor(batch.length * share)));
    }
  }

  /** `entry` and `gathered` are scratch, but that the series are in `gathered` when they are read in turn. */
  async #readBatch(
    ids: Uint32Array,
    entry: SeriesEntry,
    gathered: GatheredChunks,
    { minTime = MIN_TIME, maxTime = MAX_TIME, signal, readsInTurn = false }: ReadOptions,
  ): Promise<UndecodedSeries[]> {
    await this.#prefetchEntries(ids, signal);
    // After a fetch each run goes on where the one before ended.
    const places: Places = { ids: [], labels: [], ends: [], segments: [], offsets: [] };
    let next = 0;
    const look = (): void => {
      for (; next < ids.length; next++) this.#findPlaces(ids[next], minTime, maxTime, entry, places);
    };
    await this.#read(look, signal);
    await this.#prefetchChunks(places, signal);
    gathered.clear(places.offsets.length);
    await readThrough(this.#segmentPages, () => this.#takeChunks(places, gathered), signal);
    const chunks = readsInTurn ? gathered : gathered.copy();
    return places.ids.map((id, s) => {
      const from = s === 0 ? 0 : places.ends[s - 1];
      const deleted = this.#tombstones.get(id) ?? NONE_DELETED;
      return new UndecodedSeries(places.labels[s], chunks, from, places.ends[s], { minTime, maxTime, deleted });
    });
  }

  /** Adds nothing when no chunk of the series lies in the time. */
  #findPlaces(id: number, minTime: number, maxTime: number, entry: SeriesEntry, into: Places): void {
    this.#index.series(id, entry);
    const { chunkCount, minTimes, maxTimes, segments, offsets } = entry;
    let from = 0;
    while (from < chunkCount && maxTimes[from] < minTime) from++;
    let to = from;
    for (; to < chunkCount && minTimes[to] <= maxTime; to++) {
      into.segments.push(segments[to]);
      into.offsets.push(offsets[to]);
    }
    if (to === from) return;
    into.ids.push(id);
    into.labels.push(this.#index.labels(entry));
    into.ends.push(into.offsets.length);
  }

  /** Takes the chunks that are not taken yet. */
  #takeChunks({ ids, ends, segments, offsets }: Places, into: GatheredChunks): void {
    this.#segments ??= new SegmentReader(this.#segmentFiles.map(({ bytes }) => bytes));
    for (let s = 0; s < ids.length; s++) {
      try {
        while (into.count < ends[s]) {
          const from = into.count;
          const to = endOfRun(segments, offsets, from, ends[s]);
          into.addRun(this.#segments, this.#recent, segments[from], offsets, from, to);
        }
      } catch (thrown) {
        throw during(`read chunks of series ${ids[s]}`, thrown, { block: this.meta.ulid });
      }
    }
  }

  async #prefetchChunks(places: Places, signal: AbortSignal | undefined): Promise<void> {
    if (this.#segmentPages.length === 0) return;
    const { segments, offsets } = places;
    const ranges = this.#segmentPages.map((): Range[] => []);
    for (let from = 0, to = 0; from < offsets.length; from = to) {
      to = endOfRun(segments, offsets, from, offsets.length);
      const length = offsets[to - 1] - offsets[from] + CHUNK_BYTES;
      // What lies in a segment that is not there fails when it is read.
      ranges[segments[from]]?.push({ offset: offsets[from], length });
    }
    await Promise.all(ranges.map((wanted, i) => this.#segmentPages[i].prefetch(wanted, signal)));
  }

  #match(matchers: readonly Matcher[], signal: AbortSignal | undefined): Promise<Uint32Array> {
    return this.#read(() => this.#index.match(matchers), signal);
  }

  async #prefetchEntries(ids: Uint32Array, signal: AbortSignal | undefined): Promise<void> {
    if (this.#indexPages === undefined) return;
    const unit = this.#index.seriesUnit;
    const ranges = Array.from(ids, (id) => ({ offset: id * unit, length: ENTRY_BYTES }));
    await this.#indexPages.prefetch(ranges, signal);
  }

  #read<T>(run: () => T, signal: AbortSignal | undefined): Promise<T> {
    return readThrough(this.#indexPages === undefined ? [] : [this.#indexPages], run, signal);
  }

  /** After everything that was begun before. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(work, work);
    this.#turn = result.catch(() => {});
    return result;
  }
}

/** Where the run of chunks ends that begins with chunk `from` and is read at once, `to` at the latest. */
function endOfRun(segments: readonly number[], offsets: readonly number[], from: number, to: number): number {
  let end = from + 1;
  while (end < to && segments[end] === segments[from]) {
    const step = offsets[end] - offsets[end - 1];
    if (step <= 0 || step > MOST_APART_BYTES) break;
    end++;
  }
  return end;
}

function openFile(source: BlockSource, file: string, sizeBytes: number, budgetBytes: number): OpenFile {
  if (source.openFile !== undefined) return { bytes: source.openFile(file), pages: undefined };
  const pages = new PagedSource(source, file, sizeBytes, budgetBytes);
  return { bytes: pages, pages };
}

function pagesOf(files: readonly OpenFile[]): PagedSource[] {
  return files.flatMap(({ pages }) => pages ?? []);
}

/** Browsers have no setImmediate. */
const nextTurn: (then: () => void) => unknown =
  typeof setImmediate === 'function' ? setImmediate : (then) => setTimeout(then, 0);

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
): Promise<OpenFile[]> {
  const listed = listedSegments(meta);
  const found: { file: string; sizeBytes: number }[] = [];
  for (let i = 0; listed === undefined || i < listed.length; i++) {
    const file = `chunks/${listed?.[i] ?? segmentName(i)}`;
    const sizeBytes = await source.sizeOf(file, signal);
    if (sizeBytes !== undefined) found.push({ file, sizeBytes });
    else if (listed === undefined) break;
    else throw new Fault('not-found', `there is no ${file}`);
  }
  return found.map(({ file, sizeBytes }) => openFile(source, file, sizeBytes, budgetBytes / found.length));
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
