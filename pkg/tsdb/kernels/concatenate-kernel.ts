// Loads the compiled concatenation of blocks and feeds it: a memory of its own for each use, as large as its inputs need.

import { compile, instantiateIn, type KernelModule, kernelMemory } from '../../bytes/instantiate.ts';
import type { Block } from '../block.ts';
import { wasmBase64 } from './concatenate.generated.ts';

interface Exports {
  maxInputs(): number;
  windowBytes(): number;
  freeAt(): number;
  seriesAt(): number;
  seriesWords(): number;
  entriesAt(): number;
  entryBytes(): number;
  chunksAt(): number;
  begin(segmentBytes: number): void;
  addInput(
    refsAt: number,
    refCount: number,
    windowsAt: number,
    from: number,
    end: number,
    minTime: number,
    maxTime: number,
  ): number;
  step(): number;
  inspect(most: number): number;
  seriesCount(): number;
  chunkCount(): number;
  sampleCount(): number;
  floatCount(): number;
  histogramCount(): number;
  seriesMaxBytes(): number;
  chunkMaxBytes(): number;
}

/** What comes out. */
export interface ConcatenationSinks {
  /** Whole chunks, one behind the other, for the segment at hand; borrowed. */
  writeChunks(bytes: Uint8Array): void;
  /** Ends the segment, if there is one, and begins the next. */
  cutSegment(): void;
}

/** How a step ended: there is more, there is none, or something is not as it usually is. */
export type StepEnd = 'more' | 'ended' | 'unusual';
const stepEnds: readonly StepEnd[] = ['more', 'ended', 'unusual'];

/** Beyond this the plain code is to do it. */
const MOST_MEMORY_BYTES = 2 ** 30;

let module: KernelModule | undefined;
let layout: Pick<Exports, 'maxInputs' | 'windowBytes' | 'freeAt'> | undefined;

export class ConcatenationKernel {
  /** By input: what its symbols are among those of all. To be filled before `begin`. */
  readonly refs: readonly Uint32Array[];
  readonly counts: Pick<
    Exports,
    'seriesCount' | 'chunkCount' | 'sampleCount' | 'floatCount' | 'histogramCount' | 'seriesMaxBytes' | 'chunkMaxBytes'
  >;
  readonly #blocks: readonly Block[];
  readonly #exports: Exports;
  readonly #bytes: Uint8Array;
  readonly #windowsAt: number;
  readonly #windowBytes: number;

  /** Over blocks in order of time. Segments grow up to `segmentBytes`. */
  private constructor(blocks: readonly Block[], segmentBytes: number, sinks: ConcatenationSinks, size: KernelSize) {
    this.#blocks = blocks;
    this.#windowsAt = size.windowsAt;
    this.#windowBytes = size.windowBytes;
    const memory = kernelMemory(size.memoryBytes);
    const bytes = new Uint8Array(memory.buffer);
    this.#bytes = bytes;
    module ??= compile(wasmBase64);
    const exports = instantiateIn<Exports>(module, memory, {
      readIndex: (input, offset, at, length) => this.#readIndex(input, offset, at, length),
      readSegment: (input, segment, offset, at, length) => this.#readSegment(input, segment, offset, at, length),
      writeChunks: (length) => {
        const from = exports.chunksAt();
        sinks.writeChunks(bytes.subarray(from, from + length));
        return undefined;
      },
      cutSegment: () => {
        sinks.cutSegment();
        return undefined;
      },
    });
    this.#exports = exports;
    this.counts = exports;
    exports.begin(segmentBytes);
    this.refs = blocks.map(({ index }, i) => new Uint32Array(memory.buffer, size.refsAt[i], index.symbols.count));
  }

  /** Undefined for blocks that are not for a kernel. */
  static over(
    blocks: readonly Block[],
    segmentBytes: number,
    sinks: ConcatenationSinks,
  ): ConcatenationKernel | undefined {
    const size = sizeFor(blocks);
    if (size === undefined || !blocks.every(isUsual)) return undefined;
    return new ConcatenationKernel(blocks, segmentBytes, sinks, size);
  }

  /** Goes to the first series of each block; false when something is not as it usually is. */
  begin(): boolean {
    return this.#blocks.every(({ index, meta }, i) => {
      const { series, labelIndices } = index.toc;
      const { byteOffset, length } = this.refs[i];
      const windowsAt = this.#windowsAt + i * this.#windowBytes;
      return (
        this.#exports.addInput(byteOffset, length, windowsAt, series, labelIndices, meta.minTime, meta.maxTime) !== 0
      );
    });
  }

  /** Writes series until there are enough for a time. */
  step(): StepEnd {
    return stepEnds[this.#exports.step()];
  }

  /** Encoded entries of the last step; good until the next. */
  get entries(): Uint8Array {
    const from = this.#exports.entriesAt();
    return this.#bytes.subarray(from, from + this.#exports.entryBytes());
  }

  /** Of each of these entries its place among them divided by 16, its number of labels, and their references. */
  get series(): Uint32Array {
    return new Uint32Array(this.#bytes.buffer, this.#exports.seriesAt(), this.#exports.seriesWords());
  }

  /** Looks at up to so many series of the only block, and the checksums of their chunks. */
  inspect(most: number): StepEnd {
    return stepEnds[this.#exports.inspect(most)];
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

interface KernelSize {
  readonly windowsAt: number;
  /** Of one input. */
  readonly windowBytes: number;
  readonly refsAt: readonly number[];
  readonly memoryBytes: number;
}

function sizeFor(blocks: readonly Block[]): KernelSize | undefined {
  module ??= compile(wasmBase64);
  const nothing = (): number => 0;
  layout ??= instantiateIn<Exports>(module, kernelMemory(1), {
    readIndex: nothing,
    readSegment: nothing,
    writeChunks: nothing,
    cutSegment: nothing,
  });
  if (blocks.length > layout.maxInputs()) return undefined;
  const windowsAt = layout.freeAt();
  const windowBytes = 2 * layout.windowBytes();
  const refsAt: number[] = [];
  let at = windowsAt + blocks.length * windowBytes;
  for (const { index } of blocks) {
    refsAt.push(at);
    at += 4 * index.symbols.count;
  }
  return at > MOST_MEMORY_BYTES ? undefined : { windowsAt, windowBytes, refsAt, memoryBytes: at };
}

function isUsual({ index, tombstones }: Block): boolean {
  return index.isPresentVersion && tombstones.size === 0;
}
