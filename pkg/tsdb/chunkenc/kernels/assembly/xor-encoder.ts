// Columns into float chunks (the format is drawn in ../../xor.ts), byte for byte as ../../xor-encoder.ts does. AssemblyScript;
// who includes this says where everything lies. Bits are gathered in a word and stored big-endian when it is full.

let out: usize = 0;
let word: u64 = 0;
/** Bits of the word that are free, never 0. */
let free: u32 = 64;

/** The lowest `size` bits of a value that has no others; 1 to 64 of them. */
// @ts-ignore: decorator
@inline
function put(value: u64, size: u32): void {
  if (size < free) {
    free -= size;
    word |= value << free;
    return;
  }
  const rest: u32 = size - free;
  store<u64>(out, bswap(word | (value >> rest)));
  out += 8;
  free = 64 - rest;
  // A shift by 64 would be one by 0.
  word = rest == 0 ? 0 : value << free;
}

function putVarint(value: u64): void {
  while (value >= 0x80) {
    put((value & 0x7f) | 0x80, 8);
    value >>= 7;
  }
  put(value, 8);
}

/**
 * Encodes the first `count` samples of the columns at `times` and `values`, 1 to 65535, to `output`; the size of the chunk, of
 * which there are up to seven bytes more. Times are safe integers.
 */
export function encodeXor(count: i32, times: usize, values: usize, output: usize): i32 {
  out = output;
  word = 0;
  free = 64;
  put(<u64>count, 16);
  let time: i64 = <i64>load<f64>(times);
  let value: u64 = load<u64>(values);
  putVarint((<u64>time << 1) ^ <u64>(time >> 63));
  put(value, 64);
  let delta: i64 = 0;
  let lead: u32 = 64;
  let trail: u32 = 64;
  let size: u32 = 0;
  for (let i = 1; i < count; i++) {
    const at: usize = <usize>i << 3;
    const nextTime = <i64>load<f64>(times + at);
    const nextDelta = nextTime - time;
    time = nextTime;
    if (i == 1) putVarint(<u64>nextDelta);
    else {
      const change = nextDelta - delta;
      if (change == 0) put(0, 1);
      else if (change >= -8191 && change <= 8192) put((0b10 << 14) | (<u64>change & 0x3fff), 16);
      else if (change >= -65535 && change <= 65536) put((0b110 << 17) | (<u64>change & 0x1ffff), 20);
      else if (change >= -524287 && change <= 524288) put((0b1110 << 20) | (<u64>change & 0xfffff), 24);
      else {
        put(0b1111, 4);
        put(<u64>change, 64);
      }
    }
    delta = nextDelta;

    const next = load<u64>(values + at);
    const x = next ^ value;
    value = next;
    if (x == 0) {
      put(0, 1);
      continue;
    }
    let zerosBefore: u32 = <u32>clz(x);
    if (zerosBefore > 31) zerosBefore = 31;
    const zerosAfter: u32 = <u32>ctz(x);
    // Before the first window both borders lie beyond every value's.
    if (zerosBefore >= lead && zerosAfter >= trail) {
      put(0b10, 2);
    } else {
      lead = zerosBefore;
      trail = zerosAfter;
      size = 64 - lead - trail;
      // 64 significant bits do not fit six bits and are written as 0.
      put((0b11 << 11) | (<u64>lead << 6) | <u64>(size & 63), 13);
    }
    put(x >> trail, size);
  }
  const used: u32 = 64 - free;
  if (used > 0) store<u64>(out, bswap(word));
  return <i32>(out - output) + <i32>((used + 7) >>> 3);
}
