// The Prometheus HTTP API as handlers see it: a request with merged parameters in, an answer out. The envelope around
// it, the status codes and the escaping are made here, once, for every API of every component.
//
//   {"status":"success","data":<any>,"warnings":["…"],"infos":["…"]}
//   {"status":"error","errorType":"bad_data","error":"…"}

import type { RequestContext } from '../../async/request.ts';
import { Fault, kindOf, messageOf } from '../../errors/fault.ts';
import type { Parameters } from './params.ts';
import { statusOf } from './status.ts';

/** One request to an API route. */
export interface ApiRequest {
  readonly method: string;
  /** Without the query, as it came. */
  readonly path: string;
  /** Form and URL parameters merged, those of the form first. */
  readonly parameters: Parameters;
  /** The URL's alone: some parameters of the contract are read from there only. */
  readonly urlParameters: Parameters;
  /** What the `:name` parts of the route matched, decoded. */
  readonly pathParameters: Readonly<Record<string, string>>;
  /** The first value of a header, by any case of its name. */
  header(name: string): string | undefined;
  /** The body as sent; empty when it was a form or there was none. At most what the server's limit allows. */
  readonly body: Uint8Array;
  /** Its signal aborts when the client leaves or the server stops. */
  readonly context: RequestContext;
}

/** Pieces of encoded JSON that joined give `data`. Taken at the client's pace; ended early when the client leaves. */
export type JsonChunks = AsyncIterable<string | Uint8Array> | Iterable<string | Uint8Array>;

export interface ApiNotes {
  /** What makes the answer less than whole, and PromQL warnings. Any but PromQL's own forbid caching. */
  readonly warnings?: readonly string[];
  readonly infos?: readonly string[];
}

/** `data` is a plain value; `chunks` is JSON text already made; `plain` goes out as it is, without an envelope. */
export type ApiAnswer =
  | (ApiNotes & { readonly data: unknown })
  | (ApiNotes & { readonly chunks: JsonChunks })
  | { readonly plain: PlainAnswer };

export interface PlainAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array;
}

/** Throws a Fault to answer with an error; its kind decides the status. */
export type ApiHandler = (request: ApiRequest) => Promise<ApiAnswer>;

export interface ApiRoute {
  /** From the root, with `:name` for a part that varies: `/api/v1/label/:name/values`. The route prefix is added. */
  readonly path: string;
  readonly methods: readonly ('GET' | 'POST')[];
  /** The value of the `handler` label in HTTP metrics. */
  readonly handler: string;
  readonly handle: ApiHandler;
}

/** The text around `data`: `head`, the data, `tail`. */
export function successEnvelope(notes: ApiNotes): { readonly head: string; readonly tail: string } {
  let tail = '';
  if (notes.warnings !== undefined && notes.warnings.length > 0) tail += `,"warnings":${apiJson(notes.warnings)}`;
  if (notes.infos !== undefined && notes.infos.length > 0) tail += `,"infos":${apiJson(notes.infos)}`;
  return { head: '{"status":"success","data":', tail: `${tail}}` };
}

/** True when the notes say that the answer may be less than whole: such an answer must not be kept by a cache. */
export function forbidsCaching(notes: ApiNotes): boolean {
  return (notes.warnings ?? []).some((warning) => !/^PromQL (?:warning|info): /.test(warning));
}

/** Status and body of a failed request. */
export function errorAnswer(thrown: unknown): { readonly status: number; readonly body: string } {
  const { status, errorType } = statusOf(thrown);
  return { status, body: apiJson({ status: 'error', errorType, error: errorText(thrown) }) };
}

/** An internal failure of ours is told in words as well: the reader has to report it. */
function errorText(thrown: unknown): string {
  return thrown instanceof Fault || kindOf(thrown) !== 'internal'
    ? messageOf(thrown)
    : `internal: ${messageOf(thrown)}`;
}

/**
 * JSON as the API writes it: `<`, `>`, `&`, U+2028 and U+2029 as `\u003c` and so on, lone surrogates as U+FFFD. Nothing
 * for `undefined` members, as JSON.stringify.
 */
export function apiJson(value: unknown): string {
  return escapeJson(JSON.stringify(value) ?? 'null');
}

/** Escapes finished JSON text. Outside strings none of these characters can occur. */
export function escapeJson(json: string): string {
  if (!NEEDS_ESCAPE.test(json)) return json;
  return json
    .replace(/\\u(d[89ab][0-9a-f]{2})/g, (whole, _, at: number) => (isEscaped(json, at) ? whole : '\ufffd'))
    .replace(/\\u(d[c-f][0-9a-f]{2})/g, (whole, _, at: number, text: string) =>
      isEscaped(text, at) ? whole : '\ufffd',
    )
    .replace(/[<>&\u2028\u2029]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** JSON.stringify writes lone surrogates, and only those, as `\ud8xx`. */
const NEEDS_ESCAPE = /[<>&\u2028\u2029]|\\ud/;

/** True when the backslash at `at` is itself escaped: an odd number of backslashes stands before it. */
function isEscaped(text: string, at: number): boolean {
  let count = 0;
  while (text[at - 1 - count] === '\\') count++;
  return count % 2 === 1;
}
