// What surrounds every routed request: its id, CORS headers, metrics, and a line in the debug log.

import type { ServerResponse } from 'node:http';
import { newUlid } from '../../model/ulid.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { Counter, Gauge, Histogram, Metrics } from '../../telemetry/metrics.ts';

const REQUEST_ID_HEADER = 'X-Request-ID';

/** The id the client sent, or a fresh one; it goes out with the answer either way. */
export function requestIdOf(sent: string | undefined): string {
  return sent !== undefined && sent !== '' ? sent : newUlid();
}

/** Tells the client the id its request has in our logs. */
export function setRequestId(response: ServerResponse, requestId: string): void {
  // Headers take no control characters; a client that sends them gets none back.
  if (/^[\x20-\x7e]*$/.test(requestId)) response.setHeader(REQUEST_ID_HEADER, requestId);
}

/** The permissive headers of the contract, on every API answer. */
export function setCors(response: ServerResponse): void {
  response.setHeader('Access-Control-Allow-Headers', 'Accept, Accept-Encoding, Authorization, Content-Type, Origin');
  response.setHeader('Access-Control-Allow-Methods', 'GET, POST, OPTIONS');
  response.setHeader('Access-Control-Allow-Origin', '*');
  response.setHeader('Access-Control-Expose-Headers', 'Date');
}

const DURATION_BUCKETS = [0.001, 0.01, 0.1, 0.3, 0.6, 1, 3, 6, 9, 20, 30, 60, 90, 120, 240, 360, 720];
const SIZE_BUCKETS = [64, 128, 256, 512, 1024, 2048, 4096, 8192, 16_384, 32_768];

type Label = 'code' | 'handler' | 'method' | 'tenant';

/** What is known when a request has been answered. */
export interface Served {
  readonly handler: string;
  readonly method: string;
  readonly path: string;
  readonly tenant: string;
  readonly requestId: string;
  readonly status: number;
  readonly requestBytes: number;
  readonly responseBytes: number;
  readonly durationMs: number;
}

interface Meters {
  readonly requests: { inc(): void };
  readonly durations: { observe(seconds: number): void };
  readonly requestSizes: { observe(bytes: number): void };
  readonly responseSizes: { observe(bytes: number): void };
}

/** The `http_*` metrics and the access log. */
export class HttpObserver {
  readonly #logger: Logger;
  readonly #hasTenant: boolean;
  readonly #requests: Counter<Label>;
  readonly #durations: Histogram<Label>;
  readonly #requestSizes: Histogram<Label>;
  readonly #responseSizes: Histogram<Label>;
  readonly #inflight: Gauge<Label>;
  /** As many as the metrics themselves have series. */
  readonly #inflightOf = new Map<string, { inc(): void; dec(): void }>();
  readonly #metersBy = new Map<string, Meters>();

  constructor(deps: { readonly logger: Logger; readonly metrics: Metrics }, config: { readonly hasTenant: boolean }) {
    this.#logger = deps.logger;
    this.#hasTenant = config.hasTenant;
    const tenant: Label[] = config.hasTenant ? ['tenant'] : [];
    const labels: Label[] = ['code', 'handler', 'method', ...tenant];
    const { metrics } = deps;
    this.#requests = metrics.counter<Label>('http_requests_total', 'HTTP requests answered.', labels);
    this.#durations = metrics.histogram<Label>(
      'http_request_duration_seconds',
      'Time from a request to the end of its answer.',
      DURATION_BUCKETS,
      labels,
    );
    this.#requestSizes = metrics.histogram<Label>(
      'http_request_size_bytes',
      'Size of request bodies.',
      SIZE_BUCKETS,
      labels,
    );
    this.#responseSizes = metrics.histogram<Label>(
      'http_response_size_bytes',
      'Size of answer bodies as sent.',
      SIZE_BUCKETS,
      labels,
    );
    this.#inflight = metrics.gauge<Label>('http_inflight_requests', 'HTTP requests in hand.', [
      'handler',
      'method',
      ...tenant,
    ]);
  }

  /** Counts a request in; call what it returns when it is answered. */
  begin(handler: string, method: string, tenant: string): () => void {
    const key = `${handler} ${method} ${this.#hasTenant ? tenant : ''}`;
    let inflight = this.#inflightOf.get(key);
    if (inflight === undefined) {
      inflight = this.#inflight.labels(this.#withTenant({ handler, method: method.toUpperCase() }, tenant));
      this.#inflightOf.set(key, inflight);
    }
    inflight.inc();
    return () => inflight.dec();
  }

  end(served: Served): void {
    const meters = this.#metersOf(served);
    meters.requests.inc();
    meters.durations.observe(served.durationMs / 1000);
    meters.requestSizes.observe(served.requestBytes);
    meters.responseSizes.observe(served.responseBytes);
    this.#logger.debug('http request', { ...served });
  }

  /** Children are looked up once: finding one by its labels takes longer than counting. */
  #metersOf({ handler, status, tenant, method }: Served): Meters {
    const key = `${handler} ${method} ${status} ${this.#hasTenant ? tenant : ''}`;
    const known = this.#metersBy.get(key);
    if (known !== undefined) return known;
    const labels = this.#withTenant({ code: String(status), handler, method: method.toLowerCase() }, tenant);
    const made = {
      requests: this.#requests.labels(labels),
      durations: this.#durations.labels(labels),
      requestSizes: this.#requestSizes.labels(labels),
      responseSizes: this.#responseSizes.labels(labels),
    };
    this.#metersBy.set(key, made);
    return made;
  }

  #withTenant(labels: Partial<Record<Label, string>>, tenant: string): Partial<Record<Label, string>> {
    return this.#hasTenant ? { ...labels, tenant } : labels;
  }
}
