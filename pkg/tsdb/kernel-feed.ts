// Blocks as kernels read them: by windows of their index and their segments, put into the kernel's memory when it asks.

import type { KernelMemory } from '../bytes/instantiate.ts';
import type { Block } from './block.ts';

/** What lies in the memory of a kernel behind what is its own. */
export interface KernelLayout {
  /** Two windows of each block. */
  readonly windowsAt: number;
  readonly windowBytes: number;
  /** By block: references of its symbols. */
  readonly refsAt: readonly number[];
  readonly memoryBytes: number;
}

/** Begins at a block; 0 when something is not as it usually is. */
type AddInput = (
  refsAt: number,
  refCount: number,
  windowsAt: number,
  from: number,
  end: number,
  minTime: number,
  maxTime: number,
) => number;

/** Beyond this the plain code is to do it. */
const MOST_MEMORY_BYTES = 2 ** 30;

/** Undefined for blocks that are not for a kernel. Windows are of so many bytes. */
export function layOut(blocks: readonly Block[], freeAt: number, windowBytes: number): KernelLayout | undefined {
  if (!blocks.every(({ index }) => index.isPresentVersion)) return undefined;
  const refsAt: number[] = [];
  let at = freeAt + blocks.length * 2 * windowBytes;
  for (const { index } of blocks) {
    refsAt.push(at);
    at += 4 * index.symbols.count;
  }
  return at > MOST_MEMORY_BYTES ? undefined : { windowsAt: freeAt, windowBytes, refsAt, memoryBytes: at };
}

export class KernelFeed {
  /** By block: what its symbols are among those of all. To be filled before `begin`. */
  readonly refs: readonly Uint32Array[];
  /** The kernel's memory. */
  readonly bytes: Uint8Array;
  /** What the kernel calls. */
  readonly functions = {
    readIndex: (input: number, offset: number, at: number, length: number): number =>
      this.#readIndex(input, offset, at, length),
    readSegment: (input: number, segment: number, offset: number, at: number, length: number): number =>
      this.#readSegment(input, segment, offset, at, length),
  };
  readonly #blocks: readonly Block[];
  readonly #layout: KernelLayout;

  constructor(blocks: readonly Block[], layout: KernelLayout, memory: KernelMemory) {
    this.#blocks = blocks;
    this.#layout = layout;
    this.bytes = new Uint8Array(memory.buffer);
    this.refs = blocks.map(({ index }, i) => new Uint32Array(memory.buffer, layout.refsAt[i], index.symbols.count));
  }

  /** Goes to the first series of each block; false when something is not as it usually is. */
  begin(addInput: AddInput): boolean {
    const { windowsAt, windowBytes } = this.#layout;
    return this.#blocks.every(({ index, meta }, i) => {
      const { series, labelIndices } = index.toc;
      const { byteOffset, length } = this.refs[i];
      const at = windowsAt + i * 2 * windowBytes;
      return addInput(byteOffset, length, at, series, labelIndices, meta.minTime, meta.maxTime) !== 0;
    });
  }

  #readIndex(input: number, offset: number, at: number, length: number): number {
    try {
      this.bytes.set(this.#blocks[input].index.entryBytes(offset, length), at);
      return 1;
    } catch {
      // The plain code, which comes next, says what is wrong.
      return 0;
    }
  }

  #readSegment(input: number, segment: number, offset: number, at: number, length: number): number {
    try {
      // Numbers without a sign come as ones with it.
      const bytes = this.#blocks[input].segments.readUpTo(segment >>> 0, offset >>> 0, length);
      this.bytes.set(bytes, at);
      return bytes.length;
    } catch {
      return 0;
    }
  }
}
