// Loads a compiled kernel: synchronously, in Node and in a browser alike.

/** The little of the platform's WebAssembly used here; neither the language's library nor Node's types declare it. */
declare const WebAssembly: {
  readonly Module: new (binary: Uint8Array) => object;
  readonly Instance: new (
    module: object,
    imports?: Readonly<Record<'env', Readonly<Record<string, unknown>>>>,
  ) => { readonly exports: unknown };
  readonly Memory: new (size: { readonly initial: number; readonly maximum: number }) => KernelMemory;
};

export interface KernelMemory {
  readonly buffer: ArrayBuffer;
}

/** A kernel before it has a memory. */
export interface KernelModule {
  readonly module: object;
}

const PAGE_BYTES = 64 * 1024;

/** The exports of a module. Its memory never grows, so views of it stay good. */
export function instantiate<T extends { readonly memory: KernelMemory }>(wasmBase64: string): T {
  return new WebAssembly.Instance(compile(wasmBase64).module).exports as T;
}

/** Compiles what is to be instantiated again and again. */
export function compile(wasmBase64: string): KernelModule {
  const binary = Uint8Array.from(atob(wasmBase64), (character) => character.charCodeAt(0));
  return { module: new WebAssembly.Module(binary) };
}

/** A memory of at least so many bytes, all 0. It never grows, and goes when nobody holds it or a kernel that has it. */
export function kernelMemory(leastBytes: number): KernelMemory {
  const pages = Math.ceil(leastBytes / PAGE_BYTES);
  return new WebAssembly.Memory({ initial: pages, maximum: pages });
}

/** The exports of a module that takes its memory, and functions, from outside. */
export function instantiateIn<T>(
  { module }: KernelModule,
  memory: KernelMemory,
  functions: Readonly<Record<string, (...args: number[]) => number | undefined>>,
): T {
  return new WebAssembly.Instance(module, { env: { memory, ...functions } }).exports as T;
}
