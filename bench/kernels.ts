// The compiled kernels beside the plain TypeScript that is their oracle, on the same bytes, taking turns in one run; and the
// loops that stay plain, for comparison with other languages. One core, the best of some rounds. Run from the build:
// node dist/bench/kernels.js

import { crc32c } from '../pkg/bytes/crc32c.ts';
import { ByteWriter } from '../pkg/bytes/writer.ts';
import type { HistogramSample } from '../pkg/model/histogram.ts';
import { SampleBuffer } from '../pkg/storage/sample-columns.ts';
import { applyCounterResets, newCounterState } from '../pkg/tsdb/chunkenc/counter-resets.ts';
import { decodeXorChunk, decodeXorCounter } from '../pkg/tsdb/chunkenc/decode.ts';
import { HistogramChunker } from '../pkg/tsdb/chunkenc/histogram-chunker.ts';
import { decodeHistogramValues, decodePlainly } from '../pkg/tsdb/chunkenc/histogram-values.ts';
import { decodeXor } from '../pkg/tsdb/chunkenc/xor.ts';
import { encodeXor, encodeXorPlainly } from '../pkg/tsdb/chunkenc/xor-encoder.ts';
import { readPostingBody, readPostingBodyPlainly } from '../pkg/tsdb/index/posting-list.ts';
import { intersect, subtract, union } from '../pkg/tsdb/index/postings.ts';
import { decodeSeriesEntry, SeriesEntry } from '../pkg/tsdb/index/series-entry.ts';

const ROUNDS = 30;
const RUN_MS = 10;

interface Row {
  readonly what: string;
  /** Items of one run. */
  readonly count: number;
  readonly unit: string;
  readonly plain: () => void;
  readonly kernel?: () => void;
}

const STEP_MS = 15_000;
const SAMPLES = 120;

/** Chunks of counters as services have them: now and then nothing happened, now and then a scrape was late. */
function counters(chunks: number): SampleBuffer[] {
  return Array.from({ length: chunks }, (_, c) => {
    const columns = new SampleBuffer(SAMPLES);
    let value = (c * 7919) % 100_000;
    for (let i = 0; i < SAMPLES; i++) {
      const noise = Math.imul(c * SAMPLES + i, 2654435761) >>> 16;
      if (noise % 3 !== 0) value += noise % 50;
      if (noise % 997 === 0) value = 0;
      columns.push(1.7e12 + i * STEP_MS + (noise % 50 === 0 ? noise % 40 : 0), value);
    }
    return columns;
  });
}

/** Chunks of a native histogram with forty buckets. */
function histogramChunks(kind: 'integer' | 'float'): { bytes: Uint8Array; encoding: number }[] {
  const chunker = new HistogramChunker(SAMPLES);
  const counts = new Array<number>(40).fill(0);
  const view = new DataView(new ArrayBuffer(8));
  const found: { bytes: Uint8Array; encoding: number }[] = [];
  let total = 0;
  for (let i = 0; i < 20 * SAMPLES; i++) {
    for (let b = 0; b < counts.length; b++) {
      const more = (Math.imul(i * 41 + b, 2654435761) >>> 20) % 4;
      counts[b] += more;
      total += more;
    }
    view.setFloat64(0, total * 0.37);
    const shared = {
      hint: 'unknown',
      schema: 3,
      zeroThreshold: 2 ** -128,
      zeroCount: 0,
      count: total,
      sum: view.getFloat64(0),
      sumHigh: view.getUint32(0),
      sumLow: view.getUint32(4),
      positiveSpans: [{ offset: -20, length: counts.length }],
      negativeSpans: [],
      customValues: [],
    } as const;
    const sample: HistogramSample = {
      time: 1.7e12 + i * STEP_MS,
      histogram:
        kind === 'float'
          ? { ...shared, kind, positiveCounts: Float64Array.from(counts), negativeCounts: new Float64Array(0) }
          : {
              ...shared,
              kind,
              positiveDeltas: counts.map((count, b) => count - (b === 0 ? 0 : counts[b - 1])),
              negativeDeltas: [],
            },
    };
    const ended = chunker.push(sample);
    if (ended !== undefined) found.push(ended);
  }
  return found;
}

function rows(): Row[] {
  const columns = counters(400);
  const chunks = columns.map((one) => encodeXorPlainly(one));
  const into = new SampleBuffer(65536);
  const other = new SampleBuffer(65536);
  const count = columns.length * SAMPLES;
  const each = (decode: (chunk: Uint8Array) => void) => () => {
    for (const chunk of chunks) {
      into.clear();
      decode(chunk);
    }
  };
  const [integers, floats] = [histogramChunks('integer'), histogramChunks('float')];
  const histograms = (list: typeof integers, decode: typeof decodePlainly) => () => {
    for (const { encoding, bytes } of list) {
      into.clear();
      decode(encoding, bytes, 0, bytes.length, into);
    }
  };
  // Steps that no processor guesses.
  const list = (size: number, step: number, seed: number): Uint32Array => {
    const ids = new Uint32Array(size);
    for (let i = 0, id = 0; i < size; i++) ids[i] = id += 1 + ((Math.imul(i + seed, 2654435761) >>> 20) % step);
    return ids;
  };
  const [many, odd, few] = [list(200_000, 4, 1), list(200_000, 4, 2), list(20_000, 40, 3)];
  const section = postingSection(many);
  const { bytes: entries, offsets } = seriesEntries(20_000);
  const entry = new SeriesEntry();
  const large = Uint8Array.from({ length: 8 * 1024 * 1024 }, (_, i) => Math.imul(i, 2654435761) >>> 24);
  return [
    {
      what: 'float chunks, decode',
      count,
      unit: 'samples',
      plain: each((chunk) => decodeXor(chunk, 0, chunk.length, into)),
      kernel: each((chunk) => decodeXorChunk(chunk, 0, chunk.length, into)),
    },
    {
      what: 'float chunks, decode with counter resets',
      count,
      unit: 'samples',
      plain: each((chunk) => {
        other.clear();
        decodeXor(chunk, 0, chunk.length, other);
        applyCounterResets(other, newCounterState(), into);
      }),
      kernel: each((chunk) => decodeXorCounter(chunk, 0, chunk.length, newCounterState(), into)),
    },
    {
      what: 'float chunks, encode',
      count,
      unit: 'samples',
      plain: () => columns.forEach((one) => void encodeXorPlainly(one)),
      kernel: () => columns.forEach((one) => void encodeXor(one)),
    },
    {
      what: 'integer histogram chunks of 40 buckets, decode to values',
      count: integers.length * SAMPLES,
      unit: 'samples',
      plain: histograms(integers, decodePlainly),
      kernel: histograms(integers, decodeHistogramValues),
    },
    {
      what: 'float histogram chunks of 40 buckets, decode to values',
      count: floats.length * SAMPLES,
      unit: 'samples',
      plain: histograms(floats, decodePlainly),
      kernel: histograms(floats, decodeHistogramValues),
    },
    {
      what: 'series entries of 10 labels and 4 chunks, with checksum',
      count: offsets.length,
      unit: 'series',
      plain: () => {
        for (const offset of offsets) decodeSeriesEntry(entries, offset, entry);
      },
    },
    {
      what: 'the same without checksum',
      count: offsets.length,
      unit: 'series',
      plain: () => {
        for (const offset of offsets) decodeSeriesEntry(entries, offset, entry, entries.length, false);
      },
    },
    {
      what: 'posting list of 200 k, decode',
      count: many.length,
      unit: 'postings',
      plain: () => void readPostingBodyPlainly(section, 4, section.byteLength - 8),
      kernel: () => void readPostingBody(section, 4, section.byteLength - 8),
    },
    {
      what: 'postings, 200 k and 200 k',
      count: 2 * many.length,
      unit: 'postings',
      plain: () => void intersect(many, odd),
    },
    {
      what: 'postings, 200 k and 20 k',
      count: many.length + few.length,
      unit: 'postings',
      plain: () => void intersect(few, many),
    },
    {
      what: 'postings, union of 200 k and 200 k',
      count: 2 * many.length,
      unit: 'postings',
      plain: () => void union([many, odd]),
    },
    {
      what: 'postings, 200 k without 20 k',
      count: many.length + few.length,
      unit: 'postings',
      plain: () => void subtract(many, few),
    },
    {
      what: 'CRC-32C of 8 MiB',
      count: large.length,
      unit: 'bytes',
      plain: () => void crc32c(large),
    },
  ];
}

function postingSection(ids: Uint32Array): DataView {
  const writer = new ByteWriter(ids.length * 4 + 16);
  const body = writer.openSection();
  writer.be32(ids.length);
  for (const id of ids) writer.be32(id);
  writer.closeSection(body);
  return new DataView(writer.copy().buffer);
}

function seriesEntries(count: number): { bytes: Uint8Array; offsets: number[] } {
  const writer = new ByteWriter();
  const offsets: number[] = [];
  for (let series = 0; series < count; series++) {
    const body = new ByteWriter();
    body.uvarint(10);
    for (let label = 0; label < 10; label++) {
      body.uvarint(50 + label * 3);
      body.uvarint(100 + ((series * (label + 1)) % 7000));
    }
    body.uvarint(4);
    body.varint(1.7e12);
    body.uvarint(1_785_000);
    body.uvarint(series * 1000 + 8);
    for (let chunk = 1; chunk < 4; chunk++) {
      body.uvarint(15_000);
      body.uvarint(1_785_000);
      body.varint(250);
    }
    writer.pad(16);
    offsets.push(writer.length);
    writer.uvarint(body.length);
    const from = writer.length;
    writer.bytes(body.written);
    writer.checksum(from);
  }
  return { bytes: writer.copy(), offsets };
}

/** Processor time in ms, which others at work on the machine hardly change. */
function timeOf(work: () => void, times: number): number {
  const start = process.cpuUsage();
  for (let i = 0; i < times; i++) work();
  const { user, system } = process.cpuUsage(start);
  return (user + system) / 1000 / times;
}

/** How often a work is done for a run to take some milliseconds. */
function timesFor(work: () => void): number {
  const once = Math.min(timeOf(work, 3), timeOf(work, 3), timeOf(work, 3));
  return Math.max(1, Math.ceil(RUN_MS / Math.max(once, 0.01)));
}

console.log('| | plain | kernel | times as quick |\n| --- | --- | --- | --- |');
for (const { what, count, unit, plain, kernel } of rows()) {
  let [bestPlain, bestKernel] = [Infinity, Infinity];
  const times = [timesFor(plain), kernel === undefined ? 0 : timesFor(kernel)];
  for (let round = 0; round < ROUNDS; round++) {
    bestPlain = Math.min(bestPlain, timeOf(plain, times[0]));
    if (kernel !== undefined) bestKernel = Math.min(bestKernel, timeOf(kernel, times[1]));
  }
  const rate = (ms: number): string => `${(count / ms / 1000).toPrecision(3)} M ${unit}/s`;
  const compiled = kernel === undefined ? ['-', '-'] : [rate(bestKernel), (bestPlain / bestKernel).toFixed(2)];
  console.log(`| ${what} | ${rate(bestPlain)} | ${compiled.join(' | ')} |`);
}
