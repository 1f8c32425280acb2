// One request to many endpoints, one answer back: the fan-out of a querier, itself a Store.

import { deadline, faultOf, linked, orAbort } from '../async/deadline.ts';
import type { RequestContext } from '../async/request.ts';
import { compareUtf8 } from '../bytes/compare.ts';
import { Fault, kindOf, messageOf } from '../errors/fault.ts';
import { splitMatchers } from '../model/external-labels.ts';
import { compareLabels, Labels } from '../model/labels.ts';
import type { Matcher } from '../model/matcher.ts';
import { codeName, codeOf } from '../net/grpc/status.ts';
import { Warnings } from '../storage/warnings.ts';
import { type Endpoint, endpointText, isCovered, labelledEndpointText } from './endpoint.ts';
import { EndpointMeter } from './endpoint-meter.ts';
import { mergeResponses } from './merge-responses.ts';
import { ResponseBuffer, silenceText } from './response-buffer.ts';
import { type StoreMatch, selectEndpoints } from './select-endpoints.ts';
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
import { sortedWithout } from './without-labels.ts';

export interface ProxyDeps {
  /** The endpoints as they are now; asked once a request. */
  readonly endpoints: () => readonly Endpoint[];
}

export interface ProxyConfig {
  /** Longest wait for one message of an endpoint; 0 waits for ever. */
  readonly responseTimeoutMs: number;
  /** How much of one endpoint's answer may wait to be merged. */
  readonly readAheadBytes: number;
  /** Labels this querier announces: matchers on them are tested here and not passed on. */
  readonly selectorLabels: Labels;
}

export const proxyDefaults: ProxyConfig = {
  responseTimeoutMs: 0,
  readAheadBytes: 1 << 20,
  selectorLabels: Labels.empty,
};

/** Under `abort` the partial answer is a failure; this is the one place that decides so. */
export class StoreProxy implements Store {
  readonly #deps: ProxyDeps;
  readonly #config: ProxyConfig;
  readonly #storeMatch: StoreMatch;
  /** Stores that broke the order once: their answers are collected and sorted from then on. */
  readonly #unordered: WeakSet<Store>;

  constructor(deps: ProxyDeps, config: ProxyConfig, storeMatch: StoreMatch = [], unordered = new WeakSet<Store>()) {
    this.#deps = deps;
    this.#config = config;
    this.#storeMatch = storeMatch;
    this.#unordered = unordered;
  }

  /** The same fan-out among endpoints whose address one of the matcher sets accepts; no sets, all endpoints. */
  matching(storeMatch: StoreMatch): StoreProxy {
    return storeMatch.length === 0 ? this : new StoreProxy(this.#deps, this.#config, storeMatch, this.#unordered);
  }

  /**
   * The merger of what the selected endpoints answer. Each label set comes once, unless endpoints break their order.
   * Endpoints are read at the same time, each ahead of the merge by a bounded number of bytes.
   */
  async *series(request: RequestContext, query: SeriesRequest): AsyncGenerator<SeriesBatch> {
    const plan = this.#plan(query);
    if (plan === undefined) return;
    if (plan.warnings.length > 0) yield { series: [], warnings: plan.warnings };
    const forwarded: SeriesRequest = { ...query, matchers: plan.matchers, blockMatchers: undefined };
    const answer: Answer = { hasBegun: false };
    let left = query.limit > 0 ? query.limit : Infinity;
    for (;;) {
      const link = linked(request.signal);
      try {
        const context = { ...request, signal: link.signal };
        const streams = plan.endpoints.map((endpoint) => this.#stream(context, endpoint, forwarded, answer));
        for await (const batch of mergeResponses(streams)) {
          answer.hasBegun = true;
          if (batch.series.length < left) {
            left -= batch.series.length;
            yield batch;
          } else {
            yield { series: batch.series.slice(0, left), warnings: batch.warnings };
            return;
          }
        }
        return;
      } catch (thrown) {
        // Nothing has been handed on yet, so that the answer can begin again, now with that endpoint's answer sorted.
        if (!(thrown instanceof Disorder)) throw thrown;
      } finally {
        link.release();
      }
    }
  }

  async labelNames(request: RequestContext, query: LabelNamesRequest): Promise<LabelsAnswer> {
    const ask = async (store: Store, context: RequestContext, matchers: readonly Matcher[]): Promise<LabelsAnswer> =>
      store.labelNames(context, { ...query, matchers, limit: 0, blockMatchers: undefined });
    return this.#labels(request, query, 'label names', ask);
  }

  async labelValues(request: RequestContext, query: LabelValuesRequest): Promise<LabelsAnswer> {
    if (query.label === '') throw new Fault('invalid', 'label name parameter cannot be empty');
    const ask = async (store: Store, context: RequestContext, matchers: readonly Matcher[]): Promise<LabelsAnswer> =>
      store.labelValues(context, { ...query, matchers, blockMatchers: undefined });
    return this.#labels(request, query, 'label values', ask);
  }

  async #labels(
    request: RequestContext,
    query: LabelNamesRequest,
    what: string,
    ask: (store: Store, context: RequestContext, matchers: readonly Matcher[]) => Promise<LabelsAnswer>,
  ): Promise<LabelsAnswer> {
    const matchers = splitMatchers(query.matchers, this.#config.selectorLabels);
    if (matchers === undefined) return { values: [], warnings: [] };
    const { asked, missing } = this.#choose(query, matchers);
    const warnings = new Warnings();
    const values = new Set<string>();
    for (const endpoint of missing) {
      const text = `fetch ${what} from store ${endpointText(endpoint)}: ${endpoint.missing}`;
      if (query.partialResponse === 'warn') warnings.add(text);
      else if (!isCovered(endpoint, asked, query.withoutReplicaLabels, query)) throw new Fault('unavailable', text);
    }
    // One failure under `abort` calls the others back.
    const link = linked(request.signal);
    try {
      const one = async (endpoint: Endpoint): Promise<void> => {
        try {
          const answer = await this.#patiently(link.signal, (signal) =>
            ask(endpoint.store, { ...request, signal }, matchers),
          );
          for (const value of answer.values) values.add(value);
          if (answer.warnings.length === 0) return;
          if (query.partialResponse === 'abort') throw new Fault('internal', answer.warnings.join('; '));
          warnings.addAll(answer.warnings);
        } catch (thrown) {
          if (request.signal.aborted) throw faultOf(request.signal);
          const failure = explained(`fetch ${what} from store ${endpointText(endpoint)}`, thrown);
          if (query.partialResponse === 'abort') {
            link.abort(failure);
            throw failure;
          }
          warnings.add(failure.message);
        }
      };
      await Promise.all(asked.map(one));
    } finally {
      link.release();
    }
    const sorted = [...values].sort(compareUtf8);
    return { values: query.limit > 0 ? sorted.slice(0, query.limit) : sorted, warnings: warnings.list };
  }

  /** A call answers in one message, so the wait for one message is the wait for all. */
  async #patiently<T>(parent: AbortSignal, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const { responseTimeoutMs } = this.#config;
    if (responseTimeoutMs <= 0) return await orAbort(work(parent), parent);
    return await deadline(parent, responseTimeoutMs, silenceText(responseTimeoutMs), (signal) =>
      orAbort(work(signal), signal),
    );
  }

  /** What to ask whom, with the warnings known beforehand; undefined when nothing can match. */
  #plan(query: SeriesRequest): Plan | undefined {
    const matchers = splitMatchers(query.matchers, this.#config.selectorLabels);
    if (matchers === undefined) return undefined;
    if (matchers.length === 0) {
      throw new Fault('invalid', 'no matchers specified (excluding selector labels)');
    }
    const { asked, missing, isDeserted } = this.#choose(query, matchers);
    if (isDeserted && query.partialResponse === 'abort') throw new Fault('execution', 'No StoreAPIs available');
    const warnings: string[] = [];
    for (const endpoint of missing) {
      const text = `fetch series for ${labelledEndpointText(endpoint)}: ${endpoint.missing}`;
      if (query.partialResponse === 'warn') warnings.push(text);
      else if (!isCovered(endpoint, asked, query.withoutReplicaLabels, query)) throw new Fault('unavailable', text);
    }
    return { matchers, endpoints: asked, warnings };
  }

  #choose(query: { readonly minTime: number; readonly maxTime: number }, matchers: readonly Matcher[]): Choice {
    const all = this.#deps.endpoints();
    const { minTime, maxTime } = query;
    const chosen = selectEndpoints(all, { minTime, maxTime, matchers, storeMatch: this.#storeMatch });
    return {
      asked: chosen.filter((endpoint) => endpoint.missing === undefined),
      missing: chosen.filter((endpoint) => endpoint.missing !== undefined),
      isDeserted: all.length === 0,
    };
  }

  /** One endpoint's answer, in order and without replica labels; its failure is a warning or, under `abort`, thrown. */
  async *#stream(
    request: RequestContext,
    endpoint: Endpoint,
    query: SeriesRequest,
    answer: Answer,
  ): AsyncGenerator<SeriesBatch> {
    const { store } = endpoint;
    const replicaLabels = new Set(query.withoutReplicaLabels);
    const strips = replicaLabels.size > 0 && !endpoint.supportsWithoutReplicaLabels;
    const { report, ...asked } = query;
    const forwarded = strips ? { ...asked, withoutReplicaLabels: [] } : asked;
    const meter = report === undefined ? undefined : new EndpointMeter(endpoint.address);
    let failed: string | undefined;
    const name = endpointText(endpoint);
    const sharder = endpoint.supportsSharding ? undefined : sharderOf(query.shard);
    let hasAnswered = false;
    const buffer = new ResponseBuffer((signal) => store.series({ ...request, signal }, forwarded), {
      signal: request.signal,
      responseTimeoutMs: this.#config.responseTimeoutMs,
      maxBytes: this.#config.readAheadBytes,
    });
    try {
      const isUnordered = this.#unordered.has(store);
      const sorted = strips || isUnordered;
      const batches = sorted ? sortedWithout(buffer, replicaLabels) : buffer;
      let last: Labels | undefined;
      for await (const batch of batches) {
        hasAnswered = true;
        meter?.add(batch);
        if (batch.warnings.length > 0 && query.partialResponse === 'abort') {
          throw new Fault('internal', batch.warnings.join('; '), { facts: { grpcCode: GRPC_ABORTED } });
        }
        if (!sorted && !isAscending(last, batch.series)) {
          this.#unordered.add(store);
          if (!answer.hasBegun) throw new Disorder();
          throw new Fault('corrupt', 'series are not in the order of their labels');
        }
        last = batch.series.at(-1)?.labels ?? last;
        yield sharder === undefined
          ? batch
          : { ...batch, series: batch.series.filter((one) => sharder.matches(one.labels)) };
      }
    } catch (thrown) {
      if (thrown instanceof Disorder) throw thrown;
      if (request.signal.aborted) throw faultOf(request.signal);
      const failure = hasAnswered
        ? explained(`receive series from ${name}`, thrown)
        : explained(`fetch series for ${labelledEndpointText(endpoint)}`, thrown);
      failed = failure.message;
      if (query.partialResponse === 'abort') throw failure;
      yield { series: [], warnings: [failure.message] };
    } finally {
      if (meter !== undefined) report?.(meter.report(failed));
      await buffer.return();
    }
  }
}

interface Plan {
  readonly matchers: readonly Matcher[];
  readonly endpoints: readonly Endpoint[];
  readonly warnings: readonly string[];
}

interface Choice {
  readonly asked: readonly Endpoint[];
  readonly missing: readonly Endpoint[];
  readonly isDeserted: boolean;
}

interface Answer {
  /** Whether series have been handed on, after which the answer cannot begin again. */
  hasBegun: boolean;
}

const GRPC_ABORTED = 10;

/** Thrown inside an answer to begin it again. */
class Disorder extends Error {}

function isAscending(last: Labels | undefined, series: readonly StoreSeries[]): boolean {
  let previous = last;
  for (const { labels } of series) {
    if (previous !== undefined && compareLabels(previous, labels) > 0) return false;
    previous = labels;
  }
  return true;
}

/** The failure of an endpoint in the words operators know; a status that came over the wire keeps its code. */
function explained(doing: string, thrown: unknown): Fault {
  const isStatus = thrown instanceof Fault && typeof thrown.facts['grpcCode'] === 'number';
  const text = isStatus
    ? `rpc error: code = ${codeName(codeOf(thrown))} desc = ${messageOf(thrown)}`
    : messageOf(thrown);
  const facts = thrown instanceof Fault ? thrown.facts : {};
  return new Fault(kindOf(thrown), `${doing}: ${text}`, { cause: thrown, facts });
}
