// xxHash64, seed 0: stripes of 32 bytes into four sums, then what is left, then the mixing. AssemblyScript, compiled by
// dev/generate-kernels.mjs.
//
//   memory   INPUT

const INPUT: usize = 0;
const INPUT_BYTES: usize = 64 * 1024;

const P1: u64 = 11400714785074694791;
const P2: u64 = 14029467366897019727;
const P3: u64 = 1609587929392839161;
const P4: u64 = 9650029242287828579;
const P5: u64 = 2870177450012600261;

let a: u64 = 0;
let b: u64 = 0;
let c: u64 = 0;
let d: u64 = 0;

export function inputAt(): usize { return INPUT; }
export function inputBytes(): usize { return INPUT_BYTES; }
export function memoryEnd(): usize { return INPUT + INPUT_BYTES; }

// @ts-ignore: decorator
@inline
function round(sum: u64, word: u64): u64 { return rotl(sum + word * P2, 31) * P1; }

// @ts-ignore: decorator
@inline
function joined(hash: u64, sum: u64): u64 { return (hash ^ round(0, sum)) * P1 + P4; }

/** Before the first stripe of an input. */
export function begin(): void {
  a = P1 + P2;
  b = P2;
  c = 0;
  d = 0 - P1;
}

/** Takes the first `length` bytes of the input, a multiple of 32. */
export function stripes(length: u32): void {
  let w = a, x = b, y = c, z = d;
  for (let at: usize = INPUT; at < INPUT + length; at += 32) {
    w = round(w, load<u64>(at));
    x = round(x, load<u64>(at, 8));
    y = round(y, load<u64>(at, 16));
    z = round(z, load<u64>(at, 24));
  }
  a = w;
  b = x;
  c = y;
  d = z;
}

/** The hash, when the last bytes [from, to) of the input are fewer than 32 and `total` is how many there were in all. */
export function hash(from: u32, to: u32, total: f64): u64 {
  let h = P5;
  if (total >= 32) {
    h = rotl(a, 1) + rotl(b, 7) + rotl(c, 12) + rotl(d, 18);
    h = joined(joined(joined(joined(h, a), b), c), d);
  }
  h += <u64>total;
  let at: usize = INPUT + from;
  const end: usize = INPUT + to;
  for (; at + 8 <= end; at += 8) h = rotl(h ^ round(0, load<u64>(at)), 27) * P1 + P4;
  if (at + 4 <= end) {
    h = rotl(h ^ (<u64>load<u32>(at) * P1), 23) * P2 + P3;
    at += 4;
  }
  for (; at < end; at++) h = rotl(h ^ (<u64>load<u8>(at) * P5), 11) * P1;
  h = (h ^ (h >> 33)) * P2;
  h = (h ^ (h >> 29)) * P3;
  return h ^ (h >> 32);
}
