// One Prometheus as a Store: remote read turned into series, its chunks passed on as they are, at the reader's pace.

import type { RequestContext } from '../async/request.ts';
import { compareUtf8 } from '../bytes/compare.ts';
import { Fault } from '../errors/fault.ts';
import { finalLabels, splitMatchers } from '../model/external-labels.ts';
import { compareLabels, Labels } from '../model/labels.ts';
import type { Matcher } from '../model/matcher.ts';
import type { PrometheusClient } from '../promclient/client.ts';
import { type LabelCall, labelNamesOf, labelValuesOf, seriesOf } from '../promclient/query-api.ts';
import { type ReadAnswer, remoteRead } from '../promclient/remote-read.ts';
import { printMatcher } from '../promql/parser/print.ts';
import { ChunkedReadFrameReader } from '../proto/chunked-read-frame.ts';
import { StringInterner } from '../proto/string-interner.ts';
import { ChunkTableBuilder } from '../store/chunk-table.ts';
import { sharderOf } from '../store/shard.ts';
import type {
  LabelNamesRequest,
  LabelsAnswer,
  LabelValuesRequest,
  SeriesBatch,
  SeriesRequest,
  Store,
  StoreSeries,
} from '../store/store.ts';
import { transcodeChunk } from '../tsdb/chunkenc/transcode.ts';
import { PrefixOrder } from './prefix-order.ts';
import { sampledSeries } from './sampled-series.ts';

/** What the store must know of its Prometheus; PrometheusState knows it. */
export interface PrometheusFacts {
  mustBeReady(): void;
  readonly externalLabels: Labels;
  readonly innerLabelNames: ReadonlySet<string>;
  readonly version: string;
  readonly minTime: number;
  refreshLabelNames(signal: AbortSignal): Promise<void>;
}

export interface PrometheusStoreDeps {
  readonly client: PrometheusClient;
  readonly facts: PrometheusFacts;
}

/** The largest number of the block format that readers of StoreAPI know. */
const LAST_SHARED_ENCODING = 3;
const BATCH_BYTES = 1 << 20;

export class PrometheusStore implements Store {
  readonly #client: PrometheusClient;
  readonly #facts: PrometheusFacts;

  constructor({ client, facts }: PrometheusStoreDeps) {
    this.#client = client;
    this.#facts = facts;
  }

  async *series(request: RequestContext, query: SeriesRequest): AsyncGenerator<SeriesBatch> {
    this.#facts.mustBeReady();
    const external = this.#facts.externalLabels;
    const matchers = innerMatchers(query.matchers, external);
    const minTime = Math.max(query.minTime, this.#facts.minTime);
    if (matchers === undefined || minTime > query.maxTime) return;
    if (query.skipChunks) {
      yield* this.#labelsOnly(request, query, matchers, minTime);
      return;
    }
    const answer = await remoteRead(request, this.#client, { matchers, minTime, maxTime: query.maxTime });
    const without = new Set(query.withoutReplicaLabels);
    const named: Naming = { external, without };
    const series = seriesOfAnswer(answer);
    const sorted = this.#mayDisorder(named) ? sortedWhole(series, named) : this.#sortedStream(series, named, request);
    yield* batched(sorted, query);
  }

  async labelNames(request: RequestContext, query: LabelNamesRequest): Promise<LabelsAnswer> {
    this.#facts.mustBeReady();
    const external = this.#facts.externalLabels;
    const matchers = splitMatchers(query.matchers, external);
    if (matchers === undefined) return { values: [], warnings: [] };
    const inner = this.#asksSeries(matchers)
      ? [...new Set((await this.#innerSeries(request, query, matchers)).flatMap((one) => Object.keys(one)))]
      : await labelNamesOf(request, this.#client, callOf(query, matchers));
    // External names belong to series; where there is none, there is nothing to name.
    const names = new Set(inner);
    if (inner.length > 0) {
      for (const [name] of external) if (!query.withoutReplicaLabels.includes(name)) names.add(name);
    }
    return { values: limited(sortedText(names), query.limit), warnings: [] };
  }

  async labelValues(request: RequestContext, query: LabelValuesRequest): Promise<LabelsAnswer> {
    this.#facts.mustBeReady();
    const { label } = query;
    if (label === '') throw new Fault('invalid', 'label name parameter cannot be empty');
    if (query.withoutReplicaLabels.includes(label)) return { values: [], warnings: [] };
    const external = this.#facts.externalLabels;
    const matchers = splitMatchers(query.matchers, external);
    if (matchers === undefined) return { values: [], warnings: [] };
    const externalValue = external.get(label);
    if (externalValue !== '') {
      if (matchers.length === 0) return { values: [externalValue], warnings: [] };
      const found = await this.#innerSeries(request, { ...query, limit: 1 }, matchers);
      return { values: found.length > 0 ? [externalValue] : [], warnings: [] };
    }
    const values = this.#asksSeries(matchers)
      ? (await this.#innerSeries(request, query, matchers))
          .map((one) => one[label] ?? '')
          .filter((value) => value !== '')
      : await labelValuesOf(request, this.#client, label, callOf(query, matchers));
    return { values: limited(sortedText(new Set(values)), query.limit), warnings: [] };
  }

  /** Matchers on label calls came with Prometheus 2.24; older ones, and those that hide their version, are asked for series. */
  #asksSeries(matchers: readonly Matcher[]): boolean {
    const parts = /^(\d+)\.(\d+)/.exec(this.#facts.version);
    const knowsMatchers =
      parts !== null && (Number(parts[1]) > 2 || (Number(parts[1]) === 2 && Number(parts[2]) >= 24));
    return matchers.length > 0 && !knowsMatchers;
  }

  #innerSeries(request: RequestContext, query: LabelNamesRequest, matchers: readonly Matcher[]) {
    return seriesOf(request, this.#client, callOf(query, matchers));
  }

  async *#labelsOnly(
    request: RequestContext,
    query: SeriesRequest,
    matchers: readonly Matcher[],
    minTime: number,
  ): AsyncGenerator<SeriesBatch> {
    const { maxTime, limit } = query;
    const found = await seriesOf(request, this.#client, callOf({ minTime, maxTime, limit }, matchers));
    const external = this.#facts.externalLabels;
    // Replica labels are dropped where they are external, and only there: what the reference's sidecar does too.
    const dropped = new Set(query.withoutReplicaLabels);
    const kept = Labels.from([...external].filter(([name]) => !dropped.has(name)));
    const series = found.map((record) => ({ labels: Labels.of(record).with(kept), chunks: [] }));
    series.sort((a, b) => compareLabels(a.labels, b.labels));
    if (series.length > 0) yield { series, warnings: [] };
  }

  /** True when a label that is added or dropped stands in series: then the final order can be any. */
  #mayDisorder({ external, without }: Naming): boolean {
    const inner = this.#facts.innerLabelNames;
    return [...external].some(([name]) => inner.has(name)) || [...without].some((name) => inner.has(name));
  }

  async *#sortedStream(
    series: AsyncIterable<StoreSeries>,
    naming: Naming,
    request: RequestContext,
  ): AsyncGenerator<StoreSeries> {
    const order = new PrefixOrder();
    let last: Labels | undefined;
    const disorder = async (labels: Labels): Promise<Fault> => {
      // A label that was not there at the last heartbeat. What was sent cannot be taken back; the next call will do.
      await this.#facts.refreshLabelNames(request.signal);
      return new Fault('unavailable', `series ${labels} has a label that is also added or dropped: ask again`);
    };
    for await (const one of series) {
      if (collides(one.labels, naming)) throw await disorder(one.labels);
      for (const next of order.push(renamed(one, naming))) {
        if (last !== undefined && compareLabels(last, next.labels) > 0) throw await disorder(next.labels);
        last = next.labels;
        yield next;
      }
    }
    yield* order.end();
  }
}

interface Naming {
  readonly external: Labels;
  readonly without: ReadonlySet<string>;
}

/** Undefined when an external label rules everything out. Throws `invalid` when nothing is left to ask for. */
function innerMatchers(matchers: readonly Matcher[], external: Labels): readonly Matcher[] | undefined {
  const rest = splitMatchers(matchers, external);
  if (rest !== undefined && rest.length === 0) {
    throw new Fault('invalid', 'no matchers specified (excluding external labels)');
  }
  return rest;
}

function renamed({ labels, chunks }: StoreSeries, { external, without }: Naming): StoreSeries {
  return { labels: finalLabels(labels, external, without), chunks };
}

/** Remote read adds the external labels by itself; a series that has one of its own keeps that, and shows it by another value. */
function collides(labels: Labels, { external, without }: Naming): boolean {
  const { flat } = labels;
  for (let i = 0; i < flat.length; i += 2) {
    const added = external.get(flat[i]);
    if (added === '' ? without.has(flat[i]) : added !== flat[i + 1]) return true;
  }
  return false;
}

async function* sortedWhole(series: AsyncIterable<StoreSeries>, naming: Naming): AsyncGenerator<StoreSeries> {
  const all: StoreSeries[] = [];
  for await (const one of series) all.push(renamed(one, naming));
  all.sort((a, b) => compareLabels(a.labels, b.labels));
  yield* all;
}

async function* seriesOfAnswer(answer: ReadAnswer): AsyncGenerator<StoreSeries> {
  if (answer.kind === 'sampled') {
    yield* sampledSeries(answer.response);
    return;
  }
  const reader = new ChunkedReadFrameReader(new StringInterner());
  for await (const frame of answer.frames) {
    const table = new ChunkTableBuilder(16, frame);
    const series: StoreSeries[] = [];
    let from = 0;
    reader.read(frame, table, (labels) => {
      if (table.length > from) series.push({ labels, chunks: [{ table, from, to: table.length }] });
      from = table.length;
    });
    transcode(table);
    yield* series;
  }
}

/** Prometheus may send chunks with start timestamps, which readers of StoreAPI do not know. */
function transcode(table: ChunkTableBuilder): void {
  for (let i = 0; i < table.partCount; i++) {
    const encoding = table.partEncoding[i];
    if (encoding >= 1 && encoding <= LAST_SHARED_ENCODING) continue;
    const from = table.partOffset[i];
    const transcoded = transcodeChunk(encoding, table.bytes.subarray(from, from + table.partLength[i]));
    table.replace(i, transcoded.encoding, transcoded.bytes);
  }
}

/** Series in batches as the caller asked for them, none much over a megabyte. Shards are cut here. */
async function* batched(sorted: AsyncIterable<StoreSeries>, query: SeriesRequest): AsyncGenerator<SeriesBatch> {
  const sharder = sharderOf(query.shard);
  const most = Math.max(query.responseBatchSize, 1);
  let series: StoreSeries[] = [];
  let bytes = 0;
  for await (const one of sorted) {
    if (sharder !== undefined && !sharder.matches(one.labels)) continue;
    series.push(one);
    for (const { table } of one.chunks) bytes += table.bytes.length;
    if (series.length >= most || bytes >= BATCH_BYTES) {
      yield { series, warnings: [] };
      series = [];
      bytes = 0;
    }
  }
  if (series.length > 0) yield { series, warnings: [] };
}

function callOf(
  { minTime, maxTime, limit }: Pick<LabelNamesRequest, 'minTime' | 'maxTime' | 'limit'>,
  matchers: readonly Matcher[],
): LabelCall {
  const selectors = matchers.length === 0 ? [] : [`{${matchers.map(printMatcher).join(', ')}}`];
  return { selectors, minTime, maxTime, limit };
}

function sortedText(values: ReadonlySet<string>): string[] {
  return [...values].sort(compareUtf8);
}

function limited(values: readonly string[], limit: number): readonly string[] {
  return limit > 0 ? values.slice(0, limit) : values;
}
