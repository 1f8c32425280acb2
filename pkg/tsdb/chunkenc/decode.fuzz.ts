// Damaged and random chunks: both float decoders say the same, samples or `corrupt`; histogram decoders answer or refuse.

import assert from 'node:assert/strict';
import { describe, test } from 'vitest';
import { kindOf } from '../../errors/fault.ts';
import { lowerBound, SampleBuffer } from '../../storage/sample-columns.ts';
import { columnsText } from '../golden-fixture.ts';
import { applyCounterResets, newCounterState } from './counter-resets.ts';
import { columnDecoder, decodeXorChunk, decodeXorCounter } from './decode.ts';
import { decodeFloatHistograms } from './float-histogram.ts';
import { decodeHistograms } from './histogram.ts';
import { decodeXor, encodeXor } from './xor.ts';

let seed = 1;
function random(below: number): number {
  seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
  return Math.floor((seed / 2 ** 32) * below);
}

/** Columns of every sort of step and value, NaNs with payloads included. */
function randomColumns(): SampleBuffer {
  const columns = new SampleBuffer(8);
  const count = 1 + random(200);
  const style = random(5);
  let time = random(3) === 0 ? -random(1e9) : 1.7e12 + random(1e9);
  let value = random(1000);
  for (let i = 0; i < count; i++) {
    columns.push(time, value);
    const at = 2 * i;
    if (random(30) === 0) {
      columns.words[at + 1] = 0x7ff00000 + random(0x100000);
      columns.words[at] = random(2 ** 32) + 1;
    }
    const jump = random(12);
    time += 15000 + (jump === 0 ? random(50) : jump === 1 ? random(1e6) : jump === 2 ? random(2 ** 40) : 0);
    if (style === 0) value += random(100);
    else if (style === 1) value = Math.random();
    else if (style === 2) value = random(4) === 0 ? 0 : value + 1;
    else if (style === 3) value = random(2);
    else value = -value * 1.5;
  }
  return columns;
}

function outcome(decode: () => string[]): string {
  try {
    return decode().join('\n');
  } catch (thrown) {
    assert.equal(kindOf(thrown), 'corrupt', String(thrown));
    return 'corrupt';
  }
}

function decoded(decode: typeof decodeXor, bytes: Uint8Array): string {
  return outcome(() => {
    const into = new SampleBuffer(1);
    decode(bytes, 0, bytes.length, into);
    return columnsText(into);
  });
}

function damaged(bytes: Uint8Array): Uint8Array {
  let copy = bytes.slice();
  for (let n = 1 + random(4); n > 0; n--) copy[random(copy.length)] = random(256);
  if (random(3) === 0) copy = copy.subarray(0, random(copy.length + 1));
  return copy;
}

describe('float chunks', () => {
  test('what is written is read back by both decoders, bit for bit', () => {
    for (let i = 0; i < 600; i++) {
      const columns = randomColumns();
      const bytes = encodeXor(columns);
      const expected = columnsText(columns).join('\n');
      assert.equal(decoded(decodeXor, bytes), expected);
      assert.equal(decoded(decodeXorChunk, bytes), expected);
    }
  });

  test('of damaged chunks both decoders make the same', () => {
    let refused = 0;
    for (let i = 0; i < 1500; i++) {
      const bytes = damaged(encodeXor(randomColumns()));
      const plain = decoded(decodeXor, bytes);
      assert.equal(decoded(decodeXorChunk, bytes), plain);
      if (plain === 'corrupt') refused++;
    }
    assert.ok(refused > 150 && refused < 1450, `${refused} refused`);
  });

  test('random bytes too', () => {
    for (let i = 0; i < 1500; i++) {
      const bytes = Uint8Array.from({ length: random(400) }, () => random(256));
      if (bytes.length > 1) bytes[0] = 0;
      assert.equal(decoded(decodeXorChunk, bytes), decoded(decodeXor, bytes));
    }
  });

  test('counter resets come out the same while decoding and over columns, chunk after chunk', () => {
    for (let i = 0; i < 200; i++) {
      const stateA = newCounterState();
      const stateB = newCounterState();
      const a = new SampleBuffer();
      const b = new SampleBuffer();
      for (let chunk = 0; chunk < 3; chunk++) {
        const columns = randomColumns();
        const bytes = encodeXor(columns);
        applyCounterResets(columns, stateA, a);
        decodeXorCounter(bytes, 0, bytes.length, stateB, b);
        assert.deepEqual(stateB, stateA);
      }
      assert.deepEqual(columnsText(b), columnsText(a));
    }
  });

  test('a column of chunks comes out as chunk by chunk, less what is not after the last sample', () => {
    for (let i = 0; i < 200; i++) {
      // Some chunks share their bytes, as those of a frame do, and the last column is longer than the kernel's.
      const encoded = Array.from({ length: i === 199 ? 1000 : 5 }, () => encodeXor(randomColumns()));
      const frame = Uint8Array.from(Buffer.concat(encoded));
      const expected = new SampleBuffer();
      for (const bytes of encoded) {
        const one = new SampleBuffer();
        decodeXorChunk(bytes, 0, bytes.length, one);
        const { times, length } = expected;
        expected.pushColumns(one, length === 0 ? 0 : lowerBound(one.times, one.length, times[length - 1] + 1));
      }
      const got = new SampleBuffer();
      columnDecoder.begin();
      for (let c = 0, offset = 0; c < encoded.length; offset += encoded[c++].length) {
        if (random(2) === 0) columnDecoder.add(frame, offset, encoded[c].length, got, 0);
        else columnDecoder.add(encoded[c], 0, encoded[c].length, got, 0);
        if (random(10) > 0) continue;
        // Somebody else's chunk in between, once all is handed over.
        columnDecoder.finish(got);
        decodeXorChunk(encoded[0], 0, encoded[0].length, new SampleBuffer());
      }
      columnDecoder.finish(got);
      assert.deepEqual(columnsText(got), columnsText(expected));
    }
  });

  test('a column is plain as long as its samples are numbers at ascending times', () => {
    let plainCount = 0;
    for (let i = 0; i < 600; i++) {
      const columns = new SampleBuffer();
      const numbers = i % 2 === 0;
      for (let n = random(60), time = -50; n >= 0; n--) {
        time += i % 3 === 0 && random(40) === 0 ? -random(2) : 1 + random(30);
        if (!numbers && random(30) === 0) columns.pushStale(time);
        else columns.push(time, !numbers && random(30) === 0 ? Number.NaN : random(5) - 2);
      }
      const bytes = encodeXor(columns);
      const expected = isPlain(columns);
      if (expected) plainCount++;
      const got = new SampleBuffer();
      columnDecoder.begin();
      columnDecoder.add(bytes, 0, bytes.length, got, 0);
      assert.ok(columnDecoder.holdsPlain === expected);
      columnDecoder.finish(got);
    }
    assert.ok(plainCount > 100 && plainCount < 500, String(plainCount));
  });

  test('a column of counter chunks comes out as chunk by chunk', () => {
    for (let i = 0; i < 100; i++) {
      const chunks = Array.from({ length: 5 }, () => encodeXor(randomColumns()));
      const stateA = newCounterState();
      const stateB = newCounterState();
      const a = new SampleBuffer();
      const b = new SampleBuffer();
      for (const bytes of chunks) decodeXorCounter(bytes, 0, bytes.length, stateA, a);
      columnDecoder.begin();
      for (const bytes of chunks) columnDecoder.addCounter(bytes, 0, bytes.length, stateB, b);
      assert.deepEqual(stateB, stateA);
      columnDecoder.finish(b);
      assert.deepEqual(columnsText(b), columnsText(a));
    }
  });
});

test('damaged histogram chunks are read or corrupt', () => {
  const chunks = [
    '000300ff3f50624dd2f1a9fc8ca4946317f0000c5e7f2b40063248064cccccccccccd18dd3f83a98a47487e2036693fffffffffffe00',
    '00020000ee5ca48c55b7197c7d3fbfffffe3fbf9adbb8f8da72fe00018bcfe56800b100a4000000000002317c1d4c4db81c4',
    '0002c0ff3f50624dd2f1a9fc8ca4946317f0000c5e7f2b400201a00000000000020080000000000002025cccccccccccca00400000000000020080000000000002004000000000000200400000000000020040000000000007c1d4c6b0feb07a77f3ffffffffffff84cfffd60f099fff84cfff00',
  ].map((hex) => Buffer.from(hex, 'hex'));
  let refused = 0;
  for (let i = 0; i < 1500; i++) {
    const bytes = damaged(chunks[i % chunks.length]);
    // A count that the bits still hold is not damage one can see, but it takes long.
    if (bytes.length > 0) bytes[0] = 0;
    for (const decode of [decodeHistograms, decodeFloatHistograms]) {
      if (outcome(() => decode(bytes, 0, bytes.length).map(() => '')) === 'corrupt') refused++;
    }
  }
  assert.ok(refused > 500);
});

function isPlain({ times, values, length }: SampleBuffer): boolean {
  for (let n = 0; n < length; n++) if (Number.isNaN(values[n]) || (n > 0 && times[n] <= times[n - 1])) return false;
  return true;
}
