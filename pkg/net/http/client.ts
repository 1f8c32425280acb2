// Calls to other HTTP servers: pooled connections, a base URL with a path prefix, deadlines, redirects, and failures as
// Faults. Bodies can be streamed: nothing is read from the socket that the reader has not asked for.

import type { Dispatcher } from 'undici';
import { faultOf, withTimeout } from '../../async/deadline.ts';
import { during, Fault, kindOf, messageOf } from '../../errors/fault.ts';
import { kindOfStatus } from './status.ts';
import { Agent, redirect, request as send } from './undici-parts.ts';

export interface HttpClientConfig {
  /** Scheme, host, port and path prefix: `http://prometheus:9090/prefix`. */
  readonly baseUrl: string;
  /** For one whole call, its body included, unless the call says otherwise. 0 is no limit. */
  readonly timeoutMs: number;
  /** Connections kept open to the server; more requests at once open more and wait for none. */
  readonly maxConnections?: number;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface HttpCall {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'DELETE' | 'HEAD';
  readonly query?: URLSearchParams;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  /** Replaces the client's own limit. 0 is no limit. */
  readonly timeoutMs?: number;
}

export interface HttpReply {
  readonly status: number;
  /** Lower-case names; of repeated ones the first. */
  readonly headers: Readonly<Record<string, string>>;
}

export interface BytesReply extends HttpReply {
  readonly body: Uint8Array;
}

export interface StreamReply extends HttpReply {
  /** Read it to the end or leave the loop: either frees the connection. The pieces are yours. */
  readonly body: AsyncIterable<Uint8Array>;
  /** Frees the connection without reading. */
  cancel(): void;
}

const CONNECT_TIMEOUT_MS = 10_000;
const MAX_REDIRECTS = 5;
/** Of a failed call this much of the body goes into the message. */
const ERROR_TEXT_BYTES = 1024;
/** A body that is taken whole may not be larger. */
const LARGEST_BODY_BYTES = 512 * 1024 * 1024;

export class HttpClient {
  readonly #config: HttpClientConfig;
  readonly #agent: InstanceType<typeof Agent>;
  readonly #dispatcher: Dispatcher;
  readonly #base: URL;

  constructor(config: HttpClientConfig) {
    if (!/^https?:\/\//i.test(config.baseUrl) || !URL.canParse(config.baseUrl)) {
      throw new Fault('invalid', `not an http or https URL: ${config.baseUrl}`);
    }
    this.#config = config;
    this.#base = new URL(config.baseUrl);
    this.#agent = new Agent({
      connect: { timeout: CONNECT_TIMEOUT_MS },
      connections: config.maxConnections ?? null,
      // Our own deadline covers the whole call.
      headersTimeout: 0,
      bodyTimeout: 0,
    });
    this.#dispatcher = this.#agent.compose(redirect({ maxRedirections: MAX_REDIRECTS }));
  }

  /** The address a path stands for: the prefix of the base kept, credentials left out. */
  urlOf(path: string, query?: URLSearchParams): string {
    const url = new URL(this.#base);
    url.username = '';
    url.password = '';
    url.pathname = `${this.#base.pathname.replace(/\/+$/, '')}${path}`;
    url.search = query === undefined ? '' : query.toString();
    return url.toString();
  }

  /** The whole body of any answer, whatever its status: look at it. Throws when there was no answer. */
  async fetchBytes(signal: AbortSignal, path: string, call: HttpCall = {}): Promise<BytesReply> {
    const reply = await this.stream(signal, path, call);
    const pieces: Uint8Array[] = [];
    let size = 0;
    for await (const piece of reply.body) {
      pieces.push(piece);
      size += piece.length;
      if (size > LARGEST_BODY_BYTES) throw new Fault('limit', `${this.urlOf(path)}: answer is too large`);
    }
    return { status: reply.status, headers: reply.headers, body: Buffer.concat(pieces, size) };
  }

  /** As fetchBytes, but a status other than 2xx is a Fault of the kind it stands for, with the start of the body. */
  async fetchOk(signal: AbortSignal, path: string, call: HttpCall = {}): Promise<BytesReply> {
    const reply = await this.fetchBytes(signal, path, call);
    if (reply.status >= 200 && reply.status < 300) return reply;
    throw this.#statusFault(path, call, reply.status, reply.body);
  }

  /** As stream, but a status other than 2xx is a Fault. */
  async streamOk(signal: AbortSignal, path: string, call: HttpCall = {}): Promise<StreamReply> {
    const reply = await this.stream(signal, path, call);
    if (reply.status >= 200 && reply.status < 300) return reply;
    const pieces: Uint8Array[] = [];
    let size = 0;
    for await (const piece of reply.body) {
      pieces.push(piece);
      size += piece.length;
      if (size >= ERROR_TEXT_BYTES) break;
    }
    throw this.#statusFault(path, call, reply.status, Buffer.concat(pieces, size));
  }

  /** The answer's head, with its body to be streamed. The deadline runs until the body has ended. */
  async stream(signal: AbortSignal, path: string, call: HttpCall = {}): Promise<StreamReply> {
    const timeoutMs = call.timeoutMs ?? this.#config.timeoutMs;
    const limit = withTimeout(
      signal,
      timeoutMs === 0 ? Number.POSITIVE_INFINITY : timeoutMs,
      `no answer within ${timeoutMs} ms`,
    );
    const doing = `${call.method ?? 'GET'} ${this.urlOf(path)}`;
    try {
      const url = new URL(this.urlOf(path, call.query));
      const { statusCode, headers, body } = await send(this.#dispatcher, {
        origin: url.origin,
        path: `${url.pathname}${url.search}`,
        method: call.method ?? 'GET',
        headers: { ...this.#authorization(), ...this.#config.headers, ...call.headers },
        body: call.body ?? null,
        signal: limit.signal,
      });
      return {
        status: statusCode,
        headers: plainHeaders(headers),
        body: pieces(body, doing, limit.signal, limit.release),
        cancel: () => {
          limit.release();
          body.on('error', () => {}).destroy();
        },
      };
    } catch (thrown) {
      limit.release();
      throw callFault(doing, thrown, limit.signal);
    }
  }

  /** Closes connections; calls in hand are cut off. */
  async close(): Promise<void> {
    await this.#agent.destroy();
  }

  #authorization(): Record<string, string> {
    const { username, password } = this.#base;
    if (username === '' && password === '') return {};
    const text = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
    return { authorization: `Basic ${Buffer.from(text).toString('base64')}` };
  }

  #statusFault(path: string, call: HttpCall, status: number, body: Uint8Array): Fault {
    const text = Buffer.from(body.subarray(0, ERROR_TEXT_BYTES)).toString('utf8').trim();
    const doing = `${call.method ?? 'GET'} ${this.urlOf(path)}`;
    return new Fault(kindOfStatus(status), `${doing}: status ${status}${text === '' ? '' : `: ${text}`}`, {
      facts: { status },
    });
  }
}

/** The body with failures as Faults; the connection is freed and the deadline released however the loop ends. */
async function* pieces(
  body: AsyncIterable<Uint8Array> & { destroy(): unknown },
  doing: string,
  signal: AbortSignal,
  release: () => void,
): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    for await (const piece of body) yield piece;
  } catch (thrown) {
    throw callFault(doing, thrown, signal);
  } finally {
    release();
    body.destroy();
  }
}

/**
 * Why a call ended: our own signal first. What the library knows by no code of ours is the other side's doing (an answer
 * that is no HTTP, redirects in a circle), so it is `unavailable`, not a fault of ours.
 */
function callFault(doing: string, thrown: unknown, signal: AbortSignal): Fault {
  if (signal.aborted) return during(doing, faultOf(signal));
  if (kindOf(thrown) !== 'internal') return during(doing, thrown);
  return new Fault('unavailable', `${doing}: ${messageOf(thrown)}`, { cause: thrown });
}

function plainHeaders(headers: Readonly<Record<string, string | string[] | undefined>>): Record<string, string> {
  const plain: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    const first = Array.isArray(value) ? value[0] : value;
    if (first !== undefined) plain[name] = first;
  }
  return plain;
}
