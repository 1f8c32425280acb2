// Tests: a Store from a few lines of text or arrays, in memory, that keeps every rule of the contract.

import type { RequestContext } from '../async/request.ts';
import { compareUtf8 } from '../bytes/compare.ts';
import { Fault } from '../errors/fault.ts';
import { compareLabels, Labels } from '../model/labels.ts';
import type { Matcher } from '../model/matcher.ts';
import { SampleBuffer } from '../storage/sample-columns.ts';
import { encodeXor } from '../tsdb/chunkenc/xor-encoder.ts';
import { ChunkTableBuilder } from './chunk-table.ts';
import { sharderOf } from './shard.ts';
import type {
  LabelNamesRequest,
  LabelsAnswer,
  LabelValuesRequest,
  SeriesBatch,
  SeriesRequest,
  Store,
  StoreSeries,
} from './store.ts';

export interface FakeSeries {
  readonly labels: Labels;
  /** Time in ms and value, ascending. */
  readonly samples: readonly (readonly [number, number])[];
}

export interface FakeStoreOptions {
  /** Added to every series, winning over labels of the same name. */
  readonly externalLabels?: Labels;
  /** Series a batch. */
  readonly batchSeries?: number;
  /** Samples a chunk. */
  readonly chunkSamples?: number;
  /** Sent before the first series. */
  readonly warnings?: readonly string[];
  /** Thrown once the series before it are sent. */
  readonly failure?: { readonly fault: Fault; readonly afterSeries: number };
}

export class FakeStore implements Store {
  /** What was asked, in order. */
  readonly requests: SeriesRequest[] = [];
  /** Streams begun and not yet ended or left. */
  openStreams = 0;
  readonly #series: readonly FakeSeries[];
  readonly #options: FakeStoreOptions;

  constructor(series: readonly FakeSeries[] | string, options: FakeStoreOptions = {}) {
    this.#series = typeof series === 'string' ? parseFakeSeries(series) : series;
    this.#options = options;
  }

  async *series(request: RequestContext, query: SeriesRequest): AsyncGenerator<SeriesBatch, void, undefined> {
    this.requests.push(query);
    const { batchSeries = 16, warnings = [], failure } = this.#options;
    this.openStreams++;
    try {
      if (warnings.length > 0) yield { series: [], warnings };
      const found = this.#select(query);
      const end = failure === undefined ? found.length : Math.min(found.length, failure.afterSeries);
      for (let i = 0; i < end; i += batchSeries) {
        request.signal.throwIfAborted();
        yield { series: found.slice(i, Math.min(end, i + batchSeries)), warnings: [] };
      }
      if (failure !== undefined) throw failure.fault;
    } finally {
      this.openStreams--;
    }
  }

  async labelNames(_request: RequestContext, query: LabelNamesRequest): Promise<LabelsAnswer> {
    const dropped = new Set(query.withoutReplicaLabels);
    const names = this.#labels(query).flatMap((labels) => [...labels].map(([name]) => name));
    return this.#answer(
      names.filter((name) => !dropped.has(name)),
      query.limit,
    );
  }

  async labelValues(_request: RequestContext, query: LabelValuesRequest): Promise<LabelsAnswer> {
    if (query.label === '') throw new Fault('invalid', 'label name parameter cannot be empty');
    if (query.withoutReplicaLabels.includes(query.label)) return this.#answer([], 0);
    const values = this.#labels(query).map((labels) => labels.get(query.label));
    return this.#answer(
      values.filter((value) => value !== ''),
      query.limit,
    );
  }

  #answer(values: readonly string[], limit: number): LabelsAnswer {
    const sorted = [...new Set(values)].sort(compareUtf8);
    return { values: limit > 0 ? sorted.slice(0, limit) : sorted, warnings: this.#options.warnings ?? [] };
  }

  #labels({ matchers, minTime, maxTime }: LabelNamesRequest): Labels[] {
    return this.#series
      .filter(({ samples }) => samples.some(([time]) => time >= minTime && time <= maxTime))
      .map(({ labels }) => this.#final(labels))
      .filter((labels) => matchesAll(matchers, labels));
  }

  #final(labels: Labels): Labels {
    return labels.with(this.#options.externalLabels ?? Labels.empty);
  }

  #select(query: SeriesRequest): StoreSeries[] {
    const dropped = new Set(query.withoutReplicaLabels);
    const sharder = sharderOf(query.shard);
    const found: StoreSeries[] = [];
    for (const { labels, samples } of this.#series) {
      const final = this.#final(labels);
      if (!matchesAll(query.matchers, final)) continue;
      const kept = final.without(dropped);
      if (sharder !== undefined && !sharder.matches(kept)) continue;
      const table = chunksOf(samples, query, this.#options.chunkSamples ?? 120);
      if (table.length === 0) continue;
      found.push({ labels: kept, chunks: query.skipChunks ? [] : [{ table, from: 0, to: table.length }] });
    }
    found.sort((a, b) => compareLabels(a.labels, b.labels));
    return query.limit > 0 ? found.slice(0, query.limit) : found;
  }
}

/**
 * One series a line: `name{label="value", ...} time:value time:value ...`, times in ms. Empty lines and lines that begin
 * with `#` are passed over.
 */
export function parseFakeSeries(text: string): FakeSeries[] {
  const series: FakeSeries[] = [];
  for (const line of text.split('\n').map((part) => part.trim())) {
    if (line === '' || line.startsWith('#')) continue;
    const parts = /^([^{\s]*)(?:\{([^}]*)\})?((?:\s+\S+)*)$/.exec(line);
    if (parts === null) throw new Fault('invalid', `not a series: ${line}`);
    const pairs = [...(parts[2] ?? '').matchAll(/([^\s=,]+)\s*=\s*("(?:[^"\\]|\\.)*")/g)];
    const labels = Labels.from([
      ['__name__', parts[1]],
      ...pairs.map(([, name, value]) => [name, JSON.parse(value)] as const),
    ]);
    const samples = parts[3].split(/\s+/).filter((sample) => sample !== '');
    series.push({
      labels,
      samples: samples.map((sample) => sample.split(':').map(Number) as [number, number]),
    });
  }
  return series;
}

function matchesAll(matchers: readonly Matcher[], labels: Labels): boolean {
  return matchers.every((matcher) => matcher.matches(labels.get(matcher.name)));
}

/** The chunks that overlap the asked time; whole ones. */
function chunksOf(samples: FakeSeries['samples'], query: SeriesRequest, chunkSamples: number): ChunkTableBuilder {
  const table = new ChunkTableBuilder(Math.ceil(samples.length / chunkSamples));
  for (let from = 0; from < samples.length; from += chunkSamples) {
    const part = samples.slice(from, from + chunkSamples);
    const minTime = part[0][0];
    const maxTime = part[part.length - 1][0];
    if (maxTime < query.minTime || minTime > query.maxTime) continue;
    const columns = new SampleBuffer(part.length);
    for (const [time, value] of part) columns.push(time, value);
    table.chunk(minTime, maxTime);
    table.copy(0, 1, encodeXor(columns));
  }
  return table;
}
