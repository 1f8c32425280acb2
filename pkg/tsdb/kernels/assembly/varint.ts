// Numbers of seven bits a byte. AssemblyScript.

/** What `readVarint` read. */
export let varint: u64 = 0;

/** Longer numbers than any that a sound block has. */
const MOST_BYTES: usize = 8;

/** Where the number at `at` ends; 0 when it reaches past `stop`, or is longer than numbers are. */
export function readVarint(at: usize, stop: usize): usize {
  let value: u64 = 0;
  let shift: u64 = 0;
  const most = min(stop, at + MOST_BYTES);
  for (let i = at; i < most; i++) {
    const byte = load<u8>(i);
    value |= (<u64>(byte & 0x7f)) << shift;
    if (byte < 0x80) {
      varint = value;
      return i + 1;
    }
    shift += 7;
  }
  return 0;
}

/** Writes a number and says where it ends. */
export function writeVarint(at: usize, value: u64): usize {
  let rest = value;
  let i = at;
  for (; rest >= 0x80; i++) {
    store<u8>(i, <u8>(rest | 0x80));
    rest >>= 7;
  }
  store<u8>(i, <u8>rest);
  return i + 1;
}

export function zigzag(value: i64): u64 {
  return <u64>((value << 1) ^ (value >> 63));
}

export function unzigzag(value: u64): i64 {
  return <i64>(value >> 1) ^ -<i64>(value & 1);
}
