// Zstandard frames (RFC 8878):
//
//   ┌──────────────┬───────────────┬─────────────────┬───────────────────┬──────────────────────┬────────┬──────────────┐
//   │ 28B52FFD u32 │ descriptor u8 │ window u8, or - │ dictionary 0 to 4 │ content size 0 to 8  │ blocks │ checksum, or - │
//   └──────────────┴───────────────┴─────────────────┴───────────────────┴──────────────────────┴────────┴──────────────┘
//
// A library in plain JavaScript reads them. Writing takes Node's own zlib where it can (22.15 and later), else a library in
// WebAssembly that is loaded when first wanted.

import { Decompress } from 'fzstd';
import { Fault, messageOf } from '../errors/fault.ts';

const MAGIC = 0xfd2fb528;
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
 * are no frame are `corrupt`.
 */
export function decodeZstd(bytes: Uint8Array, maxBytes: number): Uint8Array {
  checkHeader(bytes, maxBytes);
  const parts: Uint8Array[] = [];
  let size = 0;
  const take = (part: Uint8Array): void => {
    size += part.length;
    if (size > maxBytes) throw new Fault('limit', `zstd frame holds more than the ${maxBytes} bytes allowed`);
    parts.push(part);
  };
  try {
    new Decompress(take).push(bytes, true);
  } catch (thrown) {
    if (thrown instanceof Fault) throw thrown;
    throw new Fault('corrupt', `zstd frame is damaged: ${messageOf(thrown)}`, { cause: thrown });
  }
  const all = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** Looks at what the frame wants before the library allocates it. */
function checkHeader(bytes: Uint8Array, maxBytes: number): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 6 || view.getUint32(0, true) !== MAGIC)
    throw new Fault('corrupt', 'these bytes are no zstd frame');
  const descriptor = bytes[4];
  const isSingleSegment = (descriptor & 0x20) !== 0;
  const dictionaryBytes = [0, 1, 2, 4][descriptor & 3];
  const sizeBytes = [isSingleSegment ? 1 : 0, 2, 4, 8][descriptor >>> 6];
  const sizeAt = 5 + (isSingleSegment ? 0 : 1) + dictionaryBytes;
  if (dictionaryBytes > 0) throw new Fault('unsupported', 'zstd frame needs a dictionary');
  if (bytes.length < sizeAt + sizeBytes) throw new Fault('corrupt', 'zstd frame ends in its header');
  let window = 0;
  if (!isSingleSegment) {
    const base = 2 ** (10 + (bytes[5] >>> 3));
    window = base + (base / 8) * (bytes[5] & 7);
  } else if (sizeBytes === 1) window = bytes[sizeAt];
  else if (sizeBytes === 2) window = view.getUint16(sizeAt, true) + 256;
  else if (sizeBytes === 4) window = view.getUint32(sizeAt, true);
  else window = view.getUint32(sizeAt, true) + view.getUint32(sizeAt + 4, true) * 2 ** 32;
  const allowed = isSingleSegment ? maxBytes : Math.max(maxBytes, USUAL_WINDOW_BYTES);
  if (window > allowed) throw new Fault('limit', `zstd frame wants ${window} bytes, at most ${allowed} are allowed`);
  // A block of a few bytes can stand for 128 KiB of one byte, and no more.
  if (isSingleSegment && window > bytes.length * 64 * 1024) {
    throw new Fault('corrupt', 'zstd frame is shorter than its size says');
  }
}
