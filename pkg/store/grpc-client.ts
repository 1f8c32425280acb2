// gRPC in front of a Store: the other end may be ours or the reference's.

import type { RequestContext } from '../async/request.ts';
import { compareUtf8 } from '../bytes/compare.ts';
import { freeNow } from '../bytes/free-now.ts';
import { plainView } from '../bytes/plain-view.ts';
import { kindOf } from '../errors/fault.ts';
import type { Labels } from '../model/labels.ts';
import type { CallOptions, GrpcClient } from '../net/grpc/client.ts';
import type { Any } from '../proto/any.ts';
import { type HintedCall, unpackQueriedBlocks } from '../proto/hints.ts';
import { infoMethod } from '../proto/info-service.ts';
import { SeriesFrameReader, type SeriesSink } from '../proto/series-frame.ts';
import { labelNamesMethod, labelValuesMethod, seriesMethod } from '../proto/store-service.ts';
import { StringInterner } from '../proto/string-interner.ts';
import { ChunkTableBuilder } from './chunk-table.ts';
import { infoOf } from './info.ts';
import { labelNamesMessage, labelValuesMessage, seriesRequestMessage } from './messages.ts';
import type {
  LabelNamesRequest,
  LabelsAnswer,
  LabelValuesRequest,
  SeriesBatch,
  SeriesRequest,
  Store,
  StoreInfo,
  StoreSeries,
} from './store.ts';

/** A chunk of two hours takes a few hundred bytes on the wire. */
const GUESSED_CHUNK_BYTES = 150;

export class GrpcStoreClient implements Store {
  readonly #client: GrpcClient;
  /** Frames are read in one go, so all streams of the client can share one reader and its strings. */
  readonly #reader = new SeriesFrameReader(new StringInterner());

  /** The client stays the caller's to close. */
  constructor(client: GrpcClient) {
    this.#client = client;
  }

  /**
   * One batch a frame; chunk bytes are views into it, so a batch keeps its frame alive. Hints frames carry nothing that
   * a batch could and are dropped. Faults are as the other end sent them, `corrupt` for frames that are none.
   */
  async *series(request: RequestContext, query: SeriesRequest): AsyncGenerator<SeriesBatch, void, undefined> {
    for await (const frame of this.#client.stream(request, seriesMethod, seriesRequestMessage(query))) {
      const sink = new BatchSink(frame, query.skipChunks);
      this.#reader.read(frame, sink.table, sink);
      // What is kept of a frame beside its chunks has been copied: labels, times and texts.
      yield { ...sink.batch, release: () => freeNow(frame) };
    }
  }

  async labelNames(request: RequestContext, query: LabelNamesRequest): Promise<LabelsAnswer> {
    const { names, warnings, hints } = await this.#client.unary(request, labelNamesMethod, labelNamesMessage(query));
    return answerOf('LabelNames', names, warnings, hints);
  }

  async labelValues(request: RequestContext, query: LabelValuesRequest): Promise<LabelsAnswer> {
    const { values, warnings, hints } = await this.#client.unary(request, labelValuesMethod, labelValuesMessage(query));
    return answerOf('LabelValues', values, warnings, hints);
  }

  /** What the endpoint says of itself. */
  async info(request: RequestContext, options: CallOptions = {}): Promise<StoreInfo> {
    return infoOf(await this.#client.unary(request, infoMethod, {}, options));
  }
}

/** Collects what a frame holds. */
class BatchSink implements SeriesSink {
  readonly table: ChunkTableBuilder;
  readonly batch: { readonly series: StoreSeries[]; readonly warnings: string[] } = { series: [], warnings: [] };
  #from = 0;

  constructor(frame: Uint8Array, skipChunks: boolean) {
    const capacity = skipChunks ? 0 : Math.ceil(frame.length / GUESSED_CHUNK_BYTES);
    this.table = new ChunkTableBuilder(capacity, plainView(frame));
  }

  series(labels: Labels): void {
    const { table } = this;
    const from = this.#from;
    const to = (this.#from = table.length);
    this.batch.series.push({ labels, chunks: from === to ? [] : [{ table, from, to }] });
  }

  warning(text: string): void {
    this.batch.warnings.push(text);
  }

  hints(): void {}
}

function answerOf(call: HintedCall, values: string[], warnings: string[], hints: Any | null): LabelsAnswer {
  const blocks = hints === null ? undefined : queriedBlocks(call, hints);
  return { values: sortedUnique(values), warnings, ...(blocks === undefined ? {} : { queriedBlocks: blocks }) };
}

/** Hints that are not ours to understand are no reason to refuse the answer. */
function queriedBlocks(call: HintedCall, hints: Any): readonly string[] | undefined {
  try {
    return unpackQueriedBlocks(call, hints);
  } catch (thrown) {
    if (kindOf(thrown) === 'invalid') return undefined;
    throw thrown;
  }
}

/** The list itself when it keeps the promise already, as it should. */
function sortedUnique(values: string[]): string[] {
  for (let i = 1; i < values.length; i++) {
    if (compareUtf8(values[i - 1], values[i]) >= 0) return [...new Set(values)].sort(compareUtf8);
  }
  return values;
}
