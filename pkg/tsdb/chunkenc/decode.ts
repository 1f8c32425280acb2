// The door to float chunks: the compiled kernel, which decode.bench.ts shows to be worth its copies in and out, except for
// chunks of a few samples.

import { Fault } from '../../errors/fault.ts';
import { lowerBound, SampleBuffer } from '../../storage/sample-columns.ts';
import { applyCounterResets, type CounterState } from './counter-resets.ts';
import { chunkSampleCount } from './encoding.ts';
import {
  KERNEL_BAD_WINDOW,
  KERNEL_SAMPLES,
  KERNEL_TOO_SHORT,
  kernelDecode,
  kernelDecodeCounter,
  kernelInput,
  kernelIsPlain,
  kernelState,
  kernelTimes,
  kernelValues,
} from './kernels/xor-kernel.ts';
import { checkXorCount, decodeXor, tooShort } from './xor.ts';

/** Below this many samples the copies cost more than the kernel saves. */
const FEW_SAMPLES = 24;
/** Bytes brought in at once: some series' chunks of a day. */
const WINDOW_BYTES = 32 * 1024;

const few = new SampleBuffer(FEW_SAMPLES);

/**
 * Decodes one float chunk (count and bit stream, without encoding byte and checksum) and appends its samples to `into`,
 * values by bits. `corrupt` when the bytes end before the samples do; `into` is as long as before then.
 */
export function decodeXorChunk(bytes: Uint8Array, offset: number, length: number, into: SampleBuffer): void {
  const count = chunkSampleCount(bytes, offset, length);
  if (count < FEW_SAMPLES) {
    decodeXor(bytes, offset, length, into);
    return;
  }
  checkXorCount(count, length);
  const used = load(bytes, offset, length);
  appendDecoded(check(kernelDecode(0, used, 0), count, length), into);
}

/**
 * The same with counter resets added up while decoding, as `applyCounterResets` does on columns. `state` carries over the
 * consecutive chunks of one column; it is unchanged when the chunk is corrupt.
 */
export function decodeXorCounter(
  bytes: Uint8Array,
  offset: number,
  length: number,
  state: CounterState,
  into: SampleBuffer,
): void {
  const count = chunkSampleCount(bytes, offset, length);
  if (count < FEW_SAMPLES) {
    few.clear();
    decodeXor(bytes, offset, length, few);
    applyCounterResets(few, state, into);
    return;
  }
  checkXorCount(count, length);
  const used = load(bytes, offset, length);
  saveState(state);
  const written = check(kernelDecodeCounter(0, used, 0), count, length);
  loadState(state);
  appendDecoded(written, into);
}

function saveState(state: CounterState): void {
  kernelState[0] = state.isStarted ? 1 : 0;
  kernelState[1] = state.lastTime;
  kernelState[2] = state.lastValue;
  kernelState[3] = state.total;
}

function loadState(state: CounterState): void {
  state.isStarted = kernelState[0] === 1;
  state.lastTime = kernelState[1];
  state.lastValue = kernelState[2];
  state.total = kernelState[3];
}

/**
 * The chunks of one column, decoded one after the other and handed over together: per chunk nothing is allocated and
 * nothing copied but its bytes, and those by the window. Begin with `begin`, end with `finish`, which may also come in
 * between: while samples are held, other chunks must not be decoded elsewhere, so all of it is done in one go. One of it serves a thread.
 */
class ColumnDecoder {
  /** Samples that lie in the kernel's columns and not yet in `into`. */
  #held = 0;
  /** What of which bytes lies in the kernel's input. */
  #bytes: Uint8Array | undefined;
  #from = 0;
  #to = 0;
  /** Bytes from here on are not wanted, as far as is known. */
  #end = Infinity;

  /** `end`: where the last of the chunks ends, if they lie one after the other in the same bytes. */
  begin(end = Infinity): void {
    this.#held = 0;
    this.#bytes = undefined;
    this.#end = end;
  }

  /**
   * Adds a chunk's samples. Those at or before the last one are left out, where samples of `into` from `start` on count.
   * `corrupt` as with decodeXorChunk.
   */
  add(bytes: Uint8Array, offset: number, length: number, into: SampleBuffer, start: number): void {
    const count = chunkSampleCount(bytes, offset, length);
    if (count === 0) return;
    checkXorCount(count, length);
    if (this.#held + count > KERNEL_SAMPLES) this.finish(into);
    const held = this.#held;
    const from = this.#load(bytes, offset, length);
    check(kernelDecode(from, Math.min(length, kernelInput.length), held), count, length);
    const hasLast = held > 0 || into.length > start;
    const last = held > 0 ? kernelTimes[held - 1] : into.times[into.length - 1];
    if (!hasLast || kernelTimes[held] > last) {
      this.#held = held + count;
      return;
    }
    const kept = lowerBound(kernelTimes, held + count, last + 1, held);
    kernelTimes.copyWithin(held, kept, held + count);
    kernelValues.copyWithin(held, kept, held + count);
    this.#held = held + held + count - kept;
  }

  /** Adds a chunk's samples with counter resets added up, as decodeXorCounter does. */
  addCounter(bytes: Uint8Array, offset: number, length: number, state: CounterState, into: SampleBuffer): void {
    const count = chunkSampleCount(bytes, offset, length);
    if (count === 0) return;
    checkXorCount(count, length);
    if (this.#held + count > KERNEL_SAMPLES) this.finish(into);
    const from = this.#load(bytes, offset, length);
    saveState(state);
    const result = kernelDecodeCounter(from, Math.min(length, kernelInput.length), this.#held);
    this.#held += check(result, count, length);
    loadState(state);
  }

  /** Whether what `finish` would append are numbers at ascending times: no NaN among them, and so no stale marker. */
  get holdsPlain(): boolean {
    return kernelIsPlain(this.#held) === 1;
  }

  /** Appends what has been decoded. */
  finish(into: SampleBuffer): void {
    if (this.#held > 0) appendDecoded(this.#held, into);
    // What is decoded elsewhere from here on goes over the input too.
    this.begin();
  }

  /** Where the chunk lies in the kernel's input, put there with its neighbours if it was not. */
  #load(bytes: Uint8Array, offset: number, length: number): number {
    if (bytes !== this.#bytes || offset < this.#from || offset + length > this.#to) {
      const ahead = Math.min(offset + WINDOW_BYTES, this.#end);
      const end = Math.min(bytes.length, Math.max(offset + length, ahead), offset + kernelInput.length);
      kernelInput.set(bytes.subarray(offset, end));
      this.#bytes = bytes;
      this.#from = offset;
      this.#to = end;
    }
    return offset - this.#from;
  }
}

export const columnDecoder = new ColumnDecoder();

/** Copies the chunk in. What lies past the longest possible chunk is never looked at. */
function load(bytes: Uint8Array, offset: number, length: number): number {
  const used = length < kernelInput.length ? length : kernelInput.length;
  kernelInput.set(bytes.subarray(offset, offset + used));
  return used;
}

function check(result: number, count: number, length: number): number {
  if (result >= 0) return result;
  if (result === KERNEL_TOO_SHORT) throw tooShort(count, length);
  throw new Fault('corrupt', `chunk has a ${result === KERNEL_BAD_WINDOW ? 'window' : 'number'} of more than 64 bits`);
}

function appendDecoded(count: number, into: SampleBuffer): void {
  into.reserve(count);
  into.times.set(kernelTimes.subarray(0, count), into.length);
  into.values.set(kernelValues.subarray(0, count), into.length);
  into.length += count;
}
