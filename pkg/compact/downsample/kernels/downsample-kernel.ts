// Loads the compiled downsampling of blocks and feeds it: a memory of its own for each use.

import { compile, instantiateIn, type KernelModule, kernelMemory } from '../../../bytes/instantiate.ts';
import type { Block } from '../../../tsdb/block.ts';
import { KernelFeed, type KernelLayout, layOut } from '../../../tsdb/kernel-feed.ts';
import { wasmBase64 } from './downsample.generated.ts';

interface Counts {
  seriesCount(): number;
  chunkCount(): number;
  /** Windows. */
  sampleCount(): number;
  /** Raw samples. */
  aggregatedCount(): number;
  seriesMaxBytes(): number;
  chunkMaxBytes(): number;
}

interface Exports extends Counts {
  windowBytes(): number;
  freeAt(): number;
  seriesAt(): number;
  seriesWords(): number;
  entriesAt(): number;
  entryBytes(): number;
  chunksAt(): number;
  begin(from: number, to: number, segmentBytes: number): void;
  addInput(...input: number[]): number;
  step(most: number): number;
  entryAt(): number;
  skip(segment: number, sizeBytes: number): number;
  inspect(most: number): number;
}

export interface DownsampleKernelOptions {
  /** In ms; 0 is raw. */
  readonly resolutions: { readonly from: number; readonly to: number };
  /** What segments grow up to. */
  readonly segmentBytes: number;
  /** Takes whole chunks, one behind the other, for the segment at hand; borrowed. */
  readonly writeChunks: (bytes: Uint8Array) => void;
  /** Ends the segment, if there is one, and begins the next. */
  readonly cutSegment: () => void;
}

/** How a step ended: there is more, there is none, something is not as it usually is, or the series at hand is for others. */
export type DownsampleStepEnd = 'more' | 'ended' | 'unusual' | 'plain';
const stepEnds: readonly DownsampleStepEnd[] = ['more', 'ended', 'unusual', 'plain'];

let module: KernelModule | undefined;
let own: Pick<Exports, 'windowBytes' | 'freeAt'> | undefined;

export class DownsampleKernel {
  readonly counts: Counts;
  readonly #exports: Exports;
  readonly #feed: KernelFeed;

  private constructor(block: Block, layout: KernelLayout, options: DownsampleKernelOptions) {
    const memory = kernelMemory(layout.memoryBytes);
    const feed = new KernelFeed([block], layout, memory);
    module ??= compile(wasmBase64);
    const exports = instantiateIn<Exports>(module, memory, {
      ...feed.functions,
      writeChunks: (length) => {
        const from = exports.chunksAt();
        options.writeChunks(feed.bytes.subarray(from, from + length));
        return undefined;
      },
      cutSegment: () => {
        options.cutSegment();
        return undefined;
      },
    });
    this.#feed = feed;
    this.#exports = exports;
    this.counts = exports;
    exports.begin(options.resolutions.from, options.resolutions.to, options.segmentBytes);
    const [refs] = feed.refs;
    for (let i = 0; i < refs.length; i++) refs[i] = i;
  }

  /** Undefined for a block that is not for a kernel. */
  static over(block: Block, options: DownsampleKernelOptions): DownsampleKernel | undefined {
    module ??= compile(wasmBase64);
    own ??= instantiateIn<Exports>(module, kernelMemory(1), withoutFunctions);
    const layout = layOut([block], own.freeAt(), own.windowBytes());
    return layout && new DownsampleKernel(block, layout, options);
  }

  /** Goes to the first series; false when something is not as it usually is. */
  begin(): boolean {
    return this.#feed.begin(this.#exports.addInput);
  }

  /** Does up to so many series. */
  step(most: number): DownsampleStepEnd {
    return stepEnds[this.#exports.step(most)];
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

  /** Where in the index the series at hand begins. */
  get entryAt(): number {
    return this.#exports.entryAt();
  }

  /** Goes on behind the series at hand, which others wrote up to a place; false when something is not as it usually is. */
  skip({ segment, sizeBytes }: { readonly segment: number; readonly sizeBytes: number }): boolean {
    return this.#exports.skip(segment, sizeBytes) !== 0;
  }

  /** Looks at up to so many series of a block that was downsampled, and the checksums of their chunks. */
  inspect(most: number): DownsampleStepEnd {
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
