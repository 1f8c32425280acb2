// Damaged remote read and write messages: both readers of a streamed frame and the codecs answer or refuse.

import { join } from 'node:path';
import { describe, test } from 'vitest';
import { checkDamaged, damageTimeoutMs } from '../bytes/damage-fixture.ts';
import { decodeSnappy } from '../bytes/snappy.ts';
import { kindOf } from '../errors/fault.ts';
import { ChunkedReadFrameReader } from './chunked-read-frame.ts';
import { readGoldenLines, spellRequest, spellRequestV2 } from './golden-remote.ts';
import { int64Of } from './int64.ts';
import { chunkedReadResponseCodec, readRequestCodec, readResponseCodec } from './remote-read.ts';
import { writeRequestCodec, writeRequestV2Codec } from './remote-write.ts';
import { StringInterner } from './string-interner.ts';

// The contract's frame: series m with one chunk.
const frame = new Uint8Array(
  Buffer.from('0a280a0d0a085f5f6e616d655f5f12016d121710e807180122100002003ff0000000000000e807c25fff', 'hex'),
);
const label = { name: '__name__', value: 'm' };
const request = readRequestCodec.encode({
  queries: [
    {
      start_timestamp_ms: int64Of(0),
      end_timestamp_ms: int64Of(1000),
      matchers: [{ type: 2, name: '__name__', value: 'a|b' }],
    },
  ],
  accepted_response_types: [1, 0],
});
const response = readResponseCodec.encode({
  results: [
    {
      timeseries: [
        {
          labels: [label],
          samples: [
            { value: 1.5, timestamp: int64Of(1000) },
            { value: 2, timestamp: int64Of(2000) },
          ],
        },
      ],
    },
  ],
});

describe('damaged remote-read messages are read or refused', () => {
  test('frames, read chunk by chunk', { timeout: damageTimeoutMs }, () => {
    checkDamaged({
      inputs: [frame],
      cases: 1000,
      decode: (bytes) => {
        const reader = new ChunkedReadFrameReader(new StringInterner());
        const chunks = {
          chunk() {},
          refer(_aggregate: number, _encoding: number, offset: number, length: number) {
            if (offset + length > bytes.length) throw new Error(`chunk at ${offset} of ${length} bytes`);
          },
        };
        reader.read(bytes, chunks, () => {});
      },
    });
  });

  for (const [what, inputs, codec] of [
    ['frames', [frame], chunkedReadResponseCodec],
    ['requests', [request], readRequestCodec],
    ['sampled answers', [response], readResponseCodec],
  ] as const) {
    test(`${what}, by their codec`, { timeout: damageTimeoutMs }, () => {
      checkDamaged({ inputs, cases: 500, decode: (bytes) => codec.decode(bytes) });
    });
  }
});

describe('damaged remote write requests are read or refused', () => {
  const lines = readGoldenLines(join(import.meta.dirname, 'testdata', 'write-capture-start-timestamps.jsonl.gz'));
  /** Some small ones and some with histograms and exemplars. */
  const bodiesOf = (version: number): Uint8Array[] =>
    lines
      .filter((line) => line['version'] === version)
      .slice(0, 12)
      .map((line) => new Uint8Array(Buffer.from(line['body'], 'base64')));

  /** What a message says may be invalid after it was decoded. */
  const orInvalid = (read: () => void): void => {
    try {
      read();
    } catch (thrown) {
      if (kindOf(thrown) !== 'invalid') throw thrown;
    }
  };

  for (const [what, inputs, read] of [
    ['1.0', bodiesOf(1), (body: Uint8Array) => spellRequest(writeRequestCodec.decode(body))],
    ['2.0', bodiesOf(2), (body: Uint8Array) => spellRequestV2(writeRequestV2Codec.decode(body))],
  ] as const) {
    test(`of ${what}, compressed`, { timeout: damageTimeoutMs }, () => {
      checkDamaged({ inputs, cases: 300, decode: (bytes) => orInvalid(() => read(decodeSnappy(bytes, 1 << 20))) });
    });

    test(`of ${what}, uncompressed`, { timeout: damageTimeoutMs }, () => {
      const bodies = inputs.map((body) => decodeSnappy(body, 1 << 20));
      checkDamaged({ inputs: bodies, cases: 500, decode: (bytes) => orInvalid(() => read(bytes)) });
    });
  }
});
