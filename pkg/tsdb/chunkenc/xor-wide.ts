// Float chunks whose times are so far apart that doubles would round on the way: the same format in 64-bit arithmetic,
// which wraps. Nearly never taken, so it is plain.

import type { SampleBuffer } from '../../storage/sample-columns.ts';
import { BitReader } from './bit-stream.ts';
import { chunkSampleCount } from './encoding.ts';
import { XorValue } from './xor-value.ts';

/** As `decodeXor`. Times beyond 2^53 are rounded to the nearest double. */
export function decodeXorWide(bytes: Uint8Array, offset: number, length: number, into: SampleBuffer): void {
  const count = chunkSampleCount(bytes, offset, length);
  const reader = new BitReader(bytes, offset + 2, offset + length);
  const value = new XorValue();
  let time = 0n;
  let delta = 0n;
  into.reserve(count);
  for (let i = 0; i < count; i++) {
    if (i === 0) {
      time = reader.varint();
      value.readFirst(reader);
    } else {
      delta = BigInt.asIntN(64, i === 1 ? reader.uvarint() : delta + deltaOfDelta(reader));
      time = BigInt.asIntN(64, time + delta);
      value.readNext(reader);
    }
    const at = into.length + i;
    into.times[at] = Number(time);
    into.words[2 * at] = value.low;
    into.words[2 * at + 1] = value.high;
  }
  into.length += count;
}

function deltaOfDelta(reader: BitReader): bigint {
  let ones = 0;
  while (ones < 4 && reader.bit() === 1) ones++;
  switch (ones) {
    case 0:
      return 0n;
    case 4:
      return BigInt.asIntN(64, reader.bits64());
    default: {
      const size = 11 + 3 * ones;
      const payload = reader.bits(size);
      return BigInt(payload > 2 ** (size - 1) ? payload - 2 ** size : payload);
    }
  }
}
