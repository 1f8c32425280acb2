// One call of an API: what is sent, how much may come back, and what it means. Whatever goes wrong becomes one `ApiError`
// whose message can be shown as it is: the server's own words, or what happened on the way. Needs no document, so that
// workers can use it, too.

/** What a failed call says: `kind` is the API's errorType, or `network`, `too-large`, `canceled`, `not-json`. */
export class ApiError extends Error {
  readonly kind: string;
  /** HTTP status; 0 when there was no answer. */
  readonly status: number;

  constructor(kind: string, message: string, status = 0) {
    super(message);
    this.name = 'ApiError';
    this.kind = kind;
    this.status = status;
  }
}

/** A good answer, with its notes apart. */
export interface Answer<T> {
  readonly data: T;
  readonly warnings: readonly string[];
  readonly infos: readonly string[];
  readonly sizeBytes: number;
}

export type ApiParameters = Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>;

export interface CallOptions {
  readonly parameters?: ApiParameters;
  readonly method?: 'GET' | 'POST';
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
  /** Told as bytes come in. */
  readonly onProgress?: (receivedBytes: number) => void;
  /** Answers beyond this are given up; 64 MB unless said otherwise. */
  readonly limitBytes?: number;
}

const LIMIT_BYTES = 64 * 1024 * 1024;

/** Calls an absolute address: fetches, reads within the limit, parses and opens the envelope. */
export async function fetchAnswer<T>(url: string, options: CallOptions): Promise<Answer<T>> {
  const { status, bytes } = await fetchBytes(url, options);
  return openEnvelope<T>(status, bytes);
}

/** The answer as it came, whatever its status. */
export async function fetchBytes(
  url: string,
  options: CallOptions,
): Promise<{ readonly status: number; readonly bytes: Uint8Array<ArrayBuffer> }> {
  const { method = 'GET', signal, onProgress, limitBytes = LIMIT_BYTES } = options;
  const form = formOf(options.parameters ?? {});
  const isPost = method === 'POST';
  const query = form.toString();
  let response: Response;
  try {
    response = await fetch(isPost || query === '' ? url : `${url}?${query}`, {
      method,
      headers: { Accept: 'application/json', ...options.headers },
      ...(isPost ? { body: form } : {}),
      ...(signal === undefined ? {} : { signal }),
    });
  } catch (thrown) {
    throw failure(thrown, signal, 'the server cannot be reached');
  }
  return { status: response.status, bytes: await readWithin(response, limitBytes, signal, onProgress) };
}

/** Undefined left out, lists repeated. */
export function formOf(parameters: ApiParameters): URLSearchParams {
  const form = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    if (value === undefined) continue;
    for (const one of Array.isArray(value) ? value : [value]) form.append(name, String(one));
  }
  return form;
}

async function readWithin(
  response: Response,
  limitBytes: number,
  signal: AbortSignal | undefined,
  onProgress: ((receivedBytes: number) => void) | undefined,
): Promise<Uint8Array<ArrayBuffer>> {
  const reader = response.body?.getReader();
  const pieces: Uint8Array[] = [];
  let size = 0;
  if (reader === undefined) return new Uint8Array(0);
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      size += value.length;
      if (size > limitBytes) {
        const limit = `${Math.floor(limitBytes / 2 ** 20)} MB`;
        throw new ApiError('too-large', `the answer is larger than ${limit}: ask for less, or with a longer step`);
      }
      pieces.push(value);
      onProgress?.(size);
    }
  } catch (thrown) {
    await reader.cancel().catch(() => {});
    throw failure(thrown, signal, 'the connection broke while the answer came in');
  }
  const whole = new Uint8Array(size);
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

/** Gives the data of a good envelope; everything else is an `ApiError`. */
export function openEnvelope<T>(status: number, bytes: Uint8Array): Answer<T> {
  const text = new TextDecoder().decode(bytes);
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    const said = text.trim().slice(0, 300);
    const words = said === '' || said.startsWith('<') ? '' : `: ${said}`;
    throw new ApiError('not-json', `the server answered ${status} with something that is no JSON${words}`, status);
  }
  const envelope = (parsed ?? {}) as Record<string, unknown>;
  if (envelope['status'] !== 'success') {
    const message = typeof envelope['error'] === 'string' ? envelope['error'] : `the server answered ${status}`;
    throw new ApiError(typeof envelope['errorType'] === 'string' ? envelope['errorType'] : 'unknown', message, status);
  }
  const infos = textsOf(envelope['infos']);
  return {
    data: envelope['data'] as T,
    // Infos are sent among the warnings as well, for readers that know no others.
    warnings: textsOf(envelope['warnings']).filter((warning) => !infos.includes(warning)),
    infos,
    sizeBytes: bytes.length,
  };
}

function textsOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? [...new Set(value.filter((one): one is string => typeof one === 'string'))] : [];
}

function failure(thrown: unknown, signal: AbortSignal | undefined, what: string): ApiError {
  if (thrown instanceof ApiError) return thrown;
  if (signal?.aborted === true) return new ApiError('canceled', 'canceled');
  const why = thrown instanceof Error && thrown.message !== '' ? ` (${thrown.message})` : '';
  return new ApiError('network', `${what}${why}`);
}
