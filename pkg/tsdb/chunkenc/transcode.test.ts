// Chunks with start timestamps: the contract's vectors decode exactly, and become the chunks that the same samples have in
// the older encodings.

import assert from 'node:assert/strict';
import { describe, test } from 'vitest';
import { kindOf } from '../../errors/fault.ts';
import { SampleBuffer } from '../../storage/sample-columns.ts';
import { columnsText, hex, histogramText } from '../golden-fixture.ts';
import { decodeXorChunk } from './decode.ts';
import { decodeFloatHistograms, decodeFloatHistogramsWithStarts } from './float-histogram.ts';
import { decodeHistograms, decodeHistogramsWithStarts } from './histogram.ts';
import { hasStartTimestamps, transcodeChunk } from './transcode.ts';
import { decodeXor2 } from './xor2.ts';

const T = 1700000000000;
const STALE = 'stale';
type Value = number | typeof STALE;

const bits = new DataView(new ArrayBuffer(8));
function valueBits(value: Value): string {
  if (value === STALE) return '7ff0000000000002';
  bits.setFloat64(0, value);
  return hex(bits.getUint32(0), bits.getUint32(4));
}

const every15s = [0, 15000, 30000, 45000].map((step) => T + step);
const uneven = [0, 15000, 30000, 45000, 60001, 75002].map((step) => T + step);
const far = (dod: number): number[] => [0, 1e7, 2e7 + dod];
const farBytes = '000300003ff000000000000080ade204';

const xor2Vectors: [what: string, times: number[], values: Value[], starts: number[], hex: string][] = [
  ['no starts', uneven, [12, 12, 24, 13, 24, 24], [], '00060080a0abfef962402800000000000098755583ab1270006900'],
  [
    'stale markers between',
    uneven,
    [1, STALE, STALE, 1, STALE, 2],
    [],
    '00060080a0abfef9623ff00000000000009875ff6000fa12fff8',
  ],
  [
    'one start for all',
    every15s.slice(0, 3),
    [1, 2, 3],
    [1699999990000, 1699999990000, 1699999990000],
    '00038080a0abfef9623ff0000000000000a09c019875c12fffd603',
  ],
  [
    'a start for each',
    every15s,
    [1, 2, 3, 3],
    every15s.map((time) => time - 15000),
    '00048180a0abfef9623ff0000000000000b0ea019875c12fffab0180',
  ],
  [
    'a start from the third on',
    every15s,
    [1, 2, 3, 3],
    [0, 0, T + 14000, T + 14000],
    '00040280a0abfef9623ff00000000000009875c12fffd603f1f43e0ea600',
  ],
  ['the largest step of 13 bits', far(4095), [1, 1, 1], [], `${farBytes}67ff80`],
  ['the smallest step of 13 bits', far(-4096), [1, 1, 1], [], `${farBytes}680000`],
  ['a step of 20 bits', far(4096), [1, 1, 1], [], `${farBytes}70080000`],
  ['a step of 64 bits', far(524288), [1, 1, 1], [], `${farBytes}780000000000200000`],
  ['a stale marker first', [0, 1000, 2000], [STALE, 1, 1], [], '000300007ff0000000000002e807c22bff00'],
  [
    '130 samples, at which the header’s index ends',
    Array.from({ length: 130 }, (_, i) => i * 1000),
    new Array<number>(130).fill(1),
    [],
    '00827f003ff0000000000000e80700000000000000000000000000000001f3d860f1f43c7d00',
  ],
];

describe('float chunks with start timestamps', () => {
  for (const [what, times, values, starts, text] of xor2Vectors) {
    const expected = times.map((time, i) => `${time} ${valueBits(values[i])}`);
    test(what, () => {
      const bytes = Buffer.from(`aabb${text}`, 'hex');
      const into = new SampleBuffer(1);
      const found: number[] = [];
      decodeXor2(bytes, 2, bytes.length - 2, into, found);
      assert.deepEqual(columnsText(into), expected);
      assert.deepEqual(found, starts.length > 0 ? starts : times.map(() => 0));

      const { encoding, bytes: transcoded } = transcodeChunk(4, bytes.subarray(2));
      assert.equal(encoding, 1);
      into.clear();
      decodeXorChunk(transcoded, 0, transcoded.length, into);
      assert.deepEqual(columnsText(into), expected);
    });

    test(`${what}, cut off, is corrupt`, () => {
      const bytes = Buffer.from(text, 'hex');
      for (let length = 0; length < bytes.length - 1; length++) {
        const into = new SampleBuffer(1);
        assert.throws(
          () => decodeXor2(bytes, 0, length, into),
          (thrown) => kindOf(thrown) === 'corrupt',
        );
        assert.equal(into.length, 0);
      }
    });
  }

  test('the same samples have the bytes of the older encoding', () => {
    const { bytes } = transcodeChunk(4, Buffer.from('00060080a0abfef962402800000000000098755583ab1270006900', 'hex'));
    // The vector of encoding 1 ends a sample earlier.
    assert.equal(Buffer.from(bytes.subarray(2, 23)).toString('hex'), '80a0abfef9624028000000000000987535836b1260');
  });
});

const layout = 'ff3f50624dd2f1a9fc8ca4946317f0000c5e7f2b40';
const first = '063248064cccccccccccd18dd3';
const floatFirst =
  '02014000000000000200000000000000020193333333333331ff800000000000020000000000000001ff80000000000001ff80000000000002004000000000000';

const histogramVectors: [what: string, encoding: 5 | 6, starts: number[], hex: string, older: string][] = [
  [
    'one start for all',
    5,
    [1699999990000, 1699999990000, 1699999990000],
    `000380${layout}${first}a09c01f83a98a47487e2036693fffffffffffe00`,
    `000300${layout}${first}f83a98a47487e2036693fffffffffffe00`,
  ],
  [
    'a start for each',
    5,
    every15s.slice(0, 3).map((time) => time - 15000),
    `000381${layout}${first}b0ea01f83a98a47487e201b349ffffffffffff00`,
    `000300${layout}${first}f83a98a47487e2036693fffffffffffe00`,
  ],
  [
    'one start for two of floats',
    6,
    [1699999990000, 1699999990000],
    `000280${layout}${floatFirst}504e00fc1d4c6b0bd80f487f097fff603c25fffc25fff00`,
    `000200${layout}${floatFirst}7c1d4c6b0bd80f487f097fff603c25fffc25fff00`,
  ],
];

describe('histogram chunks with start timestamps', () => {
  for (const [what, encoding, starts, text, older] of histogramVectors) {
    const bytes = Buffer.from(text, 'hex');
    const decode = encoding === 5 ? decodeHistogramsWithStarts : decodeFloatHistogramsWithStarts;
    test(`${what} (encoding ${encoding})`, () => {
      const found: number[] = [];
      const samples = decode(bytes, 0, bytes.length, found);
      assert.deepEqual(found, starts);
      const expected = Buffer.from(older, 'hex');
      const decodeOlder = encoding === 5 ? decodeHistograms : decodeFloatHistograms;
      assert.deepEqual(samples.map(histogramText), decodeOlder(expected, 0, expected.length).map(histogramText));
      const transcoded = transcodeChunk(encoding, bytes);
      assert.equal(transcoded.encoding, encoding - 3);
      assert.equal(Buffer.from(transcoded.bytes).toString('hex'), older);
    });

    test(`${what} (encoding ${encoding}), cut off, is corrupt`, () => {
      for (let length = 0; length < bytes.length - 1; length++) {
        assert.throws(
          () => transcodeChunk(encoding, bytes.subarray(0, length)),
          (thrown) => kindOf(thrown) === 'corrupt',
        );
      }
    });
  }

  test('flags stand in front of the count', () => {
    const bytes = Buffer.from(histogramVectors[0][3], 'hex');
    bytes[0] = 0xc0;
    const { bytes: transcoded } = transcodeChunk(5, bytes);
    assert.equal(Buffer.from(transcoded.subarray(0, 3)).toString('hex'), '0003c0');
  });
});

test('older encodings stay as they are, others are refused', () => {
  const bytes = Buffer.from('0001004008000000000000', 'hex');
  for (const encoding of [1, 2, 3]) {
    assert.deepEqual(transcodeChunk(encoding, bytes), { encoding, bytes });
    assert.equal(hasStartTimestamps(encoding), false);
  }
  for (const encoding of [4, 5, 6]) assert.equal(hasStartTimestamps(encoding), true);
  for (const [encoding, kind] of [
    [255, 'unsupported'],
    [7, 'corrupt'],
  ] as const) {
    assert.throws(
      () => transcodeChunk(encoding, bytes),
      (thrown) => kindOf(thrown) === kind,
    );
  }
});
