// The encoding byte in front of a chunk's data.

import { Fault } from '../../errors/fault.ts';

export const ENCODING_XOR = 1;
export const ENCODING_HISTOGRAM = 2;
export const ENCODING_FLOAT_HISTOGRAM = 3;
export const ENCODING_XOR2 = 4;
export const ENCODING_HISTOGRAM_ST = 5;
export const ENCODING_FLOAT_HISTOGRAM_ST = 6;
/** Written by downsampling: up to five chunks in one, see pkg/block. */
export const ENCODING_AGGREGATE = 255;

const names: Readonly<Record<number, string>> = {
  [ENCODING_XOR]: 'XOR',
  [ENCODING_HISTOGRAM]: 'histogram',
  [ENCODING_FLOAT_HISTOGRAM]: 'float histogram',
  [ENCODING_XOR2]: 'XOR2 (floats with start timestamps)',
  [ENCODING_HISTOGRAM_ST]: 'histogram with start timestamps',
  [ENCODING_FLOAT_HISTOGRAM_ST]: 'float histogram with start timestamps',
  [ENCODING_AGGREGATE]: 'aggregate',
};

/** The name of an encoding, for messages. */
export function encodingName(encoding: number): string {
  return names[encoding] ?? `unknown encoding ${encoding}`;
}

/** The failure for a chunk one cannot decode: `unsupported` for encodings that exist, `corrupt` for the rest. */
export function undecodable(encoding: number): Fault {
  if (names[encoding] === undefined) return new Fault('corrupt', `chunk has unknown encoding ${encoding}`);
  return new Fault('unsupported', `chunk encoding ${encodingName(encoding)} is not supported here`);
}

/** The sample count in the first two bytes, which encodings 1 to 3 share. */
export function chunkSampleCount(bytes: Uint8Array, offset = 0, length = bytes.length - offset): number {
  if (length < 2) throw new Fault('corrupt', `chunk of ${length} bytes has no sample count`);
  return (bytes[offset] << 8) | bytes[offset + 1];
}
