// The body of an answer as a stream that lets go of its socket.

import type { Readable } from 'node:stream';
import { faultOf, throwIfAborted } from '../async/deadline.ts';
import { Fault } from '../errors/fault.ts';
import { ByteStream } from './byte-stream.ts';

/** Ends with `canceled` when the signal aborts and `unavailable` when the connection breaks; `name` is for the message. */
export function responseStream(signal: AbortSignal, name: string, response: Readable): ByteStream {
  const iterator: AsyncIterator<Uint8Array> = response[Symbol.asyncIterator]();
  return new ByteStream({
    async pull() {
      throwIfAborted(signal);
      try {
        const next = await iterator.next();
        return next.done === true ? undefined : next.value;
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
