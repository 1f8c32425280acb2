// The stale marker is a NaN told apart from others only by its bits: 7ff0000000000002.

export const STALE_HIGH = 0x7ff00000;
export const STALE_LOW = 0x00000002;

/**
 * Whether sample `i` is the stale marker. `words` is a Uint32Array over the same buffer as the values: the bits are
 * looked at there because a NaN read as a number may lose its payload. All platforms Node runs on are little-endian.
 */
export function isStaleAt(words: Uint32Array, i: number): boolean {
  return words[2 * i + 1] === STALE_HIGH && words[2 * i] === STALE_LOW;
}
