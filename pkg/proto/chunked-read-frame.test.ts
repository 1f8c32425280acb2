import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'vitest';
import { goldenDir } from '../../dev/golden.ts';
import { ChunkedReadFrameReader } from './chunked-read-frame.ts';
import { readGoldenStreams } from './golden-calls.ts';
import { numberOf } from './int64.ts';
import { labelsOf } from './labels.ts';
import { chunkedReadResponseCodec } from './remote-read.ts';
import { StringInterner } from './string-interner.ts';

const reader = new ChunkedReadFrameReader(new StringInterner());

/** A frame as plain values: [labels, [min time, max time, encoding, data in hex]...] for each series, and the query. */
function read(frame: Buffer): unknown {
  const all: unknown[] = [];
  let chunks: [number, number, number, string][] = [];
  const sink = {
    chunk: (minTime: number, maxTime: number) => void chunks.push([minTime, maxTime, 0, '']),
    refer: (aggregate: number, encoding: number, offset: number, length: number) => {
      assert.equal(aggregate, 0);
      chunks[chunks.length - 1][2] = encoding;
      chunks[chunks.length - 1][3] = frame.subarray(offset, offset + length).toString('hex');
    },
  };
  const query = reader.read(frame, sink, (labels) => {
    all.push([String(labels), chunks]);
    chunks = [];
  });
  return [all, query];
}

test('a recorded frame is read', () => {
  const data = '0002003ff0000000000000e807c25fff';
  const frame = Buffer.from(`0a280a0d0a085f5f6e616d655f5f12016d121710e80718012210${data}`, 'hex');
  assert.deepEqual(read(frame), [[['{__name__="m"}', [[0, 1000, 1, data]]]], 0]);
});

test.skipIf(goldenDir() === undefined)('every recorded frame is read as protobufjs does', () => {
  let frames = 0;
  for (const frame of readGoldenStreams(join(goldenDir()!, 'remote', 'read.jsonl.gz'))) {
    const { chunked_series, query_index } = chunkedReadResponseCodec.decode(frame);
    const expected = chunked_series.map(({ labels, chunks }) => [
      String(labelsOf(labels)),
      chunks.map((chunk) => [
        numberOf(chunk.min_time_ms),
        numberOf(chunk.max_time_ms),
        chunk.type,
        Buffer.from(chunk.data).toString('hex'),
      ]),
    ]);
    assert.deepEqual(read(frame), [expected, numberOf(query_index)]);
    frames++;
  }
  assert.ok(frames >= 100, `${frames}`);
});
