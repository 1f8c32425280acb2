// Sends what Microsoft's client wants sent over our own transport: its limits, its TLS, its signals.

import type { HttpHeaders, HttpOperationResponse, IHttpClient, WebResource } from '@azure/storage-blob';
import type { HttpTransport } from './http-transport.ts';
import { newExchange } from './http-transport.ts';
import { responseStream } from './response-stream.ts';

/** The client's `httpClient` option. */
export function azureHttp(transport: HttpTransport): IHttpClient {
  return {
    async sendRequest(asked: WebResource): Promise<HttpOperationResponse> {
      const signal = signalOf(asked);
      const exchange = newExchange(signal);
      const body = bytesOf(asked.body);
      const headers = { ...asked.headers.rawHeaders(), 'content-length': body?.length ?? 0 };
      const init = { method: asked.method, headers, ...(body === undefined ? {} : { body }) };
      const response = await transport.send(exchange, new URL(asked.url), init);
      const status = response.statusCode ?? 0;
      const answered = { request: asked, status, headers: headersOf(asked.headers, response.headers) };
      if (isStreamed(asked, status)) return { ...answered, readableStreamBody: response };
      const parts: Uint8Array[] = [];
      for await (const part of responseStream(signal, asked.url, response)) parts.push(part);
      return { ...answered, bodyAsText: exchange.errorText || Buffer.concat(parts).toString('utf8') };
    },
  };
}

function isStreamed(asked: WebResource, status: number): boolean {
  return asked.streamResponseStatusCodes?.has(status) ?? asked.streamResponseBody ?? false;
}

/** Signals of ours are AbortSignals; the client hands on what it was given. */
function signalOf(asked: WebResource): AbortSignal {
  return asked.abortSignal instanceof AbortSignal ? asked.abortSignal : new AbortController().signal;
}

/** We hand in bytes, the client texts; neither streams. */
function bytesOf(body: unknown): Uint8Array | undefined {
  const given: unknown = typeof body === 'function' ? (body as () => unknown)() : body;
  if (given === undefined || given === null) return undefined;
  if (given instanceof Uint8Array) return given;
  return Buffer.from(String(given));
}

/** A set of headers of the client's own kind, which it does not let us make. */
function headersOf(
  kind: HttpHeaders,
  raw: Readonly<Record<string, string | readonly string[] | undefined>>,
): HttpHeaders {
  const headers = kind.clone();
  for (const name of headers.headerNames()) headers.remove(name);
  for (const [name, value] of Object.entries(raw)) if (value !== undefined) headers.set(name, String(value));
  return headers;
}
