// The body of an answer as a stream that lets go of its socket, and what the providers do with one alike.

import type { Readable } from 'node:stream';
import { faultOf, throwIfAborted } from '../async/deadline.ts';
import { freeNow } from '../bytes/free-now.ts';
import { Fault, kindOf } from '../errors/fault.ts';
import { ByteStream } from './byte-stream.ts';

/**
 * An object's bytes as `get` of a bucket gives them: a piece is good until the next is asked for, and its memory is freed
 * then. Ends as `responseStream` does.
 */
export function objectStream(signal: AbortSignal, name: string, response: Readable): ByteStream {
  return streamOf(signal, name, response, freeNow);
}

/** Pieces to keep. Ends with `canceled` when the signal aborts and `unavailable` when the connection breaks; `name` is for the message. */
export function responseStream(signal: AbortSignal, name: string, response: Readable): ByteStream {
  return streamOf(signal, name, response, () => {});
}

function streamOf(
  signal: AbortSignal,
  name: string,
  response: Readable,
  free: (piece: Uint8Array) => void,
): ByteStream {
  let given: Uint8Array | undefined;
  const iterator: AsyncIterator<Uint8Array> = response[Symbol.asyncIterator]();
  return new ByteStream({
    async pull() {
      throwIfAborted(signal);
      try {
        if (given !== undefined) free(given);
        given = undefined;
        const next = await iterator.next();
        if (next.done !== true) given = next.value;
        return given;
      } catch (thrown) {
        if (signal.aborted) throw faultOf(signal);
        throw new Fault('unavailable', `read ${name}: connection broke`, { cause: thrown });
      }
    },
    async close() {
      if (!response.readableEnded) response.destroy();
    },
  });
}

/** A ranged read: what `open` answers with, as one array; nothing where the object ends before the range begins (416). */
export async function readRangeBy(
  signal: AbortSignal,
  name: string,
  open: () => Promise<Readable>,
): Promise<Uint8Array> {
  let response: Readable;
  try {
    response = await open();
  } catch (thrown) {
    if (thrown instanceof Fault && thrown.facts['status'] === 416) return new Uint8Array();
    throw thrown;
  }
  const parts: Uint8Array[] = [];
  for await (const part of responseStream(signal, name, response)) parts.push(part);
  return parts.length === 1 ? parts[0] : Buffer.concat(parts);
}

/** Whether looking at an object finds one. */
export async function isFound(looking: Promise<unknown>): Promise<boolean> {
  try {
    await looking;
    return true;
  } catch (thrown) {
    if (kindOf(thrown) === 'not-found') return false;
    throw thrown;
  }
}
