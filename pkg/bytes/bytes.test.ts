import assert from 'node:assert/strict';
import { describe, test } from 'vitest';
import { kindOf } from '../errors/fault.ts';
import { MemorySource } from './byte-source.ts';
import { crc32c } from './crc32c.ts';
import { ByteReader } from './reader.ts';
import { decodeUtf8, encodeUtf8 } from './utf8.ts';
import { readUvarint, unzigzag, uvarintSize, varintEnd } from './varint.ts';
import { ByteWriter } from './writer.ts';
import { xxhash64 } from './xxhash.ts';

const isCorrupt = (thrown: unknown): boolean => kindOf(thrown) === 'corrupt';
const numbers = [
  0,
  1,
  127,
  128,
  300,
  16383,
  16384,
  2 ** 21,
  2 ** 28 - 1,
  2 ** 28,
  2 ** 31,
  2 ** 32,
  2 ** 35,
  2 ** 42,
  2 ** 49,
];

describe('crc32c', () => {
  const text = encodeUtf8('123456789');

  test('has the check value of its definition', () => assert.equal(crc32c(text), 0xe3069283));

  test('of nothing is 0, and it can be taken over a part or continued', () => {
    assert.equal(crc32c(new Uint8Array(0)), 0);
    assert.equal(crc32c(encodeUtf8('xx123456789y'), 2, 11), 0xe3069283);
    for (let cut = 0; cut <= 9; cut++) assert.equal(crc32c(text, cut, 9, crc32c(text, 0, cut)), 0xe3069283);
  });

  test('of long input is that of the bit by bit definition', () => {
    const bytes = Uint8Array.from({ length: 1003 }, (_, i) => (i * 7919) >>> 3);
    let crc = 0xffffffff;
    for (const byte of bytes) {
      crc ^= byte;
      for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
    }
    assert.equal(crc32c(bytes), ~crc >>> 0);
  });
});

describe('xxhash64', () => {
  for (const [what, bytes, hash] of [
    ['nothing', '', 17241709254077376921n],
    ['the labels {foo="bar"}', '666f6fff626172ff', 652657311551584548n],
  ] as const) {
    test(`of ${what}`, () => assert.equal(xxhash64(Buffer.from(bytes, 'hex')), hash));
  }

  // What another implementation says: every part of the last stripe, and inputs of more than one piece.
  for (const [length, hash] of [
    [47, 13529313369987255146n],
    [65_536, 15699268539853410973n],
    [200_001, 9757027089797996462n],
  ] as const) {
    test(`of ${length} bytes`, () => {
      const bytes = Uint8Array.from({ length }, (_, i) => Math.imul(i, 2654435761) >>> 13);
      assert.equal(xxhash64(bytes), hash);
    });
  }
});

describe('what a writer writes, a reader reads', () => {
  test('numbers of every size', () => {
    const writer = new ByteWriter(1);
    for (const number of [...numbers, Number.MAX_SAFE_INTEGER]) {
      const before = writer.length;
      writer.uvarint(number);
      assert.equal(writer.length - before, uvarintSize(number));
      writer.varint(number);
      writer.varint(-number);
      writer.be64(number);
      writer.uvarintBig(BigInt(number));
      writer.varintBig(BigInt(-number));
    }
    writer.u8(255);
    writer.be16(65534);
    writer.be32(0xfffffffe);
    writer.f64(-1.5);
    writer.be64Big(2n ** 64n - 1n);
    writer.uvarintBig(2n ** 64n - 1n);
    writer.varintBig(-(2n ** 63n));
    const reader = new ByteReader(writer.copy());
    for (const number of [...numbers, Number.MAX_SAFE_INTEGER]) {
      assert.equal(reader.uvarint(), number);
      assert.equal(reader.varint(), number);
      assert.equal(reader.varint(), 0 - number);
      assert.equal(reader.be64(), number);
      assert.equal(reader.uvarintBig(), BigInt(number));
      assert.equal(reader.varintBig(), BigInt(-number));
    }
    assert.deepEqual([reader.u8(), reader.be16(), reader.be32(), reader.f64()], [255, 65534, 0xfffffffe, -1.5]);
    assert.equal(reader.be64Big(), 2n ** 64n - 1n);
    assert.equal(reader.uvarintBig(), 2n ** 64n - 1n);
    assert.equal(reader.varintBig(), -(2n ** 63n));
    assert.ok(reader.atEnd);
  });

  test('texts of every width, also ones that only begin as ASCII', () => {
    const texts = [
      '',
      'a',
      'é',
      'plain text that is longer than what the short way takes',
      'ab€',
      '\u{1f600}x',
      '\ufeffbom',
      'x'.repeat(300),
    ];
    const writer = new ByteWriter(1);
    for (const text of texts) writer.str(text);
    const reader = new ByteReader(writer.written);
    for (const text of texts) assert.equal(reader.str(), text);
    for (const text of texts) assert.equal(decodeUtf8(encodeUtf8(text)), text);
  });

  test('padding and checksummed sections', () => {
    const writer = new ByteWriter();
    writer.u8(1);
    writer.pad(16, 5);
    assert.equal(writer.length, 11);
    writer.pad(16, 5);
    assert.equal(writer.length, 11);
    const body = writer.openSection();
    writer.str('inside');
    writer.closeSection(body);
    const bytes = writer.copy();
    const reader = new ByteReader(bytes, 11);
    assert.equal(reader.section('test').str(), 'inside');
    assert.ok(reader.atEnd);
    bytes[17] ^= 1;
    assert.throws(
      () => new ByteReader(bytes, 11).section('test'),
      (thrown) => isCorrupt(thrown) && /test: checksum is [0-9a-f]{8}, expected [0-9a-f]{8}/.test(String(thrown)),
    );
  });
});

describe('a reader refuses', () => {
  for (const [what, hex, read] of [
    ['a byte past the end', '', (reader) => reader.u8()],
    ['four bytes of three', '010203', (reader) => reader.be32()],
    ['a varint without an end', '8080', (reader) => reader.uvarint()],
    ['a varint of eleven bytes', '8080808080808080808001', (reader) => reader.uvarintBig()],
    ['a varint of more than 64 bits', 'ffffffffffffffffff02', (reader) => reader.uvarintBig()],
    ['a varint past the safe integers', '808080808080808001', (reader) => reader.uvarint()],
    ['a signed varint past the safe integers', 'ffffffffffffffffff01', (reader) => reader.varint()],
    ['a 64-bit number past the safe integers', '0020000000000000', (reader) => reader.be64()],
    ['a text longer than the bytes', '0561', (reader) => reader.str()],
    ['a section longer than the bytes', '000000ff00000000', (reader) => reader.section('x')],
    ['a view longer than the bytes', '0102', (reader) => reader.view(3)],
    ['to seek past the end', '0102', (reader) => reader.seek(3)],
  ] as readonly [string, string, (reader: ByteReader) => unknown][]) {
    test(what, () => assert.throws(() => read(new ByteReader(Buffer.from(hex, 'hex'))), isCorrupt));
  }

  test('a range outside of its bytes', () => {
    assert.throws(() => new ByteReader(new Uint8Array(4), 2, 5), isCorrupt);
    assert.throws(() => new MemorySource(new Uint8Array(4)).read(2, 3), isCorrupt);
    assert.throws(() => new MemorySource(new Uint8Array(4)).read(-1, 1), isCorrupt);
  });
});

test('varints on plain arrays say where they ended and respect their end', () => {
  const bytes = Uint8Array.of(0x80, 0x01, 0x05);
  assert.equal(readUvarint(bytes, 0, 3), 128);
  assert.equal(varintEnd, 2);
  assert.throws(() => readUvarint(bytes, 0, 1), isCorrupt);
  assert.throws(() => readUvarint(bytes, 3, 3), isCorrupt);
  assert.deepEqual(
    [0, 1, 2, 3, 4].map(unzigzag).map((value) => value + 0),
    [0, -1, 1, -2, 2],
  );
});
