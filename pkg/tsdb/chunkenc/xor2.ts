// Float chunks with start timestamps, encoding 4. What is common, no change at all, takes one bit a sample.
//
//   ┌───────────┬───────────┬──────────────────────────────────────────────────────────────────────────┐
//   │ count u16 │ starts u8 │ t0 varint, v0 64 bits, start; Δ1 uvarint, value, start; {control, start}… │
//   └───────────┴───────────┴──────────────────────────────────────────────────────────────────────────┘
//
//   value     0 same │ 10 window as before │ 110 new window │ 111 stale; relative to the last value that is not stale
//   control   0 ΔΔ 0, same value │ 10 ΔΔ 0, then 0 window as before or 1 new window │ 110 ΔΔ 13 bits, value
//             1110 ΔΔ 20 bits, value │ 11110 ΔΔ 64 bits, value │ 11111 ΔΔ 0, stale
//
// ΔΔ is ordinary two's complement here. Starts are drawn in start-times.ts, windows in xor.ts.

import { Fault } from '../../errors/fault.ts';
import { STALE_HIGH, STALE_LOW } from '../../model/staleness.ts';
import type { SampleBuffer } from '../../storage/sample-columns.ts';
import { BitReader } from './bit-stream.ts';
import { chunkSampleCount } from './encoding.ts';
import { checkTime, StartTimeReader } from './start-times.ts';
import { XorValue } from './xor-value.ts';

const HEADER_SIZE = 3;

/**
 * Decodes one chunk, without encoding byte and checksum, and appends its samples to `into`, values by bits, and their start
 * timestamps (0 = none) to `starts`. `corrupt` when the bytes end before the samples do; `into` is as long as before then.
 */
export function decodeXor2(
  bytes: Uint8Array,
  offset: number,
  length: number,
  into: SampleBuffer,
  starts?: number[],
): void {
  const count = chunkSampleCount(bytes, offset, length);
  if (length < HEADER_SIZE || count > (length - HEADER_SIZE) * 8) {
    throw new Fault('corrupt', `chunk says ${count} samples in ${length} bytes`);
  }
  const reader = new BitReader(bytes, offset + HEADER_SIZE, offset + length);
  const startTimes = new StartTimeReader(bytes[offset + 2]);
  const value = new XorValue();
  into.reserve(count);
  let time = 0;
  let delta = 0;
  for (let i = 0; i < count; i++) {
    let isStale = false;
    if (i === 0) {
      time = Number(reader.varint());
      isStale = readFirstValue(reader, value);
    } else if (i === 1) {
      delta = Number(reader.uvarint());
      time += delta;
      isStale = readValue(reader, value);
    } else {
      const control = ones(reader, 5);
      if (control === 2) delta += signed(reader, 13);
      else if (control === 3) delta += signed(reader, 20);
      else if (control === 4) delta += signed64(reader);
      time += delta;
      if (control === 1) readChange(reader, value);
      else if (control === 5) isStale = true;
      else if (control > 0) isStale = readValue(reader, value);
    }
    checkTime(time);
    const at = into.length + i;
    into.times[at] = time;
    into.words[2 * at] = isStale ? STALE_LOW : value.low;
    into.words[2 * at + 1] = isStale ? STALE_HIGH : value.high;
    const start = startTimes.next(reader, i, time);
    starts?.push(start);
  }
  into.length += count;
}

/** A stale marker leaves the value that changes refer to at 0. */
function readFirstValue(reader: BitReader, value: XorValue): boolean {
  value.readFirst(reader);
  if (value.high !== STALE_HIGH || value.low !== STALE_LOW) return false;
  value.high = 0;
  value.low = 0;
  return true;
}

/** True for a stale marker. */
function readValue(reader: BitReader, value: XorValue): boolean {
  switch (ones(reader, 3)) {
    case 0:
      return false;
    case 1:
      value.readInWindow(reader);
      return false;
    case 2:
      value.readNewWindow(reader);
      return false;
    default:
      return true;
  }
}

function readChange(reader: BitReader, value: XorValue): void {
  if (reader.bit() === 1) value.readNewWindow(reader);
  else value.readInWindow(reader);
}

/** How many ones stand before the next zero, which is read too; at most `most`, after which no zero follows. */
function ones(reader: BitReader, most: number): number {
  let count = 0;
  while (count < most && reader.bit() === 1) count++;
  return count;
}

function signed(reader: BitReader, size: number): number {
  const payload = reader.bits(size);
  return payload >= 2 ** (size - 1) ? payload - 2 ** size : payload;
}

function signed64(reader: BitReader): number {
  return Number(BigInt.asIntN(64, reader.bits64()));
}
