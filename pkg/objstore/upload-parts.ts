// Cuts what is uploaded into parts of the size a provider wants.

import { Gate } from '../async/gate.ts';
import { freeNow } from '../bytes/free-now.ts';
import { Fault } from '../errors/fault.ts';

/** The first memory for a part of a body of unknown size; it doubles until a whole part fits. */
const FIRST_BYTES = 64 * 1024;
/** A part up to this size is held without waiting for others to be sent. */
const SMALL_PART_BYTES = 1024 * 1024;
/** Two, so that one is read while the other is sent. */
const LARGE_PARTS_AT_ONCE = 2;

/** What one bucket's uploads pass before they hold a large part: however many run, few parts are in memory. */
export function largePartsGate(): Gate {
  return new Gate(LARGE_PARTS_AT_ONCE);
}

export interface Part {
  readonly bytes: Buffer;
  readonly isLast: boolean;
}

export interface PartsOfWhat {
  /** The object, for messages. */
  readonly name: string;
  readonly partSizeBytes: number;
  /** What was promised: a body of another size is `invalid`, at the latest before its last part is given out. */
  readonly sizeBytes?: number | undefined;
  /** Of the bucket; waiting for it ends with the signal. */
  readonly gate: Gate;
  readonly signal: AbortSignal;
}

/**
 * Parts of one size; the last is shorter, and the only one for a small body. Holds one part at a time: its memory is used
 * again for the next, so whoever reads must be done with a part before asking for another. It is freed after the last, and
 * left to the collector when the reader stops early: a request that failed may not have let go of it.
 */
export async function* partsOf(body: AsyncIterable<Uint8Array>, of: PartsOfWhat): AsyncIterable<Part> {
  const most = Math.min(of.sizeBytes ?? of.partSizeBytes, of.partSizeBytes);
  const leave = most > SMALL_PART_BYTES ? await of.gate.enter(of.signal) : undefined;
  try {
    yield* cut(body, of);
  } finally {
    leave?.();
  }
}

async function* cut(
  body: AsyncIterable<Uint8Array>,
  { name, partSizeBytes, sizeBytes }: PartsOfWhat,
): AsyncIterable<Part> {
  let held: Buffer = Buffer.allocUnsafeSlow(Math.min(sizeBytes ?? FIRST_BYTES, partSizeBytes));
  let size = 0;
  let total = 0;
  for await (let rest of body) {
    total += rest.length;
    if (sizeBytes !== undefined && total > sizeBytes) throw wrongSize(name, `${total} or more`, sizeBytes);
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
  if (sizeBytes !== undefined && total !== sizeBytes) throw wrongSize(name, String(total), sizeBytes);
  yield { bytes: held.subarray(0, size), isLast: true };
  freeNow(held);
}

function wrongSize(name: string, found: string, promised: number): Fault {
  return new Fault('invalid', `body of ${name} has ${found} bytes, ${promised} were promised`);
}

function withRoom(held: Buffer, size: number, wanted: number, most: number): Buffer {
  if (wanted <= held.length) return held;
  let length = held.length;
  while (length < wanted) length *= 2;
  const larger = Buffer.allocUnsafeSlow(Math.min(length, most));
  held.copy(larger, 0, 0, size);
  freeNow(held);
  return larger;
}
