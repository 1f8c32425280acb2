// The HTTP under the providers: timeouts, TLS, and signals that free the socket. The S3 client knows none of it and hides
// what the server said about its load.
// Each call of ours runs inside an exchange; the hook below finds it again when the client sends its requests.

import { AsyncLocalStorage } from 'node:async_hooks';
import http from 'node:http';
import https from 'node:https';
import type { LookupFunction } from 'node:net';
import { faultOf, sharedSignal } from '../async/deadline.ts';
import { Fault } from '../errors/fault.ts';
import type { Logger } from '../telemetry/logger.ts';
import { oneBufferAgent } from './one-buffer-agent.ts';
import type { OnRequest } from './request-meter.ts';
import type { SignedRequest } from './s3-signature-v2.ts';

/** What one call of ours learnt about the requests it sent. */
export interface HttpExchange {
  readonly signal: AbortSignal;
  /** Of the last answer; 0 before there is one. */
  status: number;
  retryAfterMs: number;
  /** The body of an answer that the client throws away unread. */
  errorText: string;
}

export interface HttpTransportConfig {
  readonly isInsecure: boolean;
  readonly idleConnTimeoutMs: number;
  readonly responseHeaderTimeoutMs: number;
  readonly tlsHandshakeTimeoutMs: number;
  readonly maxIdleConnsPerHost: number;
  /** 0 = no limit. */
  readonly maxConnsPerHost: number;
  readonly tls: {
    readonly ca?: string;
    readonly cert?: string;
    readonly key?: string;
    readonly serverName?: string;
    readonly insecureSkipVerify: boolean;
  };
  /** `trace.enable`: each request and its answer become a line of the log, at level debug. */
  readonly isTraced: boolean;
}

export interface HttpTransportDeps {
  /** Told of each request before it is sent. */
  readonly onRequest?: OnRequest;
  readonly logger?: Logger;
  /** Signs anew what the client has signed; the headers that go out. */
  readonly sign?: (request: SignedRequest) => http.OutgoingHttpHeaders;
  /** How names of hosts become addresses; the system's way by default. */
  readonly lookup?: LookupFunction;
}

export interface HttpRequestInit {
  readonly method: string;
  readonly headers?: http.OutgoingHttpHeaders;
  readonly body?: Uint8Array;
}

/** What an exchange starts as. */
export function newExchange(signal: AbortSignal): HttpExchange {
  return { signal, status: 0, retryAfterMs: 0, errorText: '' };
}

/** Statuses for which the client throws without reading the body, which would leave the connection in use for ever. */
const unreadStatuses: ReadonlySet<number> = new Set([408, 429, 499, 500, 502, 503, 504, 520]);
const MAX_ERROR_BYTES = 64 * 1024;

export class HttpTransport {
  readonly agent: http.Agent;
  readonly #config: HttpTransportConfig;
  readonly #deps: HttpTransportDeps;
  readonly #exchanges = new AsyncLocalStorage<HttpExchange>();

  constructor(config: HttpTransportConfig, deps: HttpTransportDeps = {}) {
    this.#config = config;
    this.#deps = deps;
    const options = {
      ...(deps.lookup === undefined ? {} : { lookup: deps.lookup }),
      keepAlive: true,
      timeout: config.idleConnTimeoutMs > 0 ? config.idleConnTimeoutMs : undefined,
      maxFreeSockets: config.maxIdleConnsPerHost,
      maxSockets: config.maxConnsPerHost > 0 ? config.maxConnsPerHost : Number.POSITIVE_INFINITY,
    };
    this.agent = oneBufferAgent(options, config.isInsecure ? undefined : tlsOf(config.tls));
  }

  /** Runs a call of the client whose requests obey the exchange's signal. */
  run<T>(exchange: HttpExchange, call: () => Promise<T>): Promise<T> {
    return this.#exchanges.run(exchange, call);
  }

  /** One request of our own, inside an exchange; `body` may be read once. */
  send(exchange: HttpExchange, url: URL, init: HttpRequestInit): Promise<http.IncomingMessage> {
    const { method, headers, body } = init;
    return this.run(
      exchange,
      () =>
        new Promise((resolve, reject) => {
          const { hostname, port, pathname, search, protocol } = url;
          const host = hostname.replace(/^\[|\]$/g, '');
          const path = pathname + search;
          const sent = this.request({ method, headers, host, port, path, protocol, agent: this.agent }, resolve);
          sent.on('error', reject);
          sent.end(body);
        }),
    );
  }

  /** The client's `transport` option: only this function of node:http is used. */
  readonly request = ((options: https.RequestOptions, onResponse: (response: http.IncomingMessage) => void) => {
    const exchange = this.#exchanges.getStore();
    const { request } = this.#config.isInsecure ? http : https;
    const since = performance.now();
    this.#deps.onRequest?.(options.method ?? 'GET', options.path ?? '/');
    const sent = request(this.#signed(options), (response) => {
      clearTimeout(headerTimer);
      this.#trace(sent, response.statusCode ?? 0, since);
      if (exchange === undefined || !unreadStatuses.has(response.statusCode ?? 0)) {
        if (exchange !== undefined) exchange.status = response.statusCode ?? 0;
        onResponse(response);
        return;
      }
      exchange.status = response.statusCode ?? 0;
      exchange.retryAfterMs = retryAfterMs(response.headers['retry-after']);
      readErrorText(response).then((text) => {
        exchange.errorText = text;
        onResponse(response);
      });
    });

    let headerTimer: NodeJS.Timeout | undefined;
    sent.once('finish', () => {
      const timeoutMs = this.#config.responseHeaderTimeoutMs;
      if (timeoutMs <= 0 || sent.destroyed) return;
      headerTimer = setTimeout(
        () => sent.destroy(new Fault('timeout', `no answer within ${timeoutMs / 1000}s`)),
        timeoutMs,
      );
    });
    sent.once('close', () => clearTimeout(headerTimer));
    this.#limitConnecting(sent);
    if (exchange !== undefined) destroyOnAbort(sent, exchange.signal);
    return sent;
  }) as typeof http.request;

  close(): void {
    this.agent.destroy();
  }

  #signed(options: https.RequestOptions): https.RequestOptions {
    const { sign } = this.#deps;
    if (sign === undefined) return options;
    const headers = { ...(options.headers as http.OutgoingHttpHeaders) };
    return { ...options, headers: sign({ method: options.method ?? 'GET', path: options.path ?? '/', headers }) };
  }

  /** Keys and signatures stay out of the log. */
  #trace(sent: http.ClientRequest, status: number, since: number): void {
    if (!this.#config.isTraced) return;
    const { logger } = this.#deps;
    const ms = Math.round(performance.now() - since);
    logger?.debug('request to the bucket', { method: sent.method, host: sent.host, path: sent.path, status, ms });
  }

  #limitConnecting(sent: http.ClientRequest): void {
    const timeoutMs = this.#config.tlsHandshakeTimeoutMs;
    if (timeoutMs <= 0) return;
    sent.once('socket', (socket) => {
      if (!socket.connecting) return;
      const connected = this.#config.isInsecure ? 'connect' : 'secureConnect';
      const timer = setTimeout(
        () => sent.destroy(new Fault('timeout', `no connection within ${timeoutMs / 1000}s`)),
        timeoutMs,
      );
      const stop = () => clearTimeout(timer);
      socket.once(connected, stop);
      socket.once('close', stop);
    });
  }
}

function tlsOf({ ca, cert, key, serverName, insecureSkipVerify }: HttpTransportConfig['tls']): https.AgentOptions {
  return {
    rejectUnauthorized: !insecureSkipVerify,
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert, key }),
    ...(serverName === undefined ? {} : { servername: serverName }),
  };
}

/** Node's own `signal` option lets go once the request is sent; a body that is still coming must end as well. */
function destroyOnAbort(sent: http.ClientRequest, signal: AbortSignal): void {
  const onAbort = () => sent.destroy(faultOf(signal));
  if (signal.aborted) {
    onAbort();
    return;
  }
  // One signal ends any number of requests.
  sharedSignal(signal).addEventListener('abort', onAbort, { once: true });
  sent.once('close', () => signal.removeEventListener('abort', onAbort));
}

async function readErrorText(response: http.IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  let size = 0;
  try {
    for await (const part of response) {
      size += part.length;
      if (size <= MAX_ERROR_BYTES) parts.push(part);
    }
  } catch {
    // The status alone has to do.
  }
  return Buffer.concat(parts).toString('utf8');
}

/** Seconds or an HTTP date; 0 when absent or not understood. At most an hour. */
function retryAfterMs(header: string | undefined): number {
  if (header === undefined) return 0;
  const waitMs = /^\d+$/.test(header) ? Number(header) * 1000 : Date.parse(header) - Date.now();
  return Number.isNaN(waitMs) ? 0 : Math.min(Math.max(0, waitMs), 3_600_000);
}
