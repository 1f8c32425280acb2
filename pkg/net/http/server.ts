// The HTTP server of a process as two components on one port. The server itself starts first and stops last: it answers
// probes and metrics all the while. Its `door` starts last and stops first: API routes answer 503 unless it is open and
// the process is ready, and closing it waits for the requests in hand.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Express, Request, Response } from 'express';
import { linked } from '../../async/deadline.ts';
import { DEFAULT_TENANT } from '../../async/request.ts';
import { Fault, messageOf } from '../../errors/fault.ts';
import type { Component, Host } from '../../lifecycle/component.ts';
import type { ReadProbe } from '../../lifecycle/probe.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { Metrics } from '../../telemetry/metrics.ts';
import { type Address, parseAddress, printAddress } from '../address.ts';
import { defaultTenancy, type TenancyConfig } from '../tenancy.ts';
import type { ApiRoute, PlainAnswer } from './api.ts';
import { acceptsGzip, writeBody } from './body.ts';
import { exchange, firstHeader } from './exchange.ts';
import { HttpObserver, setCors } from './middleware.ts';
import { healthyAnswer, metricsAnswer, readyAnswer } from './probes.ts';
import { RouteTable } from './route-table.ts';

export interface HttpServerDeps {
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly probe: ReadProbe;
}

export interface HttpServerConfig {
  /** `host:port`; port 0 takes a free one, see `address()`. */
  readonly address: string;
  /** The flag to name when the address cannot be had. */
  readonly addressFlag?: string;
  /** How long requests in hand may take when stopping. */
  readonly graceMs: number;
  /** Put before every mounted path; probes stay at the root. */
  readonly routePrefix?: string;
  readonly sendsCors?: boolean;
  readonly tenancy?: TenancyConfig;
  readonly hasTenantMetrics?: boolean;
  /** Largest request body; 10 MB unless said otherwise. */
  readonly bodyLimitBytes?: number;
}

const BODY_LIMIT_BYTES = 10 * 1024 * 1024;
/** Longer than proxies keep idle connections, so that it is they who close them and no request meets a closed socket. */
const KEEP_ALIVE_MS = 300_000;
/** What is left for answers to be flushed once requests in hand have been dropped. */
const FLUSH_MS = 1000;

type PlainRoute = (request: IncomingMessage) => PlainAnswer | Promise<PlainAnswer>;

export class HttpServer implements Component {
  readonly name = 'http';
  readonly graceMs: number;
  /** Goes last into the group: open once everything else has started, closed before anything else stops. */
  readonly door: Component;
  readonly #deps: HttpServerDeps;
  readonly #config: HttpServerConfig;
  readonly #observer: HttpObserver;
  /** Paths of the process itself, and what each answers. */
  readonly #plainPaths = new Map<string, PlainRoute>();
  readonly #mounted = new Map<string, ApiRoute>();
  readonly #table = new RouteTable();
  /** Made for the first request that needs it: a process starts sooner without. */
  #app: Promise<Express> | undefined;
  readonly #inHand = new Set<Promise<void>>();
  readonly #drop = linked();
  #server: Server | undefined;
  #isOpen = false;

  constructor(deps: HttpServerDeps, config: HttpServerConfig) {
    this.#deps = deps;
    this.#config = config;
    this.graceMs = config.graceMs + FLUSH_MS;
    this.#observer = new HttpObserver(deps, { hasTenant: config.hasTenantMetrics ?? false });
    this.door = {
      name: 'http-api',
      graceMs: config.graceMs + 2 * FLUSH_MS,
      start: async () => {
        this.#isOpen = true;
      },
      stop: () => this.#closeDoor(),
    };
    this.#plainPaths.set('/-/healthy', () => healthyAnswer(deps.probe));
    this.#plainPaths.set('/-/ready', () => readyAnswer(deps.probe));
    this.#plainPaths.set('/metrics', (request) => metricsAnswer(deps.metrics, firstHeader(request, 'accept') ?? ''));
  }

  /** Adds routes; before the start. With `isAtRoot` the route prefix is not put before them. */
  mount(routes: readonly ApiRoute[], { isAtRoot = false }: { readonly isAtRoot?: boolean } = {}): void {
    for (const route of routes) {
      const path = `${isAtRoot ? '' : (this.#config.routePrefix ?? '')}${route.path}`;
      // The first route of a path is the one that counts.
      if (!this.#mounted.has(path)) this.#mounted.set(path, route);
      this.#table.add(path, route);
    }
  }

  /** Where it listens; the real port where 0 was asked for. Only while it runs. */
  address(): Address {
    const bound = this.#server?.address() as AddressInfo | null | undefined;
    if (bound === null || bound === undefined) throw new Fault('internal', 'broken invariant: HTTP is not listening');
    return { host: bound.address, port: bound.port };
  }

  async start(host: Host): Promise<void> {
    const { host: hostName, port } = parseAddress(this.#config.address);
    const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS }, (request, response) => {
      this.#answer(request, response).catch((thrown) => this.#lost(response, thrown));
    });
    this.#server = server;
    await new Promise<void>((resolve, reject) => {
      const onError = (thrown: NodeJS.ErrnoException): void => reject(this.#listenFault(thrown));
      server.once('error', onError);
      server.listen({ port, ...(hostName === '' ? {} : { host: hostName }) }, () => {
        server.off('error', onError);
        resolve();
      });
    });
    host.spawn('listen', (signal) => listening(server, signal));
    this.#deps.logger.info('listening for HTTP', { address: printAddress(this.address()) });
  }

  async stop(): Promise<void> {
    const server = this.#server;
    if (server === undefined || !server.listening) return;
    const closed = new Promise<void>((resolve) => {
      server.close(() => resolve());
    });
    server.closeIdleConnections();
    const timer = setTimeout(() => server.closeAllConnections(), this.#config.graceMs);
    try {
      await closed;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Refuses new requests, waits for those in hand, and drops what is left when the time is over. */
  async #closeDoor(): Promise<void> {
    this.#isOpen = false;
    const timer = setTimeout(
      () => this.#drop.abort(new Fault('canceled', 'the server is stopping')),
      Math.min(this.#config.graceMs, 2 ** 31 - 1),
    );
    try {
      await Promise.all(this.#inHand);
    } finally {
      clearTimeout(timer);
    }
  }

  /** A reason to refuse API requests, while there is one. */
  #closedBecause(): string | undefined {
    const { isReady, reasons } = this.#deps.probe.state;
    if (this.#isOpen && isReady) return undefined;
    return `not ready: ${reasons.length > 0 ? reasons.join('; ') : 'not all parts have started'}`;
  }

  /** What is asked for all the time is found in tables; paths that are written in some other way are left to Express. */
  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = request.url ?? '';
    const found = this.#table.find(url);
    if (found !== undefined) return this.#serve(found.route, request, response, found.pathParameters);
    const plain = this.#plainPaths.get(pathOf(url));
    if (plain !== undefined) return this.#plain(plain, request, response);
    this.#app ??= this.#makeApp();
    (await this.#app)(request as Request, response as Response);
  }

  async #makeApp(): Promise<Express> {
    const { default: express } = await import('express');
    const app = express();
    app.disable('x-powered-by');
    app.set('etag', false);
    app.set('query parser', false);
    app.set('strict routing', true);
    app.set('case sensitive routing', true);
    for (const [path, make] of this.#plainPaths) {
      app.all(path, (request, response) => this.#plain(make, request, response));
    }
    for (const [path, route] of this.#mounted) {
      app.all(path, (request, response) =>
        this.#serve(route, request, response, request.params as Record<string, string>),
      );
    }
    app.use((request: IncomingMessage, response: ServerResponse) => this.#notFound(request, response));
    app.use((thrown: unknown, _request: IncomingMessage, response: ServerResponse, _next: unknown) => {
      // Express itself throws here for a path it cannot decode.
      this.#deps.logger.debug('bad request', { err: messageOf(thrown) });
      void sendText(response, 400, '400 Bad Request');
    });
    return app;
  }

  /** Answers and, until that is done, counts among the requests in hand. */
  #serve(
    route: ApiRoute,
    request: IncomingMessage,
    response: ServerResponse,
    pathParameters: Readonly<Record<string, string>>,
  ): Promise<void> {
    const work = this.#route(route, request, response, pathParameters);
    this.#inHand.add(work);
    return work.finally(() => this.#inHand.delete(work));
  }

  /** An answer that failed where nothing can be told any more. */
  #lost(response: ServerResponse, thrown: unknown): void {
    this.#deps.logger.error('request was not answered', { err: messageOf(thrown) });
    response.destroy();
  }

  async #route(
    route: ApiRoute,
    request: IncomingMessage,
    response: ServerResponse,
    pathParameters: Readonly<Record<string, string>>,
  ): Promise<void> {
    const { sendsCors = true, tenancy = defaultTenancy, bodyLimitBytes = BODY_LIMIT_BYTES } = this.#config;
    if (request.method === 'OPTIONS') {
      if (sendsCors) setCors(response);
      response.setHeader('Vary', 'Accept-Encoding');
      response.statusCode = 204;
      response.end();
      this.#observeOptions(request);
      return;
    }
    if (!route.methods.some((method) => method === request.method)) {
      await notAllowed(response, [...route.methods, 'OPTIONS']);
      return;
    }
    await exchange(
      {
        logger: this.#deps.logger,
        observer: this.#observer,
        closedBecause: () => this.#closedBecause(),
        dropSignal: this.#drop.signal,
      },
      { sendsCors, tenancy, bodyLimitBytes },
      route,
      request,
      response,
      pathParameters,
    );
  }

  #observeOptions(request: IncomingMessage): void {
    this.#observer.end({
      handler: 'options',
      method: 'OPTIONS',
      path: request.url ?? '',
      tenant: this.#config.tenancy?.defaultTenant ?? DEFAULT_TENANT,
      requestId: '',
      status: 204,
      requestBytes: 0,
      responseBytes: 0,
      durationMs: 0,
    });
  }

  /** A path of the process itself: GET and HEAD, no envelope, whatever the state. */
  async #plain(make: PlainRoute, request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      await notAllowed(response, ['GET', 'HEAD']);
      return;
    }
    const answer = await make(request);
    response.setHeader('Vary', 'Accept-Encoding');
    for (const [name, value] of Object.entries(answer.headers)) response.setHeader(name, value);
    const canGzip = acceptsGzip(firstHeader(request, 'accept-encoding'));
    await this.#send(response, answer.status, answer.body, canGzip);
  }

  async #send(response: ServerResponse, status: number, body: string | Uint8Array, canGzip: boolean): Promise<void> {
    try {
      await writeBody(response, status, [body], { canGzip, signal: this.#drop.signal });
    } catch (thrown) {
      // The client left; nobody is there to be told.
      this.#deps.logger.debug('answer not sent', { err: messageOf(thrown) });
      response.destroy();
    }
  }

  /** Paths with a slash too many are sent where they belong; all else is unknown. */
  async #notFound(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = request.url ?? '/';
    const path = pathOf(url);
    const trimmed = path.replace(/\/+$/, '');
    // A path that begins with two slashes would send the browser to another host.
    if (trimmed !== path && !trimmed.startsWith('//') && this.#isMounted(trimmed)) {
      response.setHeader('Location', trimmed + url.slice(path.length));
      response.statusCode = request.method === 'GET' ? 301 : 307;
      response.end();
      return;
    }
    await sendText(response, 404, '404 page not found\n');
  }

  #isMounted(path: string): boolean {
    const parts = path.split('/');
    return [...this.#mounted.keys()].some((mounted) => {
      const pattern = mounted.split('/');
      return pattern.length === parts.length && pattern.every((part, i) => part.startsWith(':') || part === parts[i]);
    });
  }

  #listenFault(thrown: NodeJS.ErrnoException): Fault {
    const flag = this.#config.addressFlag ?? '--http-address';
    const why =
      thrown.code === 'EADDRINUSE'
        ? `address already in use, choose another with ${flag}`
        : `${messageOf(thrown)} (${flag})`;
    return new Fault('conflict', `listen on ${this.#config.address}: ${why}`, { cause: thrown });
  }
}

function pathOf(url: string): string {
  const queryAt = url.indexOf('?');
  return queryAt < 0 ? url : url.slice(0, queryAt);
}

/** Lasts until the signal; a server that breaks in between is a failed task. */
function listening(server: Server, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    server.on('error', reject);
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

function notAllowed(response: ServerResponse, methods: readonly string[]): Promise<void> {
  response.setHeader('Allow', [...methods].sort().join(', '));
  return sendText(response, 405, 'Method Not Allowed\n');
}

async function sendText(response: ServerResponse, status: number, text: string): Promise<void> {
  response.setHeader('Content-Type', 'text/plain; charset=utf-8');
  response.setHeader('X-Content-Type-Options', 'nosniff');
  response.statusCode = status;
  response.end(text);
}
