// The posting offset table of index version 1, whose entries are in any order, made over into the order of version 2.

import { compareUtf8 } from '../../bytes/compare.ts';
import { ByteReader } from '../../bytes/reader.ts';
import { ByteWriter } from '../../bytes/writer.ts';
import { Fault } from '../../errors/fault.ts';

interface Entry {
  readonly bytes: Uint8Array;
  readonly name: string;
  readonly value: string;
}

/** The section with its entries sorted, length field and checksum included; the bytes are new. `corrupt` when damaged. */
export function sortOffsetTable(section: Uint8Array): Uint8Array {
  const body = new ByteReader(section).section('index posting offset table');
  const count = body.be32();
  // An entry takes four bytes at least.
  if (count * 4 > body.remaining) {
    throw new Fault('corrupt', `posting offset table says ${count} in ${body.remaining} bytes`);
  }
  const entries: Entry[] = [];
  for (let i = 0; i < count; i++) {
    const from = body.offset;
    const keyCount = body.u8();
    if (keyCount !== 2) throw new Fault('corrupt', `posting offset entry ${i} has ${keyCount} keys`);
    const name = body.str();
    const value = body.str();
    body.uvarint();
    entries.push({ bytes: section.subarray(from, body.offset), name, value });
  }
  if (body.remaining > 0) throw new Fault('corrupt', `posting offset table has ${body.remaining} bytes left over`);
  entries.sort((a, b) => compareUtf8(a.name, b.name) || compareUtf8(a.value, b.value));
  const writer = new ByteWriter(section.length);
  const open = writer.openSection();
  writer.be32(count);
  for (const { bytes } of entries) writer.bytes(bytes);
  writer.closeSection(open);
  return writer.copy();
}
