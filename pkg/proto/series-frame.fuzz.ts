import assert from 'node:assert/strict';
import { test } from 'vitest';
import { damageTimeoutMs, isSoak } from '../bytes/damage-fixture.ts';
import { kindOf } from '../errors/fault.ts';
import { Labels } from '../model/labels.ts';
import { ChunkedReadFrameReader } from './chunked-read-frame.ts';
import { int64Of } from './int64.ts';
import { chunkedReadResponseCodec } from './remote-read.ts';
import { type ChunkSink, SeriesFrameReader, type SeriesSink } from './series-frame.ts';
import { seriesResponseCodec } from './store-service.ts';
import { StringInterner } from './string-interner.ts';

/** Damaged copies of each frame. */
const ROUNDS = isSoak ? 100_000 : 3000;

/** The same numbers each run. */
function randomOf(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

function seeds(): Buffer[] {
  const labels = [
    { name: '__name__', value: 'up' },
    { name: 'place', value: 'Zürich' },
  ];
  const part = { type: 1, data: Buffer.from('0003d00f3ff0', 'hex'), hash: int64Of(-1) };
  const chunks = [
    { min_time: int64Of(-1), max_time: int64Of(3000), raw: part },
    { min_time: int64Of(1), max_time: int64Of(2), count: part, counter: part },
  ];
  return [
    seriesResponseCodec.encode({ series: { labels, chunks } }),
    seriesResponseCodec.encode({
      batch: { series: [{ labels, chunks }, { labels }, { labels: labels.slice(1), chunks }] },
    }),
    seriesResponseCodec.encode({ warning: 'w' }),
    seriesResponseCodec.encode({ hints: { type_url: 'a/b', value: Buffer.from('x') } }),
    chunkedReadResponseCodec.encode({
      query_index: int64Of(3),
      chunked_series: [
        { labels, chunks: [{ min_time_ms: int64Of(1), max_time_ms: int64Of(2), type: 1, data: part.data }] },
      ],
    }),
  ];
}

test('damaged frames are read or refused as corrupt, and chunks stay within the frame', {
  timeout: damageTimeoutMs,
}, () => {
  const random = randomOf(7);
  const interner = new StringInterner();
  const reader = new SeriesFrameReader(interner);
  const chunkedReader = new ChunkedReadFrameReader(interner);
  let refused = 0;
  for (const seed of seeds()) {
    for (let round = 0; round < ROUNDS; round++) {
      let frame = Buffer.from(seed);
      for (let n = random(3); n >= 0; n--) frame[random(frame.length)] = random(256);
      if (random(4) === 0) frame = frame.subarray(0, random(frame.length));
      let count = 0;
      const chunks: ChunkSink = {
        chunk() {
          count++;
        },
        refer(_aggregate, encoding, offset, length) {
          assert.ok(encoding >= 0 && encoding < 256 && offset >= 0 && offset + length <= frame.length);
        },
      };
      const sink: SeriesSink = { series: (labels) => assert.ok(labels instanceof Labels), warning() {}, hints() {} };
      for (const run of [
        () => reader.read(frame, chunks, sink),
        () => chunkedReader.read(frame, chunks, (labels) => sink.series(labels)),
      ]) {
        try {
          run();
        } catch (thrown) {
          assert.equal(kindOf(thrown), 'corrupt', String(thrown));
          refused++;
        }
      }
      assert.ok(count <= frame.length);
    }
  }
  assert.ok(refused > 1000);
});

test('whatever is a valid frame to both gives the same labels as protobufjs', () => {
  const random = randomOf(11);
  const reader = new SeriesFrameReader(new StringInterner());
  const chunks: ChunkSink = { chunk() {}, refer() {} };
  let compared = 0;
  const text = (): string => [...'abcé😀'].slice(0, random(6)).join('') + 'x'.repeat(random(40));
  for (let round = 0; round < 1000; round++) {
    const base = Array.from({ length: random(12) }, () => ({ name: text(), value: text() }));
    const series = Array.from({ length: random(6) }, () => ({
      labels: base.map((label) => (random(4) === 0 ? { name: label.name, value: text() } : label)).slice(0, random(13)),
    }));
    const frame = seriesResponseCodec.encode({ batch: { series } });
    const seen: string[] = [];
    reader.read(frame, chunks, { series: (labels) => seen.push(String(labels)), warning() {}, hints() {} });
    const expected = series.map(({ labels }) => String(Labels.from(labels.map((l) => [l.name, l.value]))));
    assert.deepEqual(seen, expected);
    compared += seen.length;
  }
  assert.ok(compared > 1000);
});
