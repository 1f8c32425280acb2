// One Prometheus as a client sees it: its HTTP API, answers unwrapped, failures as Faults that name the call.

import type { RequestContext } from '../async/request.ts';
import { Fault, type FaultKind } from '../errors/fault.ts';
import type { HttpClient, StreamReply } from '../net/http/client.ts';

/** Of an answer that is not what was asked for, this much goes into the message. */
const QUOTED_CHARACTERS = 200;

export class PrometheusClient {
  readonly #http: HttpClient;

  constructor(http: HttpClient) {
    this.#http = http;
  }

  /** `data` of a successful API answer. A 204 is undefined. */
  async api(request: RequestContext, path: string, query?: URLSearchParams): Promise<unknown> {
    const { status: code, body } = await this.#http.fetchBytes(
      request.signal,
      path,
      query === undefined ? {} : { query },
    );
    if (code === 204) return undefined;
    const text = Buffer.from(body).toString('utf8');
    let answer: unknown;
    try {
      answer = JSON.parse(text);
    } catch {
      // Proxies and old servers answer errors in words.
      throw apiFault(code, path, text.slice(0, QUOTED_CHARACTERS).trim() || `HTTP status ${code}`);
    }
    const { status, data, error } = (answer ?? {}) as { status?: unknown; data?: unknown; error?: unknown };
    if (code >= 300 || status !== 'success') {
      throw apiFault(code, path, typeof error === 'string' ? error : `HTTP status ${code}`);
    }
    return data;
  }

  /** The body as text, whatever it holds; a status from 300 on is a Fault. */
  async text(request: RequestContext, path: string): Promise<string> {
    const { status, body } = await this.#http.fetchBytes(request.signal, path);
    const text = Buffer.from(body).toString('utf8');
    if (status >= 300) throw apiFault(status, path, text.slice(0, QUOTED_CHARACTERS).trim());
    return text;
  }

  /** The head of an answer, with its body to be streamed, whatever its status. */
  post(
    request: RequestContext,
    path: string,
    headers: Readonly<Record<string, string>>,
    body: Uint8Array,
  ): Promise<StreamReply> {
    // A long answer is taken at the reader's pace: the caller's own deadline ends it.
    return this.#http.stream(request.signal, path, { method: 'POST', headers, body, timeoutMs: 0 });
  }
}

/** The kind that a status of Prometheus means to whoever asked through us. */
export function apiFault(status: number, path: string, message: string): Fault {
  const kind: FaultKind =
    status === 400 ? 'invalid' : status === 404 ? 'not-found' : status === 503 ? 'unavailable' : 'internal';
  return new Fault(kind, `prometheus ${path}: ${message}`, { facts: { status } });
}
