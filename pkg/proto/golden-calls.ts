// Tests: gRPC calls as they were recorded from the reference implementations.

import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';

export interface GoldenCall {
  readonly name: string;
  /** `/package.Service/Name`. */
  readonly method: string;
  readonly requestBytes: Buffer;
  /** A code's name, as in status.ts of net/grpc. */
  readonly code: string;
  readonly message: string;
  /** The messages received, in order. */
  readonly frames: readonly Buffer[];
}

/** Reads a gzip file of one call a line. */
export function readGoldenCalls(file: string): GoldenCall[] {
  const lines = gunzipSync(readFileSync(file)).toString('utf8').trimEnd().split('\n');
  return lines.map((line) => {
    const { requestBytes, frames, ...rest } = JSON.parse(line);
    // An empty message was recorded as null.
    const bytesOf = (text: string | null): Buffer => Buffer.from(text ?? '', 'base64');
    return { ...rest, requestBytes: bytesOf(requestBytes), frames: (frames ?? []).map(bytesOf) };
  });
}

/** The frames of every streamed remote-read answer in a gzip file of one call a line. */
export function* readGoldenStreams(file: string): Generator<Buffer> {
  for (const line of gunzipSync(readFileSync(file)).toString('utf8').trimEnd().split('\n')) {
    const { contentType, responseBody } = JSON.parse(line);
    if (!String(contentType).startsWith('application/x-streamed-protobuf')) continue;
    const body = Buffer.from(responseBody ?? '', 'base64');
    for (let at = 0; at < body.length; ) {
      let length = 0;
      for (let shift = 0, byte = 0x80; byte >= 0x80; shift += 7) {
        byte = body[at++];
        length |= (byte & 0x7f) << shift;
      }
      // Four bytes of checksum come before the message.
      yield body.subarray(at + 4, at + 4 + length);
      at += 4 + length;
    }
  }
}
