import assert from 'node:assert/strict';
import { describe, test } from 'vitest';
import { kindOf } from '../../errors/fault.ts';
import { type GoldenHistogram, goldenHistogramText, histogramText } from '../golden-fixture.ts';
import { decodeFloatHistograms } from './float-histogram.ts';
import { decodeHistograms } from './histogram.ts';
import { histogramChunkHint } from './histogram-layout.ts';

const T = 1700000000000;
type Hint = GoldenHistogram['hint'];

/** The histograms that the contract's vectors are made of. */
function h(k: number, hint: Hint): GoldenHistogram {
  return {
    kind: 'int',
    hint,
    schema: 1,
    zeroThreshold: '0.001',
    zeroCount: String(2 + k),
    count: String(12 + 4 * k),
    sum: String(18.4 * (k + 1)),
    positiveSpans: [
      [0, 2],
      [1, 2],
    ],
    positiveBuckets: [1 + k, 1, -1, 0],
    negativeSpans: [[0, 1]],
    negativeBuckets: [3],
  };
}

function n(k: number, hint: Hint): GoldenHistogram {
  return {
    kind: 'int',
    hint,
    schema: -53,
    zeroThreshold: '0',
    zeroCount: '0',
    count: String(6 + 3 * k),
    sum: String(12.5 + k),
    positiveSpans: [
      [0, 2],
      [1, 1],
    ],
    positiveBuckets: [1 + k, 1, 0],
    customValues: ['0.005', '0.1', '1', '33554.43', '0.1234567'],
  };
}

/** The same with absolute counts. */
function float(histogram: GoldenHistogram): GoldenHistogram {
  const absolute = (deltas: readonly (number | string)[] = []) => {
    let count = 0;
    return deltas.map((delta) => String((count += Number(delta))));
  };
  return {
    ...histogram,
    kind: 'float',
    positiveBuckets: absolute(histogram.positiveBuckets),
    negativeBuckets: absolute(histogram.negativeBuckets),
  };
}

const stale: GoldenHistogram = {
  kind: 'int',
  hint: 'unknown',
  schema: 0,
  zeroThreshold: '0',
  zeroCount: '0',
  count: '0',
  sum: 'StaleNaN',
};
const layout = '00ff3f50624dd2f1a9fc8ca4946317f0000c5e7f2b40';

const vectors: [what: string, encoding: 2 | 3, header: Hint, times: number[], GoldenHistogram[], hex: string][] = [
  ['one', 2, 'unknown', [0], [h(0, 'unknown')], `0001${layout}063248064cccccccccccd18dd3`],
  [
    'three',
    2,
    'unknown',
    [0, 15000, 30000],
    [h(0, 'unknown'), h(1, 'notreset'), h(2, 'notreset')],
    `0003${layout}063248064cccccccccccd18dd3f83a98a47487e2036693fffffffffffe00`,
  ],
  [
    'gauges',
    2,
    'gauge',
    [0, 15000],
    [h(2, 'gauge'), h(0, 'gauge')],
    '0002c0ff3f50624dd2f1a9fc8ca4946317f0000c5e7f2b4006528809733333333333338dd3f83a98dc5b4efe7fffffffffffec00',
  ],
  [
    'a chunk after a reset',
    2,
    'reset',
    [0],
    [h(0, 'unknown')],
    `0001${layout.replace(/^00/, '80')}063248064cccccccccccd18dd3`,
  ],
  [
    'one and a stale marker',
    2,
    'unknown',
    [0, 15000],
    [h(0, 'unknown'), stale],
    `0002${layout}063248064cccccccccccd18dd3f83a983179fe13333333333320`,
  ],
  ['a stale marker alone', 2, 'unknown', [0], [stale], '000100001fc0003179fcad0003ff80000000000010'],
  [
    'a chunk cut without a reset',
    2,
    'notreset',
    [15000],
    [h(1, 'unknown')],
    '000140ff3f50624dd2f1a9fc8ca4946317f0000c5e7f2d14c64268084cccccccccccd28dd3',
  ],
  [
    'a layout that was widened',
    2,
    'unknown',
    [0, 15000],
    [
      {
        ...h(0, 'unknown'),
        positiveSpans: [
          [0, 3],
          [0, 2],
        ],
        positiveBuckets: [1, 1, -2, 1, 0],
      },
      {
        ...h(1, 'notreset'),
        positiveSpans: [
          [0, 3],
          [0, 2],
        ],
        positiveBuckets: [2, 1, -2, 1, 0],
      },
    ],
    '000200ff3f50624dd2f1a9fc8ca692317f0000c5e7f2b40063248064cccccccccccd18da29fc1d4c523a43f100',
  ],
  [
    'custom bounds',
    2,
    'unknown',
    [0, 15000],
    [n(0, 'unknown'), n(1, 'notreset')],
    '00020000ee5ca48c55b7197c7d3fbfffffe3fbf9adbb8f8da72fe00018bcfe56800b100a4000000000002317c1d4c4db81c4',
  ],
  [
    'three of floats',
    3,
    'unknown',
    [0, 15000, 30000],
    [float(h(0, 'unknown')), float(h(1, 'notreset')), float(h(2, 'notreset'))],
    `0003${layout}02014000000000000200000000000000020193333333333331ff800000000000020000000000000001ff80000000000001ff800000000000020040000000000007c1d4c6b0bd80f487f097fff603c25fffc25fff3683d617b349ffffffffffffd80f585ec07b0180`,
  ],
  [
    'custom bounds of floats',
    3,
    'unknown',
    [0, 15000],
    [float(n(0, 'unknown')), float(n(1, 'notreset'))],
    '00020000ee5ca48c55b7197c7d3fbfffffe3fbf9adbb8f8da72fe00018bcfe568004018000000000000000000000000000040290000000000003ff000000000000040000000000000004000000000000000f83a98d42f5b81e12fffec07b0180',
  ],
  [
    'floats and a stale marker',
    3,
    'unknown',
    [0, 15000],
    [float(h(0, 'unknown')), { ...stale, kind: 'float' }],
    `0002${layout}02014000000000000200000000000000020193333333333331ff800000000000020000000000000001ff80000000000001ff800000000000020040000000000007c1d4c6132017083c5e7f84ccccccccccc8`,
  ],
  [
    'gauges of floats',
    3,
    'gauge',
    [0, 15000],
    [float(h(2, 'gauge')), float(h(0, 'gauge'))],
    '0002c0ff3f50624dd2f1a9fc8ca4946317f0000c5e7f2b400201a00000000000020080000000000002025cccccccccccca00400000000000020080000000000002004000000000000200400000000000020040000000000007c1d4c6b0feb07a77f3ffffffffffff84cfffd60f099fff84cfff00',
  ],
];

describe('histogram chunks of the reference', () => {
  for (const [what, encoding, header, times, histograms, hex] of vectors) {
    test(`${what} (encoding ${encoding})`, () => {
      const bytes = Buffer.from(`aabb${hex}`, 'hex');
      const decode = encoding === 2 ? decodeHistograms : decodeFloatHistograms;
      const samples = decode(bytes, 2, bytes.length - 2);
      assert.deepEqual(
        samples.map(histogramText),
        histograms.map((histogram, i) => goldenHistogramText(T + times[i], histogram)),
      );
      const hint = histogramChunkHint(bytes, 2, bytes.length - 2);
      assert.equal(hint.replace('-', ''), header);
    });

    test(`${what} (encoding ${encoding}), cut off, is corrupt`, () => {
      const bytes = Buffer.from(hex, 'hex');
      const decode = encoding === 2 ? decodeHistograms : decodeFloatHistograms;
      for (let length = 0; length < bytes.length - 1; length++) {
        assert.throws(
          () => decode(bytes, 0, length),
          (thrown) => kindOf(thrown) === 'corrupt',
        );
      }
    });
  }

  test('a span that claims more buckets than there are bits is refused before it allocates', () => {
    // Schema 0, one span whose length is all ones, offset 0.
    const bytes = Buffer.from('00010000bfffffffffffffffffff000000000000000000000000', 'hex');
    for (const decode of [decodeHistograms, decodeFloatHistograms]) {
      assert.throws(
        () => decode(bytes, 0, bytes.length),
        (thrown) => kindOf(thrown) === 'corrupt',
      );
    }
  });
});
