// Loads a compiled kernel: synchronously, in Node and in a browser alike.

/** The little of the platform's WebAssembly used here; neither the language's library nor Node's types declare it. */
declare const WebAssembly: {
  readonly Module: new (binary: Uint8Array) => object;
  readonly Instance: new (module: object) => { readonly exports: unknown };
};

/** The exports of a module. Its memory never grows, so views of it stay good. */
export function instantiate<T extends { readonly memory: { readonly buffer: ArrayBuffer } }>(wasmBase64: string): T {
  const binary = Uint8Array.from(atob(wasmBase64), (character) => character.charCodeAt(0));
  return new WebAssembly.Instance(new WebAssembly.Module(binary)).exports as T;
}
