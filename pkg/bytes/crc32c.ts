// CRC-32C (Castagnoli): reflected, all ones in and out. Sixteen tables of 256 words take sixteen bytes a step, which keeps
// the sum synchronous and is quicker for a chunk of some hundred bytes than a call into a compiled library.

/** Table t, at 256 * t: what a byte does to the sum when t more bytes follow it in its step. */
const table = makeTable();

/** The checksum of bytes [from, to). Pass an earlier result as `previous` to continue it over more bytes. */
export function crc32c(bytes: Uint8Array, from = 0, to = bytes.length, previous = 0): number {
  return signedCrc32c(bytes, from, to, previous) >>> 0;
}

/** The same bits as a signed number: to compare with, where a number past 2^31 made for each chunk would add up. */
export function signedCrc32c(bytes: Uint8Array, from: number, to: number, previous = 0): number {
  const t = table;
  let crc = ~previous;
  let i = from;
  for (const last = to - 16; i <= last; i += 16) {
    // Only the first four bytes meet the sum so far; the others do not wait for it.
    const rest =
      t[0xb00 + bytes[i + 4]] ^
      t[0xa00 + bytes[i + 5]] ^
      t[0x900 + bytes[i + 6]] ^
      t[0x800 + bytes[i + 7]] ^
      t[0x700 + bytes[i + 8]] ^
      t[0x600 + bytes[i + 9]] ^
      t[0x500 + bytes[i + 10]] ^
      t[0x400 + bytes[i + 11]] ^
      t[0x300 + bytes[i + 12]] ^
      t[0x200 + bytes[i + 13]] ^
      t[0x100 + bytes[i + 14]] ^
      t[bytes[i + 15]];
    crc =
      rest ^
      t[0xf00 + (bytes[i] ^ (crc & 0xff))] ^
      t[0xe00 + (bytes[i + 1] ^ ((crc >>> 8) & 0xff))] ^
      t[0xd00 + (bytes[i + 2] ^ ((crc >>> 16) & 0xff))] ^
      t[0xc00 + (bytes[i + 3] ^ (crc >>> 24))];
  }
  for (; i < to; i++) crc = (crc >>> 8) ^ t[(crc ^ bytes[i]) & 0xff];
  return ~crc;
}

function makeTable(): Int32Array {
  const made = new Int32Array(16 * 256);
  for (let i = 0; i < 256; i++) {
    let crc = i;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
    made[i] = crc;
  }
  for (let i = 256; i < made.length; i++) made[i] = (made[i - 256] >>> 8) ^ made[made[i - 256] & 0xff];
  return made;
}
