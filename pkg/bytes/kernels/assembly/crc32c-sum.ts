// CRC-32C (Castagnoli), sixteen bytes a step, over any part of the memory. AssemblyScript, for kernels that sum up.
//
//   memory   TABLES sixteen of 256 words │ the kernel's own

const TABLE_BYTES: usize = 1024;
/** Where the tables end. */
export const TABLES_END: usize = 16 * TABLE_BYTES;

/** Once, before any sum. Table t: what a byte does to the sum when t more bytes follow it in its step. */
export function makeTables(): void {
  for (let i: u32 = 0; i < 256; i++) {
    let crc = i;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
    store<u32>(<usize>i << 2, crc);
  }
  for (let i: u32 = 256; i < 4096; i++) {
    const before = load<u32>(<usize>(i - 256) << 2);
    store<u32>(<usize>i << 2, (before >>> 8) ^ load<u32>(<usize>(before & 0xff) << 2));
  }
}

/** The sum of the bytes from one address to another, going on from `previous`. */
export function sumBetween(from: usize, end: usize, previous: u32): u32 {
  let crc = ~previous;
  let at = from;
  for (; at + 16 <= end; at += 16) {
    const a = load<u64>(at) ^ crc;
    const b = load<u64>(at, 8);
    crc =
      load<u32>(<usize>((a << 2) & 0x3fc), 15 * TABLE_BYTES) ^
      load<u32>(<usize>((a >> 6) & 0x3fc), 14 * TABLE_BYTES) ^
      load<u32>(<usize>((a >> 14) & 0x3fc), 13 * TABLE_BYTES) ^
      load<u32>(<usize>((a >> 22) & 0x3fc), 12 * TABLE_BYTES) ^
      load<u32>(<usize>((a >> 30) & 0x3fc), 11 * TABLE_BYTES) ^
      load<u32>(<usize>((a >> 38) & 0x3fc), 10 * TABLE_BYTES) ^
      load<u32>(<usize>((a >> 46) & 0x3fc), 9 * TABLE_BYTES) ^
      load<u32>(<usize>((a >> 54) & 0x3fc), 8 * TABLE_BYTES) ^
      load<u32>(<usize>((b << 2) & 0x3fc), 7 * TABLE_BYTES) ^
      load<u32>(<usize>((b >> 6) & 0x3fc), 6 * TABLE_BYTES) ^
      load<u32>(<usize>((b >> 14) & 0x3fc), 5 * TABLE_BYTES) ^
      load<u32>(<usize>((b >> 22) & 0x3fc), 4 * TABLE_BYTES) ^
      load<u32>(<usize>((b >> 30) & 0x3fc), 3 * TABLE_BYTES) ^
      load<u32>(<usize>((b >> 38) & 0x3fc), 2 * TABLE_BYTES) ^
      load<u32>(<usize>((b >> 46) & 0x3fc), TABLE_BYTES) ^
      load<u32>(<usize>((b >> 54) & 0x3fc));
  }
  for (; at < end; at++) crc = (crc >>> 8) ^ load<u32>(<usize>((crc ^ load<u8>(at)) & 0xff) << 2);
  return ~crc;
}
