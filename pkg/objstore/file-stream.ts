// Objects of a directory bucket as streams: read piece by piece, or there already.

import type { FileHandle } from 'node:fs/promises';
import { throwIfAborted } from '../async/deadline.ts';
import type { RequestContext } from '../async/request.ts';
import { ByteStream } from './byte-stream.ts';

const READ_BYTES = 256 * 1024;

/** A file from where it stands to its end; closed with the stream. */
export function streamOf(request: RequestContext, file: FileHandle): ByteStream {
  // One for all pieces: left to the collector, they would pile up to tens of megabytes before it looks.
  const held = new Uint8Array(READ_BYTES);
  return new ByteStream({
    async pull() {
      throwIfAborted(request.signal);
      const { bytesRead } = await file.read(held, 0, READ_BYTES, null);
      return bytesRead === 0 ? undefined : held.subarray(0, bytesRead);
    },
    close: () => file.close(),
  });
}

/** Bytes that are there already, as a stream. */
export function onePiece(request: RequestContext, bytes: Uint8Array): ByteStream {
  let rest: Uint8Array | undefined = bytes.length === 0 ? undefined : bytes;
  return new ByteStream({
    async pull() {
      throwIfAborted(request.signal);
      const piece = rest;
      rest = undefined;
      return piece;
    },
    async close() {},
  });
}
