// Remote read: one query in, frames of encoded chunks out as they arrive, at the reader's pace.
//
//   frame of a streamed answer:  length uvarint │ CRC-32C of the message, 4 bytes big-endian │ ChunkedReadResponse
//
// A server that knows no streaming answers with samples in one snappy block.

import type { RequestContext } from '../async/request.ts';
import { crc32c } from '../bytes/crc32c.ts';
import { decodeSnappy, encodeSnappy } from '../bytes/snappy.ts';
import { Fault } from '../errors/fault.ts';
import type { Matcher } from '../model/matcher.ts';
import { int64Field } from '../proto/int64.ts';
import { type ReadResponse, ReadResponseType, readRequestCodec, readResponseCodec } from '../proto/remote-read.ts';
import { apiFault, type PrometheusClient } from './client.ts';

export interface ReadQuery {
  readonly matchers: readonly Matcher[];
  /** Both inclusive, ms. */
  readonly minTime: number;
  readonly maxTime: number;
}

/** Streamed: payloads of ChunkedReadResponse, each its own bytes. Sampled: one answer, already decoded. */
export type ReadAnswer =
  | { readonly kind: 'streamed'; readonly frames: AsyncIterable<Uint8Array> }
  | { readonly kind: 'sampled'; readonly response: ReadResponse };

const MATCHER_NUMBERS = { '=': 0, '!=': 1, '=~': 2, '!~': 3 } as const;
/** The reference's own bound on one frame. */
const MAX_FRAME_BYTES = 50_000_000;
const MAX_SAMPLED_BYTES = 1 << 30;
const MAX_ERROR_BYTES = 1 << 20;
const CRC_BYTES = 4;

/** Frames must be read to the end, or the iterator ended, to free the connection. */
export async function remoteRead(
  request: RequestContext,
  client: PrometheusClient,
  { matchers, minTime, maxTime }: ReadQuery,
): Promise<ReadAnswer> {
  const message = readRequestCodec.encode({
    queries: [
      {
        start_timestamp_ms: int64Field(minTime),
        end_timestamp_ms: int64Field(maxTime),
        matchers: matchers.map(({ op, name, value }) => ({ type: MATCHER_NUMBERS[op], name, value })),
      },
    ],
    accepted_response_types: [ReadResponseType.streamedXorChunks, ReadResponseType.samples],
  });
  const response = await client.post(
    request,
    '/api/v1/read',
    {
      'Content-Encoding': 'snappy',
      'Content-Type': 'application/x-stream-protobuf',
      'X-Prometheus-Remote-Read-Version': '0.1.0',
    },
    encodeSnappy(message),
  );
  if (response.status >= 300) {
    const text = Buffer.from(await wholeBody(response.body, MAX_ERROR_BYTES))
      .toString('utf8')
      .trim();
    throw apiFault(response.status, '/api/v1/read', `request failed with code ${response.status}; msg ${text}`);
  }
  const contentType = response.headers['content-type'] ?? '';
  if (contentType.startsWith('application/x-streamed-protobuf; proto=prometheus.ChunkedReadResponse')) {
    return { kind: 'streamed', frames: readFrames(response.body) };
  }
  if (!contentType.startsWith('application/x-protobuf')) {
    response.cancel();
    throw new Fault('corrupt', `prometheus /api/v1/read: unexpected content type ${JSON.stringify(contentType)}`);
  }
  const body = await wholeBody(response.body, MAX_SAMPLED_BYTES);
  return { kind: 'sampled', response: readResponseCodec.decode(decodeSnappy(body, MAX_SAMPLED_BYTES)) };
}

async function wholeBody(body: AsyncIterable<Uint8Array>, maxBytes: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of body) {
    parts.push(part);
    size += part.length;
    if (size > maxBytes) throw new Fault('limit', `remote read: the answer is larger than ${maxBytes} bytes`);
  }
  return Buffer.concat(parts, size);
}

/** Cuts a streamed body into checked messages. An end in the middle of a frame is `corrupt`: the answer is not whole. */
export async function* readFrames(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let parts: Uint8Array[] = [];
  let size = 0;
  let wanted = 1;
  for await (const part of body) {
    parts.push(part);
    size += part.length;
    // Joined only once a whole frame is there: a large frame is not copied again with each piece that arrives.
    if (size < wanted) continue;
    const bytes = parts.length === 1 ? part : Buffer.concat(parts, size);
    let position = 0;
    for (;;) {
      const header = readHeader(bytes, position);
      wanted = header === undefined ? bytes.length - position + 1 : header.end - position;
      if (header === undefined || header.end > bytes.length) break;
      yield checkedMessage(bytes, header.start, header.end);
      position = header.end;
    }
    size = bytes.length - position;
    parts = size === 0 ? [] : [bytes.subarray(position)];
  }
  if (size > 0) throw new Fault('corrupt', 'remote read: the answer ends in the middle of a frame');
}

/** Where the message of the frame at `position` lies; undefined while its header is not whole. */
function readHeader(bytes: Uint8Array, position: number): { start: number; end: number } | undefined {
  let length = 0;
  for (let i = 0; i < 5; i++) {
    if (position + i >= bytes.length) return undefined;
    const byte = bytes[position + i];
    length += (byte & 0x7f) * 128 ** i;
    if (byte < 0x80) {
      if (length > MAX_FRAME_BYTES) break;
      const start = position + i + 1 + CRC_BYTES;
      return { start, end: start + length };
    }
  }
  throw new Fault('corrupt', `remote read: a frame is larger than ${MAX_FRAME_BYTES} bytes`);
}

function checkedMessage(bytes: Uint8Array, start: number, end: number): Uint8Array {
  const message = bytes.subarray(start, end);
  const expected = new DataView(bytes.buffer, bytes.byteOffset + start - CRC_BYTES, CRC_BYTES).getUint32(0);
  if (crc32c(message) !== expected) throw new Fault('corrupt', 'remote read: checksum of a frame does not match');
  return message;
}
