import assert from 'node:assert/strict';
import { describe, test } from 'vitest';
import { kindOf } from '../../errors/fault.ts';
import { SampleBuffer } from '../../storage/sample-columns.ts';
import { columnsText, floatBits } from '../golden-fixture.ts';
import { decodeXorChunk } from './decode.ts';
import { decodeXor, encodeXor } from './xor.ts';
import { XorEncoder } from './xor-encoder.ts';
import { decodeXorWide } from './xor-wide.ts';

const T = 1700000000000;
type Sample = readonly [time: number, value: string];

function every15(values: readonly string[]): Sample[] {
  return values.map((value, i) => [T + i * 15000, value]);
}

/** Written by the reference's encoder. */
const vectors: [what: string, samples: readonly Sample[], hex: string][] = [
  ['one sample', [[T, '1']], '000180a0abfef9623ff0000000000000'],
  [
    'two equal values',
    [
      [T, '1'],
      [T + 15000, '1'],
    ],
    '000280a0abfef9623ff0000000000000987500',
  ],
  [
    'a jittered time',
    [
      [T, '12'],
      [T + 15000, '12'],
      [T + 30000, '24'],
      [T + 45000, '13'],
      [T + 60001, '24'],
    ],
    '000580a0abfef9624028000000000000987535836b12600069',
  ],
  [
    'odd values',
    every15(['0', '+Inf', '-Inf', 'NaN', 'StaleNaN', '-0', '5e-324', '1.7976931348623157e308']),
    '000880a0abfef96200000000000000009875c25fff6006c004004000000000000a00080000000000035ffe0000000000004a00000000000000053ff7ffffffffffff00',
  ],
  [
    'a negative time',
    [
      [-1, '-1.5'],
      [0, '2.5'],
      [1, '3.25'],
    ],
    '000301bff800000000000001c077ffed81f0',
  ],
  [
    'two values',
    [
      [0, '1'],
      [1000, '2'],
    ],
    '0002003ff0000000000000e807c25fff',
  ],
  [
    'many significant bits',
    [
      [0, String(Math.PI)],
      [1000, String(Math.E)],
      [2000, String(Math.SQRT2)],
      [3000, String(Math.SQRT2)],
    ],
    '000400400921fb54442d18e807d9a64f78efa83d38b0fbffcc7e53b5adb290',
  ],
  ...(
    [
      [0, '00'],
      [1, '400080'],
      [-1, '5fff80'],
      [8192, '500000'],
      [-8191, '500080'],
      [-8192, '6f0000'],
      [8193, '610008'],
      [65536, '680000'],
      [-65535, '680008'],
      [-65536, '77800000'],
      [65537, '70800080'],
      [524288, '74000000'],
      [-524287, '74000080'],
      [-524288, '7fffffffffffc00000'],
      [524289, '780000000000400008'],
    ] as const
  ).map(([change, tail]): [string, readonly Sample[], string] => [
    `a step that changes by ${change}`,
    [
      [0, '1'],
      [1e7, '1'],
      [2e7 + change, '1'],
    ],
    `0003003ff000000000000080ade204${tail}`,
  ]),
];

const decoders = [
  ['plain', decodeXor],
  ['picked', decodeXorChunk],
  ['wide', decodeXorWide],
] as const;

describe('float chunks of the reference', () => {
  for (const [what, samples, hex] of vectors) {
    test(`${what}: written byte for byte`, () => assert.equal(Buffer.from(encode(samples)).toString('hex'), hex));
    for (const [name, decode] of decoders) {
      test(`${what}: read by the ${name} decoder`, () => assert.deepEqual(read(decode, hex), text(samples)));
    }
  }

  for (const [name, decode] of decoders) {
    test(`an encoder resumed on an old chunk may reuse the window 0/0 (${name})`, () => {
      assert.deepEqual(
        read(decode, '0002003ff0000000000000e8079ffc00000000000000'),
        text([
          [0, '1'],
          [1000, '2'],
        ]),
      );
    });
  }
});

describe('chunks are read wherever they lie', () => {
  test('in the middle and at the very end of a larger array, after samples that are there already', () => {
    const [, samples, hex] = vectors[3];
    const chunk = Buffer.from(hex, 'hex');
    for (const after of [0, 1, 31, 32, 100]) {
      const bytes = new Uint8Array(7 + chunk.length + after).fill(0xff);
      bytes.set(chunk, 7);
      for (const [, decode] of decoders) {
        const into = new SampleBuffer(1);
        into.push(1, 2);
        decode(bytes, 7, chunk.length, into);
        assert.deepEqual(columnsText(into, 1), text(samples));
      }
    }
  });

  test('times near the limits of 64 bits wrap as the reference does', () => {
    const encoder = new XorEncoder();
    encoder.push(-9007199254740991, 0, 0);
    encoder.push(9007199254740990, 0, 1);
    encoder.push(-5, 0, 1);
    const bytes = encoder.bytes();
    for (const [, decode] of decoders) {
      const into = new SampleBuffer();
      decode(bytes, 0, bytes.length, into);
      assert.deepEqual([...into.times.subarray(0, 3)], [-9007199254740991, 9007199254740990, -5]);
    }
  });

  test('65535 samples fit a chunk', () => {
    const samples = new SampleBuffer();
    for (let i = 0; i < 65535; i++) samples.push(i * 1000 + (i % 7), i % 3 === 0 ? Math.sin(i) : i);
    const bytes = encodeXor(samples);
    for (const decode of [decodeXor, decodeXorChunk]) {
      const into = new SampleBuffer();
      decode(bytes, 0, bytes.length, into);
      assert.equal(columnsText(into).join('\n'), columnsText(samples).join('\n'));
    }
  });
});

describe('a damaged chunk is corrupt and leaves nothing behind', () => {
  const full = Buffer.from(vectors[3][2], 'hex');
  for (const [what, bytes] of [
    ['nothing', Buffer.alloc(0)],
    ['one byte', full.subarray(0, 1)],
    ['a count alone', full.subarray(0, 2)],
    ['a count the bytes cannot hold', Buffer.concat([Buffer.from('ffff', 'hex'), full.subarray(2)])],
    ['the last bytes cut off', full.subarray(0, full.length - 3)],
    ['an endless number', Buffer.from(`0002${'ff'.repeat(40)}`, 'hex')],
    ['a window of more than 64 bits', Buffer.from('0003003ff0000000000000e807ffffffffffffffffffffffff', 'hex')],
  ] as const) {
    for (const [name, decode] of decoders) {
      test(`${what} (${name})`, () => {
        const into = new SampleBuffer();
        into.push(1, 1);
        assert.throws(
          () => decode(bytes, 0, bytes.length, into),
          (thrown) => kindOf(thrown) === 'corrupt',
        );
        assert.equal(into.length, 1);
      });
    }
  }
});

function encode(samples: readonly Sample[]): Uint8Array {
  const encoder = new XorEncoder();
  for (const [time, value] of samples) {
    const bits = floatBits(value);
    encoder.push(time, Number.parseInt(bits.slice(0, 8), 16), Number.parseInt(bits.slice(8), 16));
  }
  return encoder.bytes();
}

function read(decode: typeof decodeXor, hex: string): string[] {
  const bytes = Buffer.from(hex, 'hex');
  const into = new SampleBuffer();
  decode(bytes, 0, bytes.length, into);
  return columnsText(into);
}

function text(samples: readonly Sample[]): string[] {
  return samples.map(([time, value]) => `${time} ${floatBits(value)}`);
}
