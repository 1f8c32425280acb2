// A chunk's reference: the segment's number from 0 and the offset in it, `segment << 32 | offset` in the index. Packed in a
// double it is exact below two million segments of half a gigabyte.

/** The packed form of a pair. */
export function packRef(segment: number, offset: number): number {
  return segment * 2 ** 32 + offset;
}

/** The number of a chunk's segment, from 0. */
export function segmentOf(ref: number): number {
  return Math.floor(ref / 2 ** 32);
}

/** Where in its segment a chunk begins. */
export function offsetOf(ref: number): number {
  return ref % 2 ** 32;
}
