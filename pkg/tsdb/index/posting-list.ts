// A posting list: the sorted ids of every series that carries one label pair.
//
//   ┌────────────┬───────────┬────────┬─────┬────────┬────────────┐
//   │ length u32 │ count u32 │ id u32 │ ... │ id u32 │ crc32c u32 │
//   └────────────┴───────────┴────────┴─────┴────────┴────────────┘
//
// `length` counts everything between itself and the checksum. An id times 16 is the offset of the series' entry.

import { crc32c } from '../../bytes/crc32c.ts';
import { Fault } from '../../errors/fault.ts';
import { kernelDecodeIds, MOST_IDS, postingIds, postingInput } from './kernels/index-kernel.ts';

/** From this many ids on the kernel pays for its copies. */
const MANY_IDS = 64;

/**
 * Reads a whole section that starts at `offset` and ends before `end`, and checks its sum. The ids are a copy and yours.
 * They are strictly ascending; a list that is not is `corrupt`.
 */
export function readPostingList(bytes: Uint8Array, offset = 0, end = bytes.length): Uint32Array {
  if (offset + 12 > end) throw new Fault('corrupt', `posting list is cut off at ${end - offset} bytes`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = view.getUint32(offset);
  const from = offset + 4;
  if (from + length + 4 > end) {
    throw new Fault('corrupt', `posting list of ${length} bytes in a range of ${end - offset}`);
  }
  const stored = view.getUint32(from + length);
  const actual = crc32c(bytes, from, from + length);
  if (stored !== actual) {
    throw new Fault('corrupt', `posting list: checksum is ${actual.toString(16)}, expected ${stored.toString(16)}`);
  }
  return readPostingBody(view, from, length);
}

/** Reads what lies between length and checksum, `length` bytes from `from` on. */
export function readPostingBody(view: DataView, from: number, length: number): Uint32Array {
  const count = countOf(view, from, length);
  if (count < MANY_IDS) return decodePlainly(view, from, count);
  const bytes = new Uint8Array(view.buffer, view.byteOffset + from + 4, count * 4);
  const ids = new Uint32Array(count);
  for (let i = 0, last = -1; i < count; i += MOST_IDS) {
    const part = Math.min(MOST_IDS, count - i);
    postingInput.set(bytes.subarray(i * 4, (i + part) * 4));
    const ascending = kernelDecodeIds(part, last);
    if (ascending < part) throw new Fault('corrupt', `posting list is not ascending at ${i + ascending}`);
    ids.set(postingIds.subarray(0, part), i);
    last = ids[i + part - 1];
  }
  return ids;
}

/** The same without the kernel: its oracle. */
export function readPostingBodyPlainly(view: DataView, from: number, length: number): Uint32Array {
  return decodePlainly(view, from, countOf(view, from, length));
}

function countOf(view: DataView, from: number, length: number): number {
  if (length < 4) throw new Fault('corrupt', `posting list of ${length} bytes has no count`);
  const count = view.getUint32(from);
  if (4 + count * 4 !== length) throw new Fault('corrupt', `posting list says ${count} ids in ${length} bytes`);
  return count;
}

function decodePlainly(view: DataView, from: number, count: number): Uint32Array {
  const ids = new Uint32Array(count);
  for (let i = 0, last = -1, at = from + 4; i < count; i++, at += 4) {
    const id = view.getUint32(at);
    if (id <= last) throw new Fault('corrupt', `posting list is not ascending at ${i}`);
    ids[i] = last = id;
  }
  return ids;
}
