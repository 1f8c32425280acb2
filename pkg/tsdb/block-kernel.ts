// Kernels that read blocks and write one: they ask for windows of an index or a segment, which are put into their memory, and
// hand over chunks as they come, and entries after each step.

import { compile, instantiateIn, type KernelMemory, type KernelModule, kernelMemory } from '../bytes/instantiate.ts';
import type { Block } from './block.ts';

/** What every one of them has. */
export interface BlockKernelExports {
  /** Of one window; there are two for each block. */
  windowBytes(): number;
  /** Where its own memory ends. */
  freeAt(): number;
  seriesAt(): number;
  seriesWords(): number;
  entriesAt(): number;
  entryBytes(): number;
  chunksAt(): number;
  /** Begins at a block; 0 when something is not as it usually is. */
  addInput(
    refsAt: number,
    refCount: number,
    windowsAt: number,
    from: number,
    end: number,
    minTime: number,
    maxTime: number,
  ): number;
  /** Looks at up to so many series of the only block, and the checksums of their chunks; how that ended. */
  inspect(most: number): number;
  seriesCount(): number;
  chunkCount(): number;
  /** Of the series looked at: distances between neighbours, so the last series, and the last two chunks of each, do not count. */
  seriesMaxBytes(): number;
  chunkMaxBytes(): number;
}

/** How a step ended: there is more, there is none, something is not as it usually is, or the series at hand is for others. */
export type StepEnd = 'more' | 'ended' | 'unusual' | 'plain';
const stepEnds: readonly StepEnd[] = ['more', 'ended', 'unusual', 'plain'];

/** The name of what a kernel gives. */
export function stepEnd(code: number): StepEnd {
  return stepEnds[code];
}

/** What a look at all of a block found. */
export interface BlockSizes {
  readonly seriesCount: number;
  readonly chunkCount: number;
  readonly seriesMaxSizeBytes: number;
  readonly chunkMaxSizeBytes: number;
}

/** Looked at between signs of life. */
const SERIES_PER_LOOK = 64;

/** Takes the chunks. */
export interface ChunkSinks {
  /** Whole chunks, one behind the other, for the segment at hand; borrowed. */
  writeChunks(bytes: Uint8Array): void;
  /** Ends the segment, if there is one, and begins the next. */
  cutSegment(): void;
}

/** For those who only look. */
export const noSinks: ChunkSinks = { writeChunks: () => {}, cutSegment: () => {} };

/** Beyond this the plain code is to do it. */
const MOST_MEMORY_BYTES = 2 ** 30;

/** A compiled kernel, to be used for one set of blocks after the other. */
export class BlockKernelProgram<E extends BlockKernelExports> {
  readonly #wasmBase64: string;
  #module: KernelModule | undefined;
  #sizes: { readonly windowBytes: number; readonly freeAt: number } | undefined;

  /** Compiles when it is first used. */
  constructor(wasmBase64: string) {
    this.#wasmBase64 = wasmBase64;
  }

  /** Undefined for blocks that are not for a kernel. */
  over(blocks: readonly Block[], sinks: ChunkSinks): BlockKernel<E> | undefined {
    this.#module ??= compile(this.#wasmBase64);
    this.#sizes ??= sizesOf(this.#module);
    if (!blocks.every(({ index }) => index.isPresentVersion)) return undefined;
    const { freeAt, windowBytes } = this.#sizes;
    const windowsAt: number[] = [];
    const refsAt: number[] = [];
    let at = freeAt;
    for (const { index } of blocks) {
      windowsAt.push(at);
      refsAt.push(at + 2 * windowBytes);
      at += 2 * windowBytes + 4 * index.symbols.count;
    }
    if (at > MOST_MEMORY_BYTES) return undefined;
    return new BlockKernel(this.#module, kernelMemory(at), blocks, { windowsAt, refsAt }, sinks);
  }
}

/** By block: where its windows and the references of its symbols lie. */
interface Places {
  readonly windowsAt: readonly number[];
  readonly refsAt: readonly number[];
}

export class BlockKernel<E extends BlockKernelExports> {
  readonly exports: E;
  /** By block: what its symbols are among those of all. To be filled before `begin`. */
  readonly refs: readonly Uint32Array[];
  readonly #blocks: readonly Block[];
  readonly #places: Places;
  readonly #bytes: Uint8Array;

  /** By BlockKernelProgram alone. */
  constructor(
    module: KernelModule,
    memory: KernelMemory,
    blocks: readonly Block[],
    places: Places,
    { writeChunks, cutSegment }: ChunkSinks,
  ) {
    const bytes = new Uint8Array(memory.buffer);
    const exports = instantiateIn<E>(module, memory, {
      readIndex: (input, offset, at, length) => this.#readIndex(input, offset, at, length),
      readSegment: (input, segment, offset, at, length) => this.#readSegment(input, segment, offset, at, length),
      writeChunks: (length) => {
        const from = exports.chunksAt();
        writeChunks(bytes.subarray(from, from + length));
        return undefined;
      },
      cutSegment: () => {
        cutSegment();
        return undefined;
      },
    });
    this.exports = exports;
    this.refs = blocks.map(({ index }, i) => new Uint32Array(memory.buffer, places.refsAt[i], index.symbols.count));
    this.#blocks = blocks;
    this.#places = places;
    this.#bytes = bytes;
  }

  /** For a single block: its symbols stay what they are. */
  keepSymbols(): void {
    const [refs] = this.refs;
    for (let i = 0; i < refs.length; i++) refs[i] = i;
  }

  /** Goes to the first series of each block; false when something is not as it usually is. */
  begin(): boolean {
    const { windowsAt, refsAt } = this.#places;
    return this.#blocks.every(({ index, meta }, i) => {
      const { series, labelIndices } = index.toc;
      const { minTime, maxTime } = meta;
      const { length } = this.refs[i];
      return this.exports.addInput(refsAt[i], length, windowsAt[i], series, labelIndices, minTime, maxTime) !== 0;
    });
  }

  /** Encoded entries of the last step; good until the next. */
  get entries(): Uint8Array {
    const from = this.exports.entriesAt();
    return this.#bytes.subarray(from, from + this.exports.entryBytes());
  }

  /** Of each of these entries its place among them divided by 16, its number of labels, and their references. */
  get series(): Uint32Array {
    return new Uint32Array(this.#bytes.buffer, this.exports.seriesAt(), this.exports.seriesWords());
  }

  /** Looks at every series of the only block; undefined when something is not as it usually is. */
  look(onProgress: () => void): BlockSizes | undefined {
    const { exports } = this;
    for (;;) {
      const end = stepEnd(exports.inspect(SERIES_PER_LOOK));
      if (end === 'unusual') return undefined;
      onProgress();
      if (end === 'more') continue;
      return {
        seriesCount: exports.seriesCount(),
        chunkCount: exports.chunkCount(),
        seriesMaxSizeBytes: exports.seriesMaxBytes(),
        chunkMaxSizeBytes: exports.chunkMaxBytes(),
      };
    }
  }

  #readIndex(input: number, offset: number, at: number, length: number): number {
    try {
      this.#bytes.set(this.#blocks[input].index.entryBytes(offset, length), at);
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
      this.#bytes.set(bytes, at);
      return bytes.length;
    } catch {
      return 0;
    }
  }
}

/** A kernel is asked before it is known how much memory it is to have. */
function sizesOf(module: KernelModule): { readonly windowBytes: number; readonly freeAt: number } {
  const nothing = (): number => 0;
  const functions = { readIndex: nothing, readSegment: nothing, writeChunks: nothing, cutSegment: nothing };
  const exports = instantiateIn<BlockKernelExports>(module, kernelMemory(1), functions);
  return { windowBytes: exports.windowBytes(), freeAt: exports.freeAt() };
}
