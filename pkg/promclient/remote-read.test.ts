import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { goldenDir } from '../../dev/golden.ts';
import { Fault } from '../errors/fault.ts';
import { numberOf } from '../proto/int64.ts';
import { chunkedReadResponseCodec } from '../proto/remote-read.ts';
import { readFrames } from './remote-read.ts';

/** Series `m` with one chunk, (0,1) and (1000,2). */
const FRAME = Buffer.from(
  '2a4696d68b0a280a0d0a085f5f6e616d655f5f12016d121710e807180122100002003ff0000000000000e807c25fff',
  'hex',
);

async function* inPieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let i = 0; i < bytes.length; i += size) yield bytes.subarray(i, i + size);
}

async function collect(body: AsyncIterable<Uint8Array>): Promise<Uint8Array[]> {
  const frames: Uint8Array[] = [];
  for await (const frame of readFrames(body)) frames.push(frame);
  return frames;
}

describe('frames of a streamed answer', () => {
  for (const size of [1, 2, 3, 7, 46, 47, 48, 1000]) {
    test(`come out whole when the body arrives in pieces of ${size} bytes`, async () => {
      const frames = await collect(inPieces(Buffer.concat([FRAME, FRAME, FRAME]), size));
      expect(frames.map((frame) => Buffer.from(frame).toString('hex'))).toEqual(
        Array(3).fill(FRAME.subarray(5).toString('hex')),
      );
    });
  }

  for (const [what, bytes] of [
    ['that breaks off', FRAME.subarray(0, 20)],
    ['whose length breaks off', Buffer.from([0x80])],
    ['with a wrong checksum', Buffer.concat([FRAME.subarray(0, 1), Buffer.from('00000000', 'hex'), FRAME.subarray(5)])],
    ['that claims to be larger than any', Buffer.from('ffffffff7f00000000', 'hex')],
    ['whose length has no end', Buffer.from('ffffffffffffff', 'hex')],
  ] as const) {
    test(`one ${what} is corrupt`, async () => {
      await expect(collect(inPieces(bytes, 4))).rejects.toSatisfy(
        (thrown) => thrown instanceof Fault && thrown.kind === 'corrupt',
      );
    });
  }

  test.skipIf(goldenDir() === undefined)('recorded from a real Prometheus decode to what was recorded', async () => {
    const text = gunzipSync(readFileSync(join(goldenDir()!, 'remote/read.jsonl.gz'))).toString('utf8');
    let compared = 0;
    for (const line of text.trim().split('\n')) {
      const { frames: wanted, responseBody } = JSON.parse(line) as GoldenRead;
      if (wanted === undefined || wanted === null) continue;
      const frames = await collect(inPieces(Buffer.from(responseBody, 'base64'), 100));
      const got = frames.map((frame) => {
        const { chunked_series, query_index } = chunkedReadResponseCodec.decode(frame);
        const series = chunked_series.map(({ labels, chunks }) => ({
          labels: labels.map(({ name, value }) => [name, value]),
          chunks: chunks.map((chunk) => [
            numberOf(chunk.min_time_ms),
            numberOf(chunk.max_time_ms),
            Buffer.from(chunk.data).toString('base64'),
          ]),
        }));
        return { index: numberOf(query_index), series };
      });
      expect(JSON.stringify(got)).toBe(JSON.stringify(wanted.map(simplified)));
      compared += frames.length;
    }
    expect(compared).toBeGreaterThan(50);
  });
});

interface GoldenRead {
  readonly frames?: readonly GoldenFrame[] | null;
  readonly responseBody: string;
}

interface GoldenFrame {
  readonly queryIndex: number;
  readonly series: readonly {
    readonly labels: readonly (readonly [string, string])[];
    readonly chunks: readonly { readonly mint: number; readonly maxt: number; readonly data: string }[];
  }[];
}

function simplified({ queryIndex, series }: GoldenFrame): unknown {
  return {
    index: queryIndex,
    series: series.map(({ labels, chunks }) => ({
      labels,
      chunks: chunks.map(({ mint, maxt, data }) => [mint, maxt, data]),
    })),
  };
}
