// The metrics of the store gateway, under the names dashboards know.

import type { Metrics } from '../../telemetry/metrics.ts';
import type { RequestStats } from './request-stats.ts';

const COUNT_BUCKETS = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 4096, 16_384, 65_536, 262_144, 1_048_576];
const BYTE_BUCKETS = [
  1024, 4096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304, 16_777_216, 67_108_864, 268_435_456, 1_073_741_824,
];
const SECOND_BUCKETS = [0.001, 0.01, 0.1, 0.3, 0.6, 1, 3, 6, 9, 20, 30, 60, 90, 120];

const DATA_TYPES = ['postings', 'series', 'chunks'] as const;
type DataType = (typeof DATA_TYPES)[number];

export class BucketMetrics {
  readonly blocksLoaded;
  readonly blockLoads;
  readonly blockLoadFailures;
  readonly blockDrops;
  readonly blockDropFailures;
  readonly gateMax;
  readonly gateInFlight;
  readonly gateTotal;
  readonly gateDuration;
  readonly #blocksQueried;
  readonly #resultSeries;
  readonly #getAll;
  readonly #merge;
  readonly #sentChunkBytes;
  readonly #touched;
  readonly #fetched;
  readonly #touchedBytes;
  readonly #fetchedBytes;
  /** As many as the histograms themselves have tenants. */
  readonly #metersBy = new Map<string, TenantMeters>();

  constructor(metrics: Metrics) {
    const name = (text: string): string => `thanos_bucket_store_${text}`;
    this.blocksLoaded = metrics.gauge(name('blocks_loaded'), 'Blocks being served.');
    this.blockLoads = metrics.counter(name('block_loads_total'), 'Attempts to load a block.');
    this.blockLoadFailures = metrics.counter(
      name('block_load_failures_total'),
      'Attempts to load a block that failed.',
    );
    this.blockDrops = metrics.counter(name('block_drops_total'), 'Attempts to drop a block.');
    this.blockDropFailures = metrics.counter(
      name('block_drop_failures_total'),
      'Attempts to drop a block that failed.',
    );
    this.gateMax = metrics.gauge(name('series_gate_queries_max'), 'Most Series calls served at once.');
    this.gateInFlight = metrics.gauge(name('series_gate_queries_in_flight'), 'Series calls being served.');
    this.gateTotal = metrics.counter(name('series_gate_queries_total'), 'Series calls that passed the gate.');
    this.gateDuration = metrics.histogram(
      name('series_gate_duration_seconds'),
      'How long Series calls waited at the gate.',
      SECOND_BUCKETS,
    );
    const tenant = ['tenant'] as const;
    const data = ['data_type', 'tenant'] as const;
    this.#blocksQueried = metrics.histogram(
      name('series_blocks_queried'),
      'Blocks a Series call read.',
      COUNT_BUCKETS,
      tenant,
    );
    this.#resultSeries = metrics.histogram(
      name('series_result_series'),
      'Series a Series call sent.',
      COUNT_BUCKETS,
      tenant,
    );
    this.#getAll = metrics.histogram(
      name('series_get_all_duration_seconds'),
      'Time until every block of a Series call had its postings.',
      SECOND_BUCKETS,
      tenant,
    );
    this.#merge = metrics.histogram(
      name('series_merge_duration_seconds'),
      'Time from then to the last series, the reader included.',
      SECOND_BUCKETS,
      tenant,
    );
    this.#sentChunkBytes = metrics.histogram(
      name('sent_chunk_size_bytes'),
      'Bytes of chunks a Series call sent.',
      BYTE_BUCKETS,
      tenant,
    );
    this.#touched = metrics.histogram(name('series_data_touched'), 'Items a Series call used.', COUNT_BUCKETS, data);
    this.#fetched = metrics.histogram(
      name('series_data_fetched'),
      'Items a Series call read from the bucket.',
      COUNT_BUCKETS,
      data,
    );
    this.#touchedBytes = metrics.histogram(
      name('series_data_size_touched_bytes'),
      'Bytes of items a Series call used.',
      BYTE_BUCKETS,
      data,
    );
    this.#fetchedBytes = metrics.histogram(
      name('series_data_size_fetched_bytes'),
      'Bytes a Series call read from the bucket.',
      BYTE_BUCKETS,
      data,
    );
  }

  /** Called once for each Series call, also for a failed one. */
  observe(stats: RequestStats, tenant: string, mergeMs: number): void {
    const meters = this.#metersOf(tenant);
    meters.blocksQueried.observe(stats.blocksQueried);
    meters.resultSeries.observe(stats.mergedSeries);
    meters.getAll.observe(stats.getAllMs / 1000);
    meters.merge.observe(mergeMs / 1000);
    meters.sentChunkBytes.observe(stats.chunks.touchedBytes);
    for (const type of DATA_TYPES) {
      const items = meters.data[type];
      items.touched.observe(stats[type].touched);
      items.fetched.observe(stats[type].fetched);
      items.touchedBytes.observe(stats[type].touchedBytes);
      items.fetchedBytes.observe(stats[type].fetchedBytes);
    }
  }

  /** Children are looked up once a tenant: finding seventeen by their labels takes longer than a small call. */
  #metersOf(tenant: string): TenantMeters {
    const known = this.#metersBy.get(tenant);
    if (known !== undefined) return known;
    const dataOf = (type: DataType): DataMeters => {
      const labels = { data_type: type, tenant };
      return {
        touched: this.#touched.labels(labels),
        fetched: this.#fetched.labels(labels),
        touchedBytes: this.#touchedBytes.labels(labels),
        fetchedBytes: this.#fetchedBytes.labels(labels),
      };
    };
    const made: TenantMeters = {
      blocksQueried: this.#blocksQueried.labels({ tenant }),
      resultSeries: this.#resultSeries.labels({ tenant }),
      getAll: this.#getAll.labels({ tenant }),
      merge: this.#merge.labels({ tenant }),
      sentChunkBytes: this.#sentChunkBytes.labels({ tenant }),
      data: { postings: dataOf('postings'), series: dataOf('series'), chunks: dataOf('chunks') },
    };
    this.#metersBy.set(tenant, made);
    return made;
  }
}

interface Observable {
  observe(value: number): void;
}

type DataMeters = Readonly<Record<'touched' | 'fetched' | 'touchedBytes' | 'fetchedBytes', Observable>>;

interface TenantMeters {
  readonly blocksQueried: Observable;
  readonly resultSeries: Observable;
  readonly getAll: Observable;
  readonly merge: Observable;
  readonly sentChunkBytes: Observable;
  readonly data: Readonly<Record<DataType, DataMeters>>;
}
