// A bit stream of a chunk as memory: its bytes back to front, so that eight of them, big-endian as they are, take one plain
// load. AssemblyScript; who includes this says where the stream ends, see xor.ts.

/** The 57 bits from a position on at least; the rest of the word is zeros. */
// @ts-ignore: decorator
@inline
export function peekAt(top: usize, bit: u32): u64 {
  return load<u64>(top - 8 - (bit >>> 3)) << (bit & 7);
}

/** All 64 bits at a position. */
// @ts-ignore: decorator
@inline
export function peek64At(top: usize, bit: u32): u64 {
  const at: usize = top - 8 - (bit >>> 3);
  return (load<u64>(at) << (bit & 7)) | (<u64>load<u8>(at - 1) >> (8 - (bit & 7)));
}

/** Puts the `length` bytes at `input` back to front below `top`, in steps of 16: some bytes around them are touched. */
export function reverseTo(top: usize, input: usize, length: usize): void {
  for (let i: usize = 0; i < length; i += 16) {
    const part = v128.load(input + i);
    v128.store(top - 16 - i, v128.shuffle<u8>(part, part, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0));
  }
}
