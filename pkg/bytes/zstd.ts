// Zstandard frames (RFC 8878):
//
//   ┌──────────────┬───────────────┬─────────────────┬───────────────────┬──────────────────────┬────────┬──────────────┐
//   │ 28B52FFD u32 │ descriptor u8 │ window u8, or - │ dictionary 0 to 4 │ content size 0 to 8  │ blocks │ checksum, or - │
//   └──────────────┴───────────────┴─────────────────┴───────────────────┴──────────────────────┴────────┴──────────────┘
//
// Reading is plain TypeScript, synchronous, the same in a browser. Writing takes Node's own zlib where it can (22.15 and
// later), else a library in WebAssembly that is loaded when first wanted.

import { Fault } from '../errors/fault.ts';
import { xxhash64 } from './xxhash.ts';
import { damagedFrame } from './zstd-bits.ts';
import { BlockDecoder, type FrameOutput, MOST_BLOCK_BYTES } from './zstd-block.ts';

const MAGIC = 0xfd2fb528;
const BLOCK_HEAD_BYTES = 3;
const CHECKSUM_BYTES = 4;
/** Writers that do not know the size yet take windows of up to this whatever follows. */
const USUAL_WINDOW_BYTES = 8 * 1024 * 1024;
const LEVEL = 1;

/** What of Node is used here where there is a Node; a browser has none of it. */
interface Zlib {
  readonly zstdCompressSync?: (bytes: Uint8Array) => Uint8Array;
}
declare const process: { readonly getBuiltinModule?: (name: string) => Zlib | undefined } | undefined;

/** Compresses into one frame; the result is a new array. */
export type ZstdEncoder = (bytes: Uint8Array) => Uint8Array;

let loading: Promise<ZstdEncoder> | undefined;

/** Loads the encoder; after the first time it is there at once. */
export function loadZstdEncoder(): Promise<ZstdEncoder> {
  loading ??= load();
  return loading;
}

async function load(): Promise<ZstdEncoder> {
  const native = typeof process === 'undefined' ? undefined : process.getBuiltinModule?.('node:zlib')?.zstdCompressSync;
  if (native !== undefined) return (bytes) => native(bytes);
  const library = await import('@bokuweb/zstd-wasm');
  await library.init();
  return (bytes) => library.compress(bytes, LEVEL).slice();
}

/**
 * Uncompresses one frame into a new array. More than `maxBytes` is refused with `limit` before it is allocated; bytes that
 * are no frame, or not one alone, are `corrupt`.
 */
export function decodeZstd(bytes: Uint8Array, maxBytes: number): Uint8Array {
  const { windowBytes, contentBytes, hasChecksum, at: blocksAt } = readHeader(bytes, maxBytes);
  const output = outputOf(maxBytes, contentBytes);
  const mostBlock = Math.min(MOST_BLOCK_BYTES, windowBytes);
  let decoder: BlockDecoder | undefined;
  let at = blocksAt;
  for (let isLast = false; !isLast; ) {
    if (at + BLOCK_HEAD_BYTES > bytes.length) throw damagedFrame('it ends before its last block');
    const head = bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16);
    at += BLOCK_HEAD_BYTES;
    isLast = (head & 1) === 1;
    const kind = (head >> 1) & 3;
    const size = head >> 3;
    const end = at + (kind === 1 ? 1 : size);
    if (kind === 3 || size > mostBlock || end > bytes.length) throw damagedFrame('a block is not right');
    if (kind === 2) {
      decoder ??= new BlockDecoder(output, mostBlock);
      decoder.decode(bytes, at, end);
    } else {
      output.reserve(size);
      if (kind === 0) output.bytes.set(bytes.subarray(at, end), output.size);
      else output.bytes.fill(bytes[at], output.size, output.size + size);
      output.size += size;
    }
    if (output.size > maxBytes) throw tooLarge(maxBytes);
    at = end;
  }
  const all = output.bytes.slice(0, output.size);
  if (contentBytes !== undefined && contentBytes !== all.length)
    throw damagedFrame('it does not have the size it says');
  if (at + (hasChecksum ? CHECKSUM_BYTES : 0) !== bytes.length) throw damagedFrame('it does not end where it should');
  if (hasChecksum) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const isRight = Number(xxhash64(all) & 0xffffffffn) === view.getUint32(at, true);
    if (!isRight) throw damagedFrame('its checksum is another');
  }
  return all;
}

interface FrameHeader {
  /** How far back repetitions reach, which bounds a block too. */
  readonly windowBytes: number;
  /** Undefined where the writer did not know it. */
  readonly contentBytes: number | undefined;
  readonly hasChecksum: boolean;
  /** Where the blocks begin. */
  readonly at: number;
}

/** Refuses what the frame wants before anything is allocated for it. */
function readHeader(bytes: Uint8Array, maxBytes: number): FrameHeader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 6 || view.getUint32(0, true) !== MAGIC)
    throw new Fault('corrupt', 'these bytes are no zstd frame');
  const descriptor = bytes[4];
  const isSingleSegment = (descriptor & 0x20) !== 0;
  if ((descriptor & 0x08) !== 0) throw new Fault('unsupported', 'zstd frame has a feature of a later version');
  if ((descriptor & 3) !== 0) throw new Fault('unsupported', 'zstd frame needs a dictionary');
  const sizeBytes = [isSingleSegment ? 1 : 0, 2, 4, 8][descriptor >>> 6];
  const sizeAt = 5 + (isSingleSegment ? 0 : 1);
  const at = sizeAt + sizeBytes;
  if (bytes.length < at) throw new Fault('corrupt', 'zstd frame ends in its header');
  let contentBytes: number | undefined;
  if (sizeBytes === 1) contentBytes = bytes[sizeAt];
  else if (sizeBytes === 2) contentBytes = view.getUint16(sizeAt, true) + 256;
  else if (sizeBytes === 4) contentBytes = view.getUint32(sizeAt, true);
  else if (sizeBytes === 8) contentBytes = Number(view.getBigUint64(sizeAt, true));
  const base = 2 ** (10 + (bytes[5] >>> 3));
  const windowBytes = isSingleSegment ? (contentBytes ?? 0) : base + (base / 8) * (bytes[5] & 7);
  if (contentBytes !== undefined && contentBytes > maxBytes) throw tooLarge(maxBytes);
  const allowed = Math.max(maxBytes, USUAL_WINDOW_BYTES);
  if (windowBytes > allowed) {
    throw new Fault('limit', `zstd frame wants ${windowBytes} bytes, at most ${allowed} are allowed`);
  }
  // A block of a few bytes can stand for 128 KiB, and no more.
  if (contentBytes !== undefined && contentBytes > bytes.length * 64 * 1024) {
    throw new Fault('corrupt', 'zstd frame is shorter than its size says');
  }
  return { windowBytes, contentBytes, hasChecksum: (descriptor & 0x04) !== 0, at };
}

/** Grows as blocks come, up to one block more than is allowed. */
function outputOf(maxBytes: number, contentBytes: number | undefined): FrameOutput {
  return {
    bytes: new Uint8Array(contentBytes ?? 0),
    size: 0,
    reserve(more) {
      if (this.size > maxBytes) throw tooLarge(maxBytes);
      const wanted = this.size + more;
      if (wanted <= this.bytes.length) return;
      const larger = new Uint8Array(Math.max(wanted, Math.min(2 * this.bytes.length, maxBytes)));
      larger.set(this.bytes.subarray(0, this.size));
      this.bytes = larger;
    },
  };
}

function tooLarge(maxBytes: number): Fault {
  return new Fault('limit', `zstd frame holds more than the ${maxBytes} bytes allowed`);
}
