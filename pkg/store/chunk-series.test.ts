import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { describe, test } from 'vitest';
import { kindOf, messageOf } from '../errors/fault.ts';
import { Labels } from '../model/labels.ts';
import { SampleBuffer } from '../storage/sample-columns.ts';
import { orderChunks } from './chunk-order.ts';
import { ChunkReader, type ChunkReading } from './chunk-series.ts';
import { type ChunkSlice, ChunkTableBuilder } from './chunk-table.ts';
import { Aggregate } from './store.ts';

type Sample = readonly [number, number];

/** What a real querier over a real store gateway answered about replicas with gaps, jitter and resets of their own. */
interface Recorded {
  readonly series: string;
  /** In the order of the store's answer: min time, max time, bytes in base64. */
  readonly chunks: readonly (readonly [number, number, string])[];
  readonly penalty: readonly Sample[];
  readonly chain: readonly Sample[];
  readonly irate: readonly {
    readonly minTime: number;
    readonly maxTime: number;
    readonly start: number;
    readonly end: number;
    readonly stepMs: number;
    readonly rangeMs: number;
    readonly values: readonly Sample[];
  }[];
}

const recorded = gunzipSync(readFileSync(new URL('./testdata/replicas.jsonl.gz', import.meta.url)))
  .toString()
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as Recorded);

function sliceOf(chunks: Recorded['chunks']): ChunkSlice {
  const table = new ChunkTableBuilder();
  for (const [minTime, maxTime, bytes] of chunks) {
    table.chunk(minTime, maxTime);
    table.copy(Aggregate.raw, 1, Buffer.from(bytes, 'base64'));
  }
  return { table, from: 0, to: table.length };
}

const everything: ChunkReading = {
  minTime: -Infinity,
  maxTime: Infinity,
  aggregates: [Aggregate.count, Aggregate.sum],
  dedup: 'penalty',
  isCounter: false,
};

function read(chunks: readonly ChunkSlice[], reading: Partial<ChunkReading> = {}): SampleBuffer {
  const into = new SampleBuffer(1);
  const labels = Labels.of({ a: 'b' });
  new ChunkReader({ ...everything, ...reading }).series({ labels, chunks }).readInto(into);
  return into;
}

const samplesOf = ({ times, values, length }: SampleBuffer): Sample[] =>
  Array.from({ length }, (_, i) => [times[i], values[i]] as const);

/** irate at one time from accumulated samples within (time - range, time]. */
function irateAt(samples: SampleBuffer, time: number, rangeMs: number): number | undefined {
  let last = samples.length - 1;
  while (last >= 0 && samples.times[last] > time) last--;
  if (last < 1 || samples.times[last - 1] <= time - rangeMs) return undefined;
  const [before, after] = [samples.values[last - 1], samples.values[last]];
  return (after < before ? after : after - before) / ((samples.times[last] - samples.times[last - 1]) / 1000);
}

describe('as the reference reads the same chunks', () => {
  for (const { series, chunks, penalty, chain, irate } of recorded) {
    const slices = [sliceOf(chunks)];
    for (const [func, expected] of [
      ['penalty', penalty],
      ['chain', chain],
    ] as const) {
      test(`series ${series} merged by ${func} has the same samples`, () => {
        // The recorded selector leaves out its first millisecond.
        const [[first]] = chunks;
        const minTime = Math.floor(first / 7_200_000) * 7_200_000 + 1;
        assert.deepEqual(samplesOf(read(slices, { dedup: func, minTime, maxTime: minTime + 7_199_999 })), expected);
      });
    }
    test(`series ${series} merged as a counter has the same irate everywhere`, () => {
      let points = 0;
      for (const { minTime, maxTime, start, end, stepMs, rangeMs, values } of irate) {
        // A store sends the chunks that overlap the select, and which those are decides how they are split.
        const sent = [sliceOf(chunks.filter(([min, max]) => max >= minTime && min <= maxTime))];
        const merged = read(sent, { minTime, maxTime, aggregates: [Aggregate.counter], isCounter: true });
        const expected = new Map(values);
        for (let time = start; time <= end; time += stepMs, points++) {
          const ours = irateAt(merged, time, rangeMs);
          const theirs = expected.get(time);
          if (theirs === undefined) assert.equal(ours, undefined);
          else assert.ok(ours !== undefined && Math.abs(ours - theirs) <= 1e-12 * Math.abs(theirs), `at ${time}`);
        }
      }
      assert.ok(points > 400);
    });
  }
});

/** A chunk of a few samples as its encoder would lay it out: recorded bytes cut from known chunks would hide the values. */
const parts = {
  // (300000,20), (300000,50) and the counter pair (300000,7)(300000,5), as the wire contract lists them.
  count: '0001c0cf244034000000000000',
  sum: '0001c0cf244049000000000000',
  counter: '0002c0cf24401c00000000000000d80c',
  // (1000,1) (2000,2) (3000,4)
  raw: '0003d00f3ff0000000000000e807c25fff4004',
} as const;

function chunkOf(minTime: number, maxTime: number, held: Partial<Record<keyof typeof parts, string>>): ChunkSlice {
  const table = new ChunkTableBuilder();
  table.chunk(minTime, maxTime);
  for (const [name, hex] of Object.entries(held)) {
    table.copy(Aggregate[name as keyof typeof parts], 1, Buffer.from(hex, 'hex'));
  }
  return { table, from: 0, to: 1 };
}

describe('which part of a chunk is read', () => {
  const aggregated = chunkOf(300000, 300000, { count: parts.count, sum: parts.sum, counter: parts.counter });
  const raw = chunkOf(1000, 3000, { raw: parts.raw });
  for (const [what, aggregates, expected] of [
    ['count and sum give their quotient', [Aggregate.count, Aggregate.sum], [[300000, 2.5]]],
    ['count', [Aggregate.count], [[300000, 20]]],
    ['sum', [Aggregate.sum], [[300000, 50]]],
    ['a counter, whose repeated last time is no sample', [Aggregate.counter], [[300000, 7]]],
  ] as const) {
    test(what, () => assert.deepEqual(samplesOf(read([aggregated], { aggregates })), expected));
  }

  test('raw serves every aggregate', () => {
    for (const aggregates of [[Aggregate.count, Aggregate.sum], [Aggregate.min], [Aggregate.counter]]) {
      assert.deepEqual(samplesOf(read([raw], { aggregates })), [
        [1000, 1],
        [2000, 2],
        [3000, 4],
      ]);
    }
  });

  test('a raw counter goes on from the true last value of the aggregate before it', () => {
    const samples = samplesOf(read([raw, aggregated], { aggregates: [Aggregate.counter], isCounter: true }));
    assert.deepEqual(samples, [
      [1000, 1],
      [2000, 2],
      [3000, 4],
      [300000, 7],
    ]);
  });

  test('a chunk without the part fails the series', () => {
    assert.throws(
      () => read([aggregated], { aggregates: [Aggregate.min] }),
      (thrown) => kindOf(thrown) === 'execution' && messageOf(thrown).includes('no valid chunk found'),
    );
  });

  test('count and sum that do not belong together are corrupt', () => {
    const wrong = chunkOf(300000, 300000, { count: parts.count, sum: parts.raw });
    assert.throws(
      () => read([wrong]),
      (thrown) => kindOf(thrown) === 'corrupt',
    );
  });
});

describe('bounds and overlaps', () => {
  const raw = chunkOf(1000, 3000, { raw: parts.raw });

  test('both bounds are inclusive', () => {
    assert.deepEqual(samplesOf(read([raw], { minTime: 2000, maxTime: 2000 })), [[2000, 2]]);
    assert.deepEqual(samplesOf(read([raw], { minTime: 2001, maxTime: 2999 })), []);
  });

  test('without replicas a sample not after the last one is skipped', () => {
    const again = chunkOf(1000, 3000, { raw: parts.raw });
    assert.deepEqual(samplesOf(read([raw, again], { dedup: undefined })), [
      [1000, 1],
      [2000, 2],
      [3000, 4],
    ]);
    assert.deepEqual(samplesOf(read([raw, again], { dedup: undefined, aggregates: [Aggregate.counter] })).length, 3);
  });

  test('a second reading gives the same, after what is there', () => {
    const series = new ChunkReader(everything).series({ labels: Labels.empty, chunks: [raw] });
    const into = new SampleBuffer();
    series.readInto(into);
    series.readInto(into);
    assert.deepEqual(
      samplesOf(into).map(([time]) => time),
      [1000, 2000, 3000, 1000, 2000, 3000],
    );
  });

  test('no chunks are no samples', () => assert.equal(read([]).length, 0));
});

describe('what cannot be read names the series', () => {
  for (const [what, encoding, bytes, kind] of [
    ['an integer histogram cut short', 2, '00', 'corrupt'],
    ['a float histogram cut short', 3, '00', 'corrupt'],
    ['a histogram with start timestamps', 5, '00', 'unsupported'],
    ['an encoding nobody knows', 77, '00', 'corrupt'],
    ['a chunk cut short', 1, '0003d00f3ff0', 'corrupt'],
    ['an empty chunk', 1, '', 'corrupt'],
  ] as const) {
    test(what, () => {
      const table = new ChunkTableBuilder();
      table.chunk(1, 2);
      table.copy(Aggregate.raw, encoding, Buffer.from(bytes, 'hex'));
      assert.throws(
        () => read([{ table, from: 0, to: 1 }]),
        (thrown) => kindOf(thrown) === kind && messageOf(thrown).includes('{a="b"}'),
      );
    });
  }
});

describe('chunk order', () => {
  const key = ({ table, from, to }: ChunkSlice): string[] =>
    Array.from({ length: to - from }, (_, i) => `${table.minTimes[from + i]}-${table.maxTimes[from + i]}`);
  const tableOf = (chunks: readonly (readonly [number, number, string])[]): ChunkSlice => sliceOf(chunks);

  test('slices that follow one another are only put in order', () => {
    const early = tableOf([
      [1, 2, 'AA=='],
      [3, 4, 'AA=='],
    ]);
    const late = tableOf([[5, 6, 'AA==']]);
    assert.deepEqual(orderChunks([late, early]), [early, late]);
  });

  test('interleaved chunks come by min time, then max time, then the larger bytes first', () => {
    const a = tableOf([
      [1, 5, 'AQ=='],
      [6, 9, 'AQ=='],
    ]);
    const b = tableOf([
      [1, 4, 'Ag=='],
      [6, 9, 'Aw=='],
    ]);
    const ordered = orderChunks([a, b]);
    assert.deepEqual(ordered.flatMap(key), ['1-4', '1-5', '6-9', '6-9']);
    const bytes = ordered.flatMap(({ table, from, to }) => [
      ...table.bytes.subarray(table.partOffset[from], table.partOffset[to - 1] + 1),
    ]);
    assert.deepEqual(bytes, [2, 1, 3, 1]);
  });

  test('a chunk with the same bytes is dropped, whatever its max time says', () => {
    const a = tableOf([
      [1, 5, 'AQI='],
      [6, 9, 'AQ=='],
    ]);
    const b = tableOf([
      [1, 4, 'AQI='],
      [6, 9, 'Ag=='],
    ]);
    assert.deepEqual(orderChunks([a, b]).flatMap(key), ['1-4', '6-9', '6-9']);
    assert.deepEqual(orderChunks([a, a]).flatMap(key), ['1-5', '6-9']);
  });

  test('runs of one table stay one slice', () => {
    const a = tableOf([
      [1, 2, 'AA=='],
      [3, 4, 'AQ=='],
      [9, 9, 'AA=='],
    ]);
    const b = tableOf([[5, 6, 'AA==']]);
    assert.deepEqual(
      orderChunks([a, b]).map(({ from, to }) => [from, to]),
      [
        [0, 2],
        [0, 1],
        [2, 3],
      ],
    );
  });
});
