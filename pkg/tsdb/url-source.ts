// The files of a block behind any web server that answers range requests, by the platform's own fetch.

import { Fault } from '../errors/fault.ts';
import type { BlockSource } from './block-source.ts';

export interface UrlOptions {
  /** Sent with each request, such as an authorization. */
  readonly headers?: Readonly<Record<string, string>>;
}

const kindsByStatus: Readonly<Record<number, 'denied' | 'not-found' | 'limit'>> = {
  401: 'denied',
  403: 'denied',
  404: 'not-found',
  429: 'limit',
};

export class UrlSource implements BlockSource {
  readonly name: string;
  readonly #headers: Readonly<Record<string, string>>;
  /** What the server said of each file's content when it was first asked. */
  readonly #tags = new Map<string, string>();

  /** The URL of the block's directory, with or without a slash at its end. */
  constructor(url: string, options: UrlOptions = {}) {
    this.name = url.replace(/\/+$/, '');
    this.#headers = options.headers ?? {};
  }

  async sizeOf(file: string, signal?: AbortSignal): Promise<number | undefined> {
    const response = await this.#fetch(file, { Range: 'bytes=0-0' }, 'GET', signal);
    await response.body?.cancel();
    if (response.status === 404) return undefined;
    // An empty file has no first byte.
    if (response.status === 416) return 0;
    this.#checkPartial(file, response);
    const total = /\/(\d+)$/.exec(response.headers.get('content-range') ?? '')?.[1];
    if (total !== undefined) return Number(total);
    // A server that serves other sites' pages may hide that header from them.
    const head = await this.#fetch(file, {}, 'HEAD', signal);
    const length = head.headers.get('content-length');
    if (!head.ok || length === null)
      throw new Fault('unsupported', `${this.#url(file)}: the server does not tell its size`);
    return Number(length);
  }

  async read(file: string, offset: number, length: number, signal?: AbortSignal): Promise<Uint8Array> {
    const response = await this.#fetch(file, { Range: `bytes=${offset}-${offset + length - 1}` }, 'GET', signal);
    if (response.status !== 206) await response.body?.cancel();
    this.#checkPartial(file, response);
    const bytes = new Uint8Array(await response.arrayBuffer());
    if (bytes.length !== length) {
      throw new Fault('corrupt', `${this.#url(file)} gave ${bytes.length} bytes at ${offset}, not ${length}`);
    }
    return bytes;
  }

  async close(): Promise<void> {
    this.#tags.clear();
  }

  #checkPartial(file: string, response: Response): void {
    const { status } = response;
    if (status === 200) {
      throw new Fault('unsupported', `${this.#url(file)}: the server does not answer range requests`);
    }
    if (status !== 206) {
      throw new Fault(kindsByStatus[status] ?? 'unavailable', `${this.#url(file)}: the server answered ${status}`);
    }
    const tag = response.headers.get('etag');
    if (tag === null) return;
    const before = this.#tags.get(file);
    if (before === undefined) this.#tags.set(file, tag);
    else if (before !== tag) throw new Fault('conflict', `${this.#url(file)} was changed while it was read`);
  }

  async #fetch(
    file: string,
    headers: Readonly<Record<string, string>>,
    method: 'GET' | 'HEAD',
    signal: AbortSignal | undefined,
  ): Promise<Response> {
    try {
      // Compressed on the way, a range would be one of something else.
      const all = { ...this.#headers, ...headers, 'Accept-Encoding': 'identity' };
      return await fetch(this.#url(file), { method, headers: all, signal: signal ?? null });
    } catch (thrown) {
      if (signal?.aborted) throw thrown;
      throw new Fault('unavailable', `${this.#url(file)}: ${(thrown as Error).message}`, { cause: thrown });
    }
  }

  #url(file: string): string {
    return `${this.name}/${file}`;
  }
}
