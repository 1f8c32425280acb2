// Loads the compiled concatenation of blocks and feeds it: a memory of its own for each use, as large as its inputs need.

import { compile, instantiateIn, type KernelModule, kernelMemory } from '../../bytes/instantiate.ts';
import type { Block } from '../block.ts';
import { KernelFeed, type KernelLayout, layOut } from '../kernel-feed.ts';
import { wasmBase64 } from './concatenate.generated.ts';

interface Counts {
  seriesCount(): number;
  chunkCount(): number;
  sampleCount(): number;
  floatCount(): number;
  histogramCount(): number;
  seriesMaxBytes(): number;
  chunkMaxBytes(): number;
}

interface Exports extends Counts {
  maxInputs(): number;
  windowBytes(): number;
  freeAt(): number;
  seriesAt(): number;
  seriesWords(): number;
  entriesAt(): number;
  entryBytes(): number;
  chunksAt(): number;
  begin(segmentBytes: number): void;
  addInput(...input: number[]): number;
  step(): number;
  inspect(most: number): number;
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

let module: KernelModule | undefined;
let own: Pick<Exports, 'maxInputs' | 'windowBytes' | 'freeAt'> | undefined;

export class ConcatenationKernel {
  readonly counts: Counts;
  readonly #exports: Exports;
  readonly #feed: KernelFeed;

  /** Over blocks in order of time. Segments grow up to `segmentBytes`. */
  private constructor(blocks: readonly Block[], layout: KernelLayout, segmentBytes: number, sinks: ConcatenationSinks) {
    const memory = kernelMemory(layout.memoryBytes);
    const feed = new KernelFeed(blocks, layout, memory);
    module ??= compile(wasmBase64);
    const exports = instantiateIn<Exports>(module, memory, {
      ...feed.functions,
      writeChunks: (length) => {
        const from = exports.chunksAt();
        sinks.writeChunks(feed.bytes.subarray(from, from + length));
        return undefined;
      },
      cutSegment: () => {
        sinks.cutSegment();
        return undefined;
      },
    });
    this.#feed = feed;
    this.#exports = exports;
    this.counts = exports;
    exports.begin(segmentBytes);
  }

  /** Undefined for blocks that are not for a kernel. */
  static over(
    blocks: readonly Block[],
    segmentBytes: number,
    sinks: ConcatenationSinks,
  ): ConcatenationKernel | undefined {
    module ??= compile(wasmBase64);
    own ??= instantiateIn<Exports>(module, kernelMemory(1), withoutFunctions);
    if (blocks.length > own.maxInputs() || blocks.some(({ tombstones }) => tombstones.size > 0)) return undefined;
    const layout = layOut(blocks, own.freeAt(), own.windowBytes());
    return layout && new ConcatenationKernel(blocks, layout, segmentBytes, sinks);
  }

  /** By input: what its symbols are among those of all. To be filled before `begin`. */
  get refs(): readonly Uint32Array[] {
    return this.#feed.refs;
  }

  /** Goes to the first series of each block; false when something is not as it usually is. */
  begin(): boolean {
    return this.#feed.begin(this.#exports.addInput);
  }

  /** Writes series until there are enough for a time. */
  step(): StepEnd {
    return stepEnds[this.#exports.step()];
  }

  /** Encoded entries of the last step; good until the next. */
  get entries(): Uint8Array {
    const from = this.#exports.entriesAt();
    return this.#feed.bytes.subarray(from, from + this.#exports.entryBytes());
  }

  /** Of each of these entries its place among them divided by 16, its number of labels, and their references. */
  get series(): Uint32Array {
    return new Uint32Array(this.#feed.bytes.buffer, this.#exports.seriesAt(), this.#exports.seriesWords());
  }

  /** Looks at up to so many series of the only block, and the checksums of their chunks. */
  inspect(most: number): StepEnd {
    return stepEnds[this.#exports.inspect(most)];
  }
}

/** To ask for its sizes a kernel needs none. */
const withoutFunctions = {
  readIndex: (): number => 0,
  readSegment: (): number => 0,
  writeChunks: (): number => 0,
  cutSegment: (): number => 0,
};
