// Tests: an endpoint that does as it is told, misbehaviour included.

import { orAbort } from '../async/deadline.ts';
import type { RequestContext } from '../async/request.ts';
import { Labels } from '../model/labels.ts';
import { MAX_TIME, MIN_TIME } from '../model/time.ts';
import { type ChunkSlice, ChunkTableBuilder } from './chunk-table.ts';
import type { Endpoint } from './endpoint.ts';
import {
  Aggregate,
  type LabelNamesRequest,
  type LabelsAnswer,
  type LabelValuesRequest,
  type SeriesBatch,
  type SeriesRequest,
  type Store,
  type StoreSeries,
} from './store.ts';

/** What happens at one place of a stream: a batch, a failure, a wait for ever, or a look at what was read so far. */
export type FakeStep = SeriesBatch | Error | 'hang' | 'ignore-signal' | (() => void);

export class FakeStore implements Store {
  readonly #steps: readonly FakeStep[];
  readonly #labels: LabelsAnswer | Error | 'hang';
  /** The requests it got. */
  readonly requests: SeriesRequest[] = [];
  readonly labelRequests: LabelNamesRequest[] = [];
  /** Streams begun and streams let go of. */
  opened = 0;
  closed = 0;

  constructor(steps: readonly FakeStep[], labels: LabelsAnswer | Error | 'hang' = { values: [], warnings: [] }) {
    this.#steps = steps;
    this.#labels = labels;
  }

  async *series(request: RequestContext, query: SeriesRequest): AsyncGenerator<SeriesBatch> {
    this.requests.push(query);
    this.opened++;
    try {
      for (const step of this.#steps) {
        if (step === 'hang') await orAbort(new Promise<never>(() => {}), request.signal);
        else if (step === 'ignore-signal') await new Promise<never>(() => {});
        else if (step instanceof Error) throw step;
        else if (typeof step === 'function') step();
        else yield step;
      }
    } finally {
      this.closed++;
    }
  }

  async labelNames(request: RequestContext, query: LabelNamesRequest): Promise<LabelsAnswer> {
    this.labelRequests.push(query);
    if (this.#labels === 'hang') return await orAbort(new Promise<never>(() => {}), request.signal);
    if (this.#labels instanceof Error) throw this.#labels;
    return this.#labels;
  }

  async labelValues(request: RequestContext, query: LabelValuesRequest): Promise<LabelsAnswer> {
    return await this.labelNames(request, query);
  }
}

/** An endpoint over a store, open to everything unless told otherwise. */
export function fakeEndpoint(store: Store, facts: Partial<Endpoint> = {}): Endpoint {
  return {
    address: 'fake:1',
    store,
    labelSets: [],
    minTime: MIN_TIME,
    maxTime: MAX_TIME,
    supportsSharding: true,
    supportsWithoutReplicaLabels: true,
    ...facts,
  };
}

/** A chunk of raw samples whose bytes are what is given; times are those of the table. */
export function fakeChunk(minTime: number, maxTime: number, bytes: readonly number[] = [minTime & 255]): ChunkSlice {
  const table = new ChunkTableBuilder();
  table.chunk(minTime, maxTime);
  table.copy(Aggregate.raw, 1, Uint8Array.from(bytes));
  return { table, from: 0, to: 1 };
}

/** `a=1 b=2` as labels, with chunks. */
export function fakeSeries(labels: string, ...chunks: readonly ChunkSlice[]): StoreSeries {
  const pairs = labels.split(' ').map((pair) => pair.split('=') as [string, string]);
  return { labels: Labels.from(pairs), chunks };
}

export function fakeBatch(series: readonly StoreSeries[], ...warnings: readonly string[]): SeriesBatch {
  return { series, warnings };
}
