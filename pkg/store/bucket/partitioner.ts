// Many small ranges into few requests: neighbours are read together when the gap between them is small.

/** Ranges closer than this are one request: asking again costs more than the bytes between. */
export const GAP_BYTES = 512 * 1024;
/** A request is not grown past this, so that a scattered selection stays bounded in memory; one range may be larger. */
export const PART_BYTES = 8 * 1024 * 1024;

/** Ranges [first, last) of the input, covered by bytes [start, end). */
export interface Part {
  readonly start: number;
  readonly end: number;
  readonly first: number;
  readonly last: number;
}

/** Joins ranges [starts[i], ends[i]) that ascend by start. The parts ascend too, and each range lies within one part. */
export function partition(
  count: number,
  starts: (i: number) => number,
  ends: (i: number) => number,
  gapBytes = GAP_BYTES,
  partBytes = PART_BYTES,
): Part[] {
  const parts: Part[] = [];
  for (let first = 0; first < count; ) {
    const start = starts(first);
    let end = ends(first);
    let last = first + 1;
    while (last < count && starts(last) <= end + gapBytes) {
      const next = Math.max(end, ends(last));
      if (next - start > partBytes) break;
      end = next;
      last++;
    }
    parts.push({ start, end, first, last });
    first = last;
  }
  return parts;
}
