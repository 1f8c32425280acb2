// Cuts what is uploaded into parts of the size a provider wants.

/** The first memory for a part; it doubles until a whole part fits, so that small objects cost little. */
const FIRST_BYTES = 64 * 1024;

/**
 * Parts of one size; the last is shorter, and the only one for a small body. Holds one part at a time: its memory is used
 * again for the next, so whoever reads must be done with a part before asking for another.
 */
export async function* partsOf(
  body: AsyncIterable<Uint8Array>,
  partSizeBytes: number,
): AsyncIterable<{ readonly bytes: Buffer; readonly isLast: boolean }> {
  let held: Buffer = Buffer.allocUnsafeSlow(Math.min(FIRST_BYTES, partSizeBytes));
  let size = 0;
  for await (let rest of body) {
    while (rest.length > 0) {
      // A full part is sent when more follows, so that the last one is known as such.
      if (size === partSizeBytes) {
        yield { bytes: held, isLast: false };
        size = 0;
      }
      const head = rest.subarray(0, partSizeBytes - size);
      held = withRoom(held, size, size + head.length, partSizeBytes);
      held.set(head, size);
      size += head.length;
      rest = rest.subarray(head.length);
    }
  }
  yield { bytes: held.subarray(0, size), isLast: true };
}

function withRoom(held: Buffer, size: number, wanted: number, most: number): Buffer {
  if (wanted <= held.length) return held;
  let length = held.length;
  while (length < wanted) length *= 2;
  const larger = Buffer.allocUnsafeSlow(Math.min(length, most));
  held.copy(larger, 0, 0, size);
  return larger;
}
