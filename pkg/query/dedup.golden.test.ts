import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, test } from 'vitest';
import { goldenDir } from '../../dev/golden.ts';
import { backgroundRequest, type RequestContext } from '../async/request.ts';
import { compareLabels, Labels } from '../model/labels.ts';
import { Matcher } from '../model/matcher.ts';
import { isStaleAt } from '../model/staleness.ts';
import { SampleBuffer } from '../storage/sample-columns.ts';
import { ChunkTableBuilder } from '../store/chunk-table.ts';
import { fakeEndpoint } from '../store/fake-endpoint.ts';
import { proxyDefaults, StoreProxy } from '../store/proxy.ts';
import {
  Aggregate,
  type LabelsAnswer,
  type SeriesBatch,
  type SeriesRequest,
  type Store,
  type StoreSeries,
} from '../store/store.ts';
import { Block } from '../tsdb/block.ts';
import { ChunkView } from '../tsdb/chunks/segment-reader.ts';
import { SeriesEntry } from '../tsdb/index/series-entry.ts';
import { selectDefaults } from './config.ts';
import { FanOutQueryable } from './queryable.ts';

const golden = goldenDir();
const LOOKBACK_MS = 300_000;

/** One block as a store of its own, plainly. */
class BlockStore implements Store {
  readonly #block: Block;
  readonly #external: Labels;

  constructor(directory: string, external: Labels) {
    this.#block = Block.open(directory);
    this.#external = external;
  }

  async *series(_: RequestContext, query: SeriesRequest): AsyncGenerator<SeriesBatch> {
    const entry = new SeriesEntry();
    const view = new ChunkView();
    const dropped = new Set(query.withoutReplicaLabels);
    const out: StoreSeries[] = [];
    const inner = query.matchers.filter(({ name }) => !this.#external.has(name));
    for (const id of this.#block.match(inner)) {
      const labels = this.#block.series(id, entry).with(this.#external);
      if (!query.matchers.every((matcher) => matcher.matches(labels.get(matcher.name)))) continue;
      const table = new ChunkTableBuilder();
      for (let i = 0; i < entry.chunkCount; i++) {
        if (entry.maxTimes[i] < query.minTime || entry.minTimes[i] > query.maxTime) continue;
        this.#block.chunk(entry, i, view);
        table.chunk(entry.minTimes[i], entry.maxTimes[i]);
        table.copy(Aggregate.raw, view.encoding, view.bytes.subarray(view.offset, view.offset + view.length));
      }
      if (table.length > 0)
        out.push({ labels: labels.without(dropped), chunks: [{ table, from: 0, to: table.length }] });
    }
    yield { series: out.sort((a, b) => compareLabels(a.labels, b.labels)), warnings: [] };
  }

  async labelNames(): Promise<LabelsAnswer> {
    return { values: [], warnings: [] };
  }

  async labelValues(): Promise<LabelsAnswer> {
    return { values: [], warnings: [] };
  }
}

interface Query {
  readonly id: string;
  readonly path: string;
  readonly matchers: readonly Matcher[];
  /** Of a matrix selector; undefined for an instant one. */
  readonly rangeMs: number | undefined;
  readonly params: URLSearchParams;
  readonly result: readonly { metric: Record<string, string>; value?: [number, string]; values?: [number, string][] }[];
}

/** The recorded queries of kind dedup that are a bare selector of floats. */
function readQueries(directory: string): readonly Query[] {
  const lines = gunzipSync(readFileSync(join(directory, 'queries/queries.jsonl.gz')))
    .toString()
    .trim()
    .split('\n');
  return lines.flatMap((line): Query[] => {
    const record = JSON.parse(line) as {
      id: string;
      kind: string;
      querier: string;
      path: string;
      params: [string, string][];
      status: number;
      body: string;
    };
    if (record.kind !== 'dedup' || record.querier !== 'main-after' || record.status !== 200) return [];
    const params = new URLSearchParams(record.params);
    const selector = /^(\w+)(?:\{(\w+)="([^"]*)"\})?(?:\[(\d+)m\])?$/.exec(params.get('query') ?? '');
    if (selector === null) return [];
    const [, name, label, value, minutes] = selector;
    if (name === 'ha_latency') return []; // A native histogram.
    const matchers = [new Matcher('=', '__name__', name)];
    if (label !== undefined) matchers.push(new Matcher('=', label, value));
    const { data } = JSON.parse(record.body) as { data: { result: Query['result'] } };
    const rangeMs = minutes === undefined ? undefined : Number(minutes) * 60_000;
    return [{ id: record.id, path: record.path, matchers, rangeMs, params, result: data.result }];
  });
}

function openStores(directory: string): Store[] {
  return readdirSync(directory).flatMap((ulid) => {
    const path = join(directory, ulid);
    const meta = JSON.parse(readFileSync(join(path, 'meta.json'), 'utf8')) as {
      thanos: { labels: Record<string, string>; downsample: { resolution: number } };
    };
    return meta.thanos.downsample.resolution === 0 ? [new BlockStore(path, Labels.of(meta.thanos.labels))] : [];
  });
}

const text = (value: number): string => (value === Infinity ? '+Inf' : value === -Infinity ? '-Inf' : String(value));

/** The sample an instant selector finds, as the API prints it. */
function instantAt(samples: SampleBuffer, time: number): string | undefined {
  let last = samples.length - 1;
  while (last >= 0 && samples.times[last] > time) last--;
  if (last < 0 || samples.times[last] <= time - LOOKBACK_MS || isStaleAt(samples.words, last)) return undefined;
  return text(samples.values[last]);
}

describe.skipIf(golden === undefined)('replicas as the reference merged them (golden bucket main/after)', () => {
  const queries = golden === undefined ? [] : readQueries(golden);

  test('there are queries of every shape', () => {
    assert.ok(queries.length >= 10);
    assert.ok(queries.some(({ rangeMs }) => rangeMs !== undefined));
    assert.ok(queries.some(({ path }) => path.endsWith('query_range')));
  });

  let stores: Store[] | undefined;
  for (const { id, path, matchers, rangeMs, params, result } of queries) {
    test(`${id}: ${params.get('query')}`, async () => {
      stores ??= openStores(join(golden!, 'bucket/main/after'));
      const proxy = new StoreProxy({ endpoints: () => stores!.map((store) => fakeEndpoint(store)) }, proxyDefaults);
      const replicaLabels = params.getAll('replicaLabels[]');
      const queryable = new FanOutQueryable(
        { proxy },
        {
          ...selectDefaults,
          dedup: params.get('dedup') !== 'false',
          replicaLabels: replicaLabels.length > 0 ? replicaLabels : ['replica'],
        },
      );
      const isRange = path.endsWith('query_range');
      const start = Number(params.get(isRange ? 'start' : 'time')) * 1000;
      const end = isRange ? Number(params.get('end')) * 1000 : start;
      const stepMs = isRange ? Number(params.get('step')) * 1000 : 0;
      const set = queryable.select(backgroundRequest(), matchers, {
        minTime: start - (rangeMs ?? LOOKBACK_MS) + 1,
        maxTime: end,
        stepMs,
        func: '',
        rangeMs: rangeMs ?? 0,
        grouping: [],
        by: false,
      });
      const ours = new Map<string, [number, string][]>();
      for await (const batch of set.batches) {
        for (const series of batch) {
          const samples = new SampleBuffer();
          series.readInto(samples);
          const points: [number, string][] = [];
          if (rangeMs !== undefined) {
            for (let i = 0; i < samples.length; i++) {
              if (!isStaleAt(samples.words, i)) points.push([samples.times[i] / 1000, text(samples.values[i])]);
            }
          } else {
            for (let time = start; time <= end; time += stepMs || 1) {
              const value = instantAt(samples, time);
              if (value !== undefined) points.push([time / 1000, value]);
            }
          }
          if (points.length > 0) ours.set(series.labels.key, points);
        }
      }
      const theirs = new Map(result.map(({ metric, value, values }) => [Labels.of(metric).key, values ?? [value!]]));
      assert.deepEqual(ours, theirs);
      assert.deepEqual(set.warnings, []);
    });
  }
});
