import assert from 'node:assert/strict';
import { describe, test } from 'vitest';
import { kindOf } from '../../errors/fault.ts';
import type { Histogram } from '../../model/histogram.ts';
import { Labels } from '../../model/labels.ts';
import { MAX_TIME, MIN_TIME } from '../../model/time.ts';
import { encodeHistogramRecords, type WalHistogram } from './histogram-record.ts';
import {
  decodeRecord,
  encodeExemplarsRecord,
  encodeMetadataRecord,
  encodeMmapMarkersRecord,
  encodeSamplesRecord,
  encodeSeriesRecord,
  encodeTombstonesRecord,
  type WalRecord,
} from './record.ts';
import { WalSamples } from './wal-samples.ts';

const T = 1_700_000_000_000;
const bits = new DataView(new ArrayBuffer(8));

function samples(rows: readonly (readonly [ref: number, time: number, value: number, start?: number])[]): WalSamples {
  const columns = new WalSamples(2, rows[0]?.[3] !== undefined);
  for (const [ref, time, value, start] of rows) columns.pushValue(ref, time, value, start);
  return columns;
}

function sumOf(sum: number) {
  bits.setFloat64(0, sum);
  return { sum, sumHigh: bits.getUint32(0), sumLow: bits.getUint32(4) };
}

const layout = {
  hint: 'unknown',
  schema: 1,
  zeroThreshold: 0.001,
  positiveSpans: [
    { offset: 0, length: 2 },
    { offset: 1, length: 2 },
  ],
  negativeSpans: [{ offset: 0, length: 1 }],
  customValues: [],
  zeroCount: 2,
  count: 12,
  ...sumOf(18.4),
} as const;

const integer: Histogram = { ...layout, kind: 'integer', positiveDeltas: [1, 1, -1, 0], negativeDeltas: [3] };
const float: Histogram = {
  ...layout,
  kind: 'float',
  positiveCounts: Float64Array.of(1, 2, 1, 1),
  negativeCounts: Float64Array.of(3),
};
const custom: Histogram = {
  ...layout,
  kind: 'integer',
  schema: -53,
  zeroThreshold: 0,
  zeroCount: 0,
  count: 6,
  ...sumOf(12.5),
  positiveSpans: [{ offset: 0, length: 2 }],
  negativeSpans: [],
  positiveDeltas: [2, 2],
  negativeDeltas: [],
  customValues: [0.5, 1],
};

const at = (histogram: Histogram, start?: number): WalHistogram => ({
  ref: 2,
  time: T,
  ...(start === undefined ? {} : { start }),
  histogram,
});

/** Records of the contract, byte for byte, and what they say. */
const vectors: readonly (readonly [what: string, hex: string, encoded: Uint8Array, record: WalRecord])[] = [
  (() => {
    const series = [
      { ref: 1, labels: Labels.of({ __name__: 'm', job: 'a' }) },
      { ref: 2, labels: Labels.of({ __name__: 'm', job: 'b' }) },
    ];
    const hex =
      '010000000000000001 02 085f5f6e616d655f5f016d 036a6f620161 0000000000000002 02 085f5f6e616d655f5f016d 036a6f620162';
    return ['series', hex, encodeSeriesRecord(series), { kind: 'series', series }] as const;
  })(),
  (() => {
    const rows = samples([
      [2, T, 1.5],
      [1, T, 2],
      [2, T + 15000, 3],
    ]);
    const hex =
      '020000000000000002 0000018bcfe56800 00 00 3ff8000000000000 01 00 4000000000000000 00 b0ea01 4008000000000000';
    return ['samples', hex, encodeSamplesRecord(rows), { kind: 'samples', samples: rows }] as const;
  })(),
  (() => {
    const rows = samples([
      [2, T, 1.5, 1_699_999_990_000],
      [1, T, 2, 0],
      [2, T + 15000, 3, 1_699_999_990_000],
    ]);
    const hex =
      '0b04 80a0abfef962 e083aafef962 3ff8000000000000 01 00 00 4000000000000000 02 b0ea01 02 00 4008000000000000';
    return [
      'samples with start timestamps',
      hex,
      encodeSamplesRecord(rows),
      { kind: 'samples', samples: rows },
    ] as const;
  })(),
  (() => {
    const tombstones = [{ ref: 3, minTime: -5, maxTime: 1000 }];
    const encoded = encodeTombstonesRecord(tombstones);
    return ['tombstones', '030000000000000003 09 d00f', encoded, { kind: 'tombstones', tombstones }] as const;
  })(),
  (() => {
    const exemplars = [{ ref: 2, time: T, value: 0.5, labels: Labels.of({ trace_id: 'abc' }) }];
    const hex = '040000000000000002 0000018bcfe56800 00 00 3fe0000000000000 01 0874726163655f6964 03616263';
    return ['exemplars', hex, encodeExemplarsRecord(exemplars), { kind: 'exemplars', exemplars }] as const;
  })(),
  (() => {
    const metadata = [{ ref: 2, type: 1, unit: 's', help: 'h' }];
    const hex = '06020102 04554e4954 0173 0448454c50 0168';
    return ['metadata', hex, encodeMetadataRecord(metadata), { kind: 'metadata', metadata }] as const;
  })(),
  (() => {
    const markers = [{ ref: 2, chunkRef: 0x100000008 }];
    const hex = '050000000000000002 0000000100000008';
    return ['mmap markers', hex, encodeMmapMarkersRecord(markers), { kind: 'mmap-markers', markers }] as const;
  })(),
  [
    'histograms',
    '070000000000000002 0000018bcfe56800 00 00 00 02 3f50624dd2f1a9fc 02 0c 4032666666666666 02 00 02 02 02 01 00 01 04 02 02 01 00 01 06',
    encodeHistogramRecords([at(integer)])[0],
    { kind: 'histograms', histograms: [at(integer)] },
  ],
  [
    'float histograms',
    '080000000000000002 0000018bcfe56800 00 00 00 02 3f50624dd2f1a9fc 4000000000000000 4028000000000000 4032666666666666 02 00 02 02 02 01 00 01 04 3ff0000000000000 4000000000000000 3ff0000000000000 3ff0000000000000 01 4008000000000000',
    encodeHistogramRecords([at(float)])[0],
    { kind: 'histograms', histograms: [at(float)] },
  ],
  [
    'histograms with custom bounds',
    '090000000000000002 0000018bcfe56800 00 00 00 69 0000000000000000 00 06 4029000000000000 01 00 02 00 02 04 04 00 02 3fe0000000000000 3ff0000000000000',
    encodeHistogramRecords([at(custom)])[0],
    { kind: 'histograms', histograms: [at(custom)] },
  ],
];

describe('the contract’s records', () => {
  for (const [what, hex, encoded, record] of vectors) {
    test(`${what} are written byte for byte and read`, () => {
      const bytes = hex.replaceAll(' ', '');
      assert.equal(Buffer.from(encoded).toString('hex'), bytes);
      assert.deepEqual(plain(decodeRecord(Buffer.from(bytes, 'hex'))), plain(record));
    });
  }
});

/** Without the room that columns have to grow. */
function plain(record: WalRecord): unknown {
  if (record.kind !== 'samples') return record;
  const { refs, times, words, starts, length } = record.samples;
  return {
    refs: [...refs.subarray(0, length)],
    times: [...times.subarray(0, length)],
    words: [...words.subarray(0, 2 * length)],
    starts: starts === undefined ? undefined : [...starts.subarray(0, length)],
  };
}

test('a batch of histograms becomes one record a kind, and those of integers keep the base of the whole batch', () => {
  const batch = [{ ...at(custom), ref: 9, time: T - 7 }, at(float), at(integer), { ...at(custom), ref: 4 }];
  const records = encodeHistogramRecords(batch);
  assert.deepEqual(
    records.map((bytes) => bytes[0]),
    [7, 9, 8],
  );
  // Base reference 9, though histogram 9 is in the record after.
  assert.equal(Buffer.from(records[0].subarray(1, 9)).toString('hex'), '0000000000000009');
  const decoded = records.map((bytes) => decodeRecord(bytes));
  assert.deepEqual(
    decoded.flatMap((record) => (record.kind === 'histograms' ? record.histograms : [])),
    [batch[2], batch[0], batch[3], batch[1]],
  );
});

test('histograms with start timestamps of all bounds share a record', () => {
  const batch = [at(integer, T - 5), at(custom, T - 5), { ...at(integer, 0), time: T - 9 }, at(float, T)];
  const records = encodeHistogramRecords(batch);
  assert.deepEqual(
    records.map((bytes) => bytes[0]),
    [12, 13],
  );
  const decoded = records.map((bytes) => decodeRecord(bytes));
  assert.deepEqual(
    decoded.flatMap((record) => (record.kind === 'histograms' ? record.histograms : [])),
    batch,
  );
});

test('times before 1970, limits of deletions and every bit of a value are kept', () => {
  const columns = new WalSamples(1, true);
  columns.push(1, -(2 ** 51), 0x7ff00000, 2, -5);
  columns.push(2 ** 40, 2 ** 51, 0xffffffff, 0xffffffff, -5);
  columns.push(3, 0, 0, 1, 0);
  for (const withStarts of [true, false]) {
    if (!withStarts) columns.starts = undefined;
    const record = decodeRecord(encodeSamplesRecord(columns));
    assert.deepEqual(plain(record), plain({ kind: 'samples', samples: columns }));
  }
  const tombstones = [{ ref: 1, minTime: MIN_TIME, maxTime: MAX_TIME }];
  assert.deepEqual(decodeRecord(encodeTombstonesRecord(tombstones)), { kind: 'tombstones', tombstones });
});

test('a record of a type to come is told as unknown', () => {
  assert.deepEqual(decodeRecord(Uint8Array.of(99, 1, 2, 3)), { kind: 'unknown', type: 99 });
});

for (const [what, hex] of [
  ['nothing', ''],
  ['a series cut off', '01000000000000000102085f5f'],
  ['more labels than bytes', '010000000000000001ffffff7f'],
  ['a reference beyond 2^53', '01ffffffffffffffff00'],
  ['half a sample', '0200000000000000020000018bcfe5680000003ff8'],
  ['a start timestamp of no kind', '0b0480a0abfef962e083aafef9623ff8000000000000010007'],
  ['a tombstone that ends before it starts', '030000000000000003d00f09'],
  ['more buckets than bytes', '0700000000000000020000018bcfe568000000000002000000000000000000000000000000000000ffff03'],
  [
    'fewer buckets than its spans say',
    '0700000000000000020000018bcfe56800000000023f50624dd2f1a9fc020c403266666666666601000200010200',
  ],
] as const) {
  test(`a record with ${what} is corrupt`, () => {
    assert.throws(
      () => decodeRecord(Buffer.from(hex, 'hex')),
      (thrown) => kindOf(thrown) === 'corrupt',
    );
  });
}
