// Bodies in and out: a request's bytes within a limit, a response's pieces at the client's pace, gzipped when that pays.

import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { constants, createGzip, gzipSync } from 'node:zlib';
import { faultOf } from '../../async/deadline.ts';
import { Fault } from '../../errors/fault.ts';
import type { JsonChunks } from './api.ts';

/** Shorter answers go out in one packet of the network as they are: compressing them saves nobody anything. */
const SMALLEST_GZIP_BYTES = 1400;
/** Answers up to this size are sent in one piece; compressing that takes less time than setting up a stream for it. */
const ONE_PIECE_BYTES = 32 * 1024;
/** The fastest level: JSON of series shrinks well by it, and the processor is what a querier runs out of. */
const GZIP_LEVEL = constants.Z_BEST_SPEED;
/** Small pieces are joined up to this size before they are written. */
const WRITE_BYTES = 32 * 1024;

/** The whole body. Beyond the limit it is `invalid`; a client that leaves makes it `canceled`. */
export async function readBody(request: IncomingMessage, limitBytes: number): Promise<Uint8Array> {
  const { headers } = request;
  if (headers['content-length'] === undefined && headers['transfer-encoding'] === undefined) return new Uint8Array(0);
  const pieces: Uint8Array[] = [];
  let size = 0;
  try {
    // The socket stays whole when we stop reading: the refusal has to go out on it.
    for await (const piece of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Uint8Array>) {
      size += piece.length;
      if (size > limitBytes) throw new Fault('invalid', 'http: request body too large', { facts: { limitBytes } });
      pieces.push(piece);
    }
  } catch (thrown) {
    if (thrown instanceof Fault) throw thrown;
    throw new Fault('canceled', 'the client left while sending', { cause: thrown });
  }
  return Buffer.concat(pieces, size);
}

/** True when an Accept-Encoding header lets us send gzip. */
export function acceptsGzip(header: string | undefined): boolean {
  if (header === undefined) return false;
  return header.split(',').some((item) => {
    const [name, ...parameters] = item.split(';').map((part) => part.trim().toLowerCase());
    return (name === 'gzip' || name === '*') && !parameters.some((parameter) => /^q=0(?:\.0*)?$/.test(parameter));
  });
}

/**
 * Writes status and headers, then the pieces as they come, and ends the response. Nothing is pulled that the client has
 * not made room for; when it leaves, the pieces' iterator is ended. Gives the number of body bytes sent. A failure of the
 * pieces before the headers went out is thrown with the response untouched; after that the connection is cut, because
 * there is no honest way to end it, and the failure is thrown too.
 */
export async function writeBody(
  response: ServerResponse,
  status: number,
  pieces: JsonChunks,
  options: { readonly canGzip: boolean; readonly signal: AbortSignal },
): Promise<number> {
  const source = joined(pieces);
  const first: Uint8Array[] = [];
  let size = 0;
  let isWhole = false;
  try {
    while (size <= ONE_PIECE_BYTES && !isWhole) {
      if (options.signal.aborted) throw faultOf(options.signal);
      const next = await source.next();
      if (next.done === true) isWhole = true;
      else {
        first.push(next.value);
        size += next.value.length;
      }
    }
  } catch (thrown) {
    await source.return(undefined);
    throw thrown;
  }
  response.statusCode = status;
  if (isWhole) {
    let body = first.length === 1 ? first[0] : Buffer.concat(first, size);
    if (options.canGzip && size >= SMALLEST_GZIP_BYTES) {
      response.setHeader('Content-Encoding', 'gzip');
      // A smaller window than usual: most of the time goes into setting up its memory.
      body = gzipSync(body, { level: GZIP_LEVEL, windowBits: 14, memLevel: 7 });
    }
    response.setHeader('Content-Length', body.length);
    response.end(body);
    return body.length;
  }
  try {
    return await stream(response, first, source, options);
  } finally {
    await source.return(undefined);
  }
}

async function stream(
  response: ServerResponse,
  first: readonly Uint8Array[],
  source: AsyncIterable<Uint8Array>,
  options: { readonly canGzip: boolean; readonly signal: AbortSignal },
): Promise<number> {
  let sentBytes = 0;
  const count = (piece: Uint8Array): void => {
    sentBytes += piece.length;
  };
  const input = Readable.from(concatenated(first, source), { objectMode: false });
  const stages: Writable[] = [];
  if (options.canGzip) {
    response.setHeader('Content-Encoding', 'gzip');
    const gzip = createGzip({ level: GZIP_LEVEL });
    gzip.on('data', count);
    stages.push(gzip);
  } else {
    input.on('data', count);
  }
  try {
    await pipeline([input, ...stages, response], { signal: options.signal });
  } catch (thrown) {
    response.destroy();
    if (options.signal.aborted) throw faultOf(options.signal);
    throw thrown;
  }
  return sentBytes;
}

async function* concatenated(
  first: readonly Uint8Array[],
  rest: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  yield* first;
  yield* rest;
}

/** The pieces as bytes, small ones joined. What is yielded is not touched again. */
async function* joined(pieces: JsonChunks): AsyncGenerator<Uint8Array, void, undefined> {
  if (Array.isArray(pieces) && pieces.length === 1) {
    const [only]: readonly (string | Uint8Array)[] = pieces;
    if (only.length > 0) yield typeof only === 'string' ? Buffer.from(only) : only;
    return;
  }
  let text = '';
  for await (const piece of pieces) {
    if (typeof piece === 'string') {
      text += piece;
      if (text.length < WRITE_BYTES) continue;
      yield Buffer.from(text);
      text = '';
      continue;
    }
    if (text !== '') {
      yield Buffer.from(text);
      text = '';
    }
    if (piece.length > 0) yield piece;
  }
  if (text !== '') yield Buffer.from(text);
}
