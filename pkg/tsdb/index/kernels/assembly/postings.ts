// Decodes posting lists (drawn in ../../posting-list.ts). AssemblyScript, compiled by dev/generate-kernels.mjs.
//
//   memory   INPUT big-endian ids │ IDS

const MAX_IDS: usize = 262144;
const INPUT: usize = 4096;
const IDS: usize = INPUT + MAX_IDS * 4;

export function inputAt(): usize { return INPUT; }
export function idsAt(): usize { return IDS; }
export function maxIds(): usize { return MAX_IDS; }
export function memoryEnd(): usize { return IDS + MAX_IDS * 4; }

/**
 * Turns `count` big-endian ids of the input into ids; how many of them are above their predecessors, `last` before the first,
 * which is negative when there is none.
 */
export function decodeIds(count: u32, last: f64): u32 {
  let i: u32 = 0;
  for (; i + 4 <= count; i += 4) {
    const part = v128.load(INPUT + (i << 2));
    v128.store(IDS + (i << 2), v128.shuffle<u8>(part, part, 3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12));
  }
  for (; i < count; i++) store<u32>(IDS + (i << 2), bswap(load<u32>(INPUT + (i << 2))));
  let before = <i64>last;
  for (i = 0; i < count; i++) {
    const id = <i64>load<u32>(IDS + (i << 2));
    if (id <= before) return i;
    before = id;
  }
  return count;
}
