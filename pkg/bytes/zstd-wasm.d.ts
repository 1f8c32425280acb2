// What @bokuweb/zstd-wasm exports, of what is used; the package names its types only for a browser.

declare module '@bokuweb/zstd-wasm' {
  /** Must have ended before anything is compressed. */
  export function init(): Promise<void>;
  export function compress(bytes: Uint8Array, level?: number): Uint8Array;
}
