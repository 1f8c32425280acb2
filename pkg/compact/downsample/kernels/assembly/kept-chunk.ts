// A chunk of aggregates that is kept, and its five parts (the format is drawn in pkg/block/aggr-chunk.ts). AssemblyScript.

import { MORE, UNUSUAL } from '../../../../tsdb/kernels/assembly/look';
import { readVarint, varint } from '../../../../tsdb/kernels/assembly/varint';

export const XOR: u8 = 1;
const FLOAT_HISTOGRAM: u8 = 3;
export const PART_COUNT: i32 = 5;

/** The series at hand is for the plain code. */
export const PLAIN: i32 = 3;

/** What one takes, its bytes apart. */
export const KEPT_CHUNK_BYTES: usize = 64;

@unmanaged
export class KeptChunk {
  minTime: f64;
  maxTime: f64;
  /** Of the five parts; 0 when it is absent. */
  at0: u32;
  at1: u32;
  at2: u32;
  at3: u32;
  at4: u32;
  length0: u32;
  length1: u32;
  length2: u32;
  length3: u32;
  length4: u32;
}

export function partAt(kept: KeptChunk, part: i32): usize {
  return load<u32>(changetype<usize>(kept) + offsetof<KeptChunk>('at0') + (<usize>part << 2));
}

export function partLength(kept: KeptChunk, part: i32): u32 {
  return load<u32>(changetype<usize>(kept) + offsetof<KeptChunk>('length0') + (<usize>part << 2));
}

/** Finds the five parts in `length` bytes; MORE, or what a series with this chunk is. */
export function splitParts(data: usize, length: u32, into: KeptChunk): i32 {
  let p = data;
  const stop = data + length;
  let isPlain = false;
  for (let part = 0; part < PART_COUNT; part++) {
    p = readVarint(p, stop);
    if (p == 0) return UNUSUAL;
    const place = changetype<usize>(into) + (<usize>part << 2);
    store<u32>(place + offsetof<KeptChunk>('at0'), 0);
    store<u32>(place + offsetof<KeptChunk>('length0'), 0);
    if (varint == 0) continue;
    if (varint + 1 > <u64>(stop - p)) return UNUSUAL;
    const encoding = load<u8>(p);
    if (encoding < XOR || encoding > FLOAT_HISTOGRAM) return UNUSUAL;
    if (encoding != XOR) isPlain = true;
    store<u32>(place + offsetof<KeptChunk>('at0'), <u32>(p + 1));
    store<u32>(place + offsetof<KeptChunk>('length0'), <u32>varint);
    p += 1 + <usize>varint;
  }
  if (p != stop) return UNUSUAL;
  return isPlain ? PLAIN : MORE;
}
