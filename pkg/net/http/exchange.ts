// One API request from its first byte to its last: parameters in, the handler's answer out in its envelope, and the
// failure of either as the error the contract names.

import type { IncomingMessage, ServerResponse } from 'node:http';
import { linked } from '../../async/deadline.ts';
import { Fault, kindOf, messageOf } from '../../errors/fault.ts';
import type { Logger } from '../../telemetry/logger.ts';
import { type TenancyConfig, tenantOf } from '../tenancy.ts';
import {
  type ApiAnswer,
  type ApiRequest,
  type ApiRoute,
  apiJson,
  errorAnswer,
  forbidsCaching,
  type JsonChunks,
  successEnvelope,
} from './api.ts';
import { acceptsGzip, readBody, writeBody } from './body.ts';
import { type HttpObserver, requestIdOf, setCors, setRequestId } from './middleware.ts';
import { Parameters } from './params.ts';

export interface ExchangeDeps {
  readonly logger: Logger;
  readonly observer: HttpObserver;
  /** Undefined while requests may come in; otherwise why they may not. */
  readonly closedBecause: () => string | undefined;
  /** Aborts when requests in hand must be dropped. */
  readonly dropSignal: AbortSignal;
}

export interface ExchangeConfig {
  readonly sendsCors: boolean;
  readonly tenancy: TenancyConfig;
  readonly bodyLimitBytes: number;
}

/** Answers one request. Never throws: what cannot be answered ends the connection and is logged. */
export async function exchange(
  deps: ExchangeDeps,
  config: ExchangeConfig,
  route: ApiRoute,
  request: IncomingMessage,
  response: ServerResponse,
  pathParameters: Readonly<Record<string, string>>,
): Promise<void> {
  const startedMs = performance.now();
  const header = (name: string): string | undefined => firstHeader(request, name);
  const url = new URL(request.url ?? '/', 'http://localhost');
  const requestId = requestIdOf(header('x-request-id'));
  const facts = { tenant: config.tenancy.defaultTenant, requestBytes: 0, responseBytes: 0 };
  const link = linked(deps.dropSignal);
  const onClose = (): void => {
    if (!response.writableFinished) link.abort(new Fault('canceled', 'the client left'));
  };
  response.once('close', onClose);
  let endInflight: (() => void) | undefined;
  const send = async (answer: Sendable): Promise<void> => {
    for (const [name, value] of Object.entries(answer.headers)) response.setHeader(name, value);
    // What comes compressed stays as it is.
    const canGzip = answer.headers['Content-Encoding'] === undefined && acceptsGzip(header('accept-encoding'));
    facts.responseBytes = await writeBody(response, answer.status, answer.body, { canGzip, signal: link.signal });
  };
  try {
    response.setHeader('Vary', 'Accept-Encoding');
    setRequestId(response, requestId);
    if (config.sendsCors) setCors(response);
    const closedBecause = deps.closedBecause();
    if (closedBecause !== undefined) throw new Fault('unavailable', closedBecause);
    facts.tenant = tenantOf(header, config.tenancy);
    endInflight = deps.observer.begin(route.handler, request.method ?? '', facts.tenant);
    const body = await readBody(request, config.bodyLimitBytes);
    facts.requestBytes = body.length;
    const isForm = /^application\/x-www-form-urlencoded\s*(?:;|$)/i.test(header('content-type') ?? '');
    const form = new URLSearchParams(isForm ? Buffer.from(body).toString('utf8') : '');
    const apiRequest: ApiRequest = {
      method: request.method ?? '',
      path: url.pathname,
      parameters: new Parameters(form, url.searchParams),
      urlParameters: new Parameters(url.searchParams),
      pathParameters,
      header,
      body: isForm ? new Uint8Array(0) : body,
      context: { signal: link.signal, tenant: facts.tenant, requestId },
    };
    await send(sendableOf(await route.handle(apiRequest)));
  } catch (thrown) {
    await refuse(deps, thrown, { response, isCutOff: () => !request.complete, path: url.pathname, requestId });
  } finally {
    response.off('close', onClose);
    link.release();
    endInflight?.();
    deps.observer.end({
      handler: route.handler,
      method: request.method ?? '',
      path: url.pathname,
      requestId,
      status: response.statusCode,
      durationMs: performance.now() - startedMs,
      ...facts,
    });
  }
}

/** An answer ready for the socket. */
interface Sendable {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: JsonChunks;
}

interface Refusal {
  readonly response: ServerResponse;
  /** True when part of the request's body was not read. */
  readonly isCutOff: () => boolean;
  readonly path: string;
  readonly requestId: string;
}

/** Turns a failure into the error answer, or cuts the connection when part of another answer is out already. */
async function refuse(deps: ExchangeDeps, thrown: unknown, refusal: Refusal): Promise<void> {
  const { response, path, requestId } = refusal;
  const { status, body } = errorAnswer(thrown);
  const line = { path, requestId, err: messageOf(thrown) };
  if (kindOf(thrown) === 'internal') deps.logger.error('request failed by a fault of ours', line);
  if (response.headersSent || response.destroyed || !response.socket?.writable) {
    // The code that metrics and log tell, though the client may never see it.
    if (!response.headersSent) response.statusCode = status;
    response.destroy();
    return;
  }
  try {
    for (const name of ['Content-Encoding', 'Content-Length']) response.removeHeader(name);
    // Through the plain way out: the request's own signal may have aborted, and the client may still be there.
    const headers = { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' };
    // A body we did not want cannot be told from the next request.
    if (refusal.isCutOff()) response.setHeader('Connection', 'close');
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
    await writeBody(response, status, [body], { canGzip: false, signal: new AbortController().signal });
  } catch (second) {
    deps.logger.debug('error answer not sent', { ...line, second: messageOf(second) });
    response.destroy();
  }
}

function sendableOf(answer: ApiAnswer): Sendable {
  if ('plain' in answer) return { ...answer.plain, body: [answer.plain.body] };
  const { head, tail } = successEnvelope(answer);
  const headers: Record<string, string> = { 'Content-Type': 'application/json' };
  if (forbidsCaching(answer)) headers['Cache-Control'] = 'no-store';
  if ('chunks' in answer) return { status: 200, headers, body: enveloped(head, answer.chunks, tail) };
  return { status: 200, headers, body: [head + apiJson(answer.data) + tail] };
}

async function* enveloped(head: string, chunks: JsonChunks, tail: string): AsyncGenerator<string | Uint8Array> {
  yield head;
  yield* chunks;
  yield tail;
}

/** A header's value, the first one when it was sent more than once. The name's case does not matter. */
export function firstHeader(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name.toLowerCase()];
  return Array.isArray(value) ? value[0] : value;
}
