// Sends the answers of a stream at the reader's pace: an answer is pulled only when the ones before it have left, but
// for a bounded number of bytes.

import type { ServerWritableStream } from '@grpc/grpc-js';
import { freeNow } from '../../bytes/free-now.ts';
import { slabs } from '../../bytes/slabs.ts';
import type { CallScope } from './call-scope.ts';

/** Bytes handed to the socket and not yet taken by it. */
const MAX_UNSENT_BYTES = 1 << 18;

/**
 * Writes every answer and resolves when all were handed over. An abort of the scope ends the source (`return()`) and
 * throws the reason.
 */
export async function writeAll<T>(
  call: ServerWritableStream<Buffer, Buffer>,
  scope: CallScope,
  answers: AsyncIterable<T>,
  encode: (answer: T) => Buffer,
): Promise<void> {
  const { signal } = scope;
  let unsentBytes = 0;
  let full = false;
  let wake: (() => void) | undefined;
  const nudge = (): void => {
    wake?.();
    wake = undefined;
  };
  const drained = (): void => {
    full = false;
    nudge();
  };
  call.on('drain', drained);
  signal.addEventListener('abort', nudge);
  try {
    for await (const answer of answers) {
      signal.throwIfAborted();
      const bytes = encode(answer);
      unsentBytes += bytes.length;
      const message = copiedBytes(bytes);
      // grpc-js has copied the bytes by the time it says that they are written, and the socket has taken the copy.
      const more = call.write(message.bytes, (error?: Error | null) => {
        unsentBytes -= bytes.length;
        slabs.giveBack(bytes);
        if (!error && message.copy !== undefined) freeNow(message.copy);
        nudge();
      });
      if (!more) full = true;
      while ((full || unsentBytes > MAX_UNSENT_BYTES) && !signal.aborted) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      signal.throwIfAborted();
    }
  } finally {
    call.off('drain', drained);
    signal.removeEventListener('abort', nudge);
  }
}

interface Message {
  readonly bytes: Buffer;
  /** The framed message that was made of them: nobody's, once it is sent. */
  copy: Buffer | undefined;
}

/** Bytes that remember what they are copied into. grpc-js copies each message behind its header and sends that. */
function copiedBytes(bytes: Buffer): Message {
  const message: Message = { bytes, copy: undefined };
  bytes.copy = (target, targetStart, start, end) => {
    if (Buffer.isBuffer(target)) message.copy = target;
    return Buffer.prototype.copy.call(bytes, target, targetStart, start, end);
  };
  return message;
}
