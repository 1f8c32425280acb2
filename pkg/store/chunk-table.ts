// The chunks of a frame as columns: no object per chunk. A chunk has one or more parts: `raw`, or some of the five
// aggregates; each part is a stretch of `bytes`.
//
//   chunk i:  minTimes[i]  maxTimes[i]  parts firstPart[i] .. firstPart[i + 1]
//   part p:   partAggregate[p]  partEncoding[p]  bytes[partOffset[p] .. partOffset[p] + partLength[p]]

export interface ChunkTable {
  readonly length: number;
  /** Both inclusive, ms. */
  readonly minTimes: Float64Array;
  readonly maxTimes: Float64Array;
  /** `length + 1` entries. */
  readonly firstPart: Uint32Array;
  /** An Aggregate of store.ts. */
  readonly partAggregate: Uint8Array;
  /** The number of the block format: 1 XOR, 2 histogram, 3 float histogram (StoreAPI's number plus one). */
  readonly partEncoding: Uint8Array;
  readonly partOffset: Uint32Array;
  readonly partLength: Uint32Array;
  /** Owned by the table for as long as the table is referenced. */
  readonly bytes: Uint8Array;
  /** A view of `bytes`, where one is kept: chunks of many tables take turns, each some times. */
  readonly view?: DataView;
}

/** Chunks [from, to) of a table. */
export interface ChunkSlice {
  readonly table: ChunkTable;
  readonly from: number;
  readonly to: number;
}

/** Builds a table chunk by chunk, copying or referring to bytes of one buffer that grows. */
export class ChunkTableBuilder implements ChunkTable {
  length = 0;
  minTimes: Float64Array;
  maxTimes: Float64Array;
  firstPart: Uint32Array;
  partCount = 0;
  partAggregate: Uint8Array;
  partEncoding: Uint8Array;
  partOffset: Uint32Array;
  partLength: Uint32Array;
  bytes: Uint8Array;
  #view: DataView | undefined;
  #bytesLength = 0;

  /** With `bytes` the parts refer into it (`refer`); without, they are copied (`copy`). */
  constructor(capacity = 64, bytes: Uint8Array = new Uint8Array(0)) {
    this.minTimes = new Float64Array(capacity);
    this.maxTimes = new Float64Array(capacity);
    this.firstPart = new Uint32Array(capacity + 1);
    this.partAggregate = new Uint8Array(capacity);
    this.partEncoding = new Uint8Array(capacity);
    this.partOffset = new Uint32Array(capacity);
    this.partLength = new Uint32Array(capacity);
    this.bytes = bytes;
    this.#bytesLength = bytes.length;
  }

  get view(): DataView {
    this.#view ??= new DataView(this.bytes.buffer, this.bytes.byteOffset, this.bytes.length);
    return this.#view;
  }

  /** Starts a chunk; its parts follow. */
  chunk(minTime: number, maxTime: number): void {
    if (this.length === this.minTimes.length) {
      this.minTimes = grown(this.minTimes, new Float64Array(this.length * 2 + 16));
      this.maxTimes = grown(this.maxTimes, new Float64Array(this.length * 2 + 16));
      this.firstPart = grown(this.firstPart, new Uint32Array(this.length * 2 + 17));
    }
    this.minTimes[this.length] = minTime;
    this.maxTimes[this.length] = maxTime;
    this.firstPart[this.length++] = this.partCount;
    this.firstPart[this.length] = this.partCount;
  }

  /** Adds a part of the chunk begun last that lies in `bytes` already. */
  refer(aggregate: number, encoding: number, offset: number, length: number): void {
    if (this.partCount === this.partAggregate.length) {
      const capacity = this.partCount * 2 + 16;
      this.partAggregate = grown(this.partAggregate, new Uint8Array(capacity));
      this.partEncoding = grown(this.partEncoding, new Uint8Array(capacity));
      this.partOffset = grown(this.partOffset, new Uint32Array(capacity));
      this.partLength = grown(this.partLength, new Uint32Array(capacity));
    }
    this.partAggregate[this.partCount] = aggregate;
    this.partEncoding[this.partCount] = encoding;
    this.partOffset[this.partCount] = offset;
    this.partLength[this.partCount++] = length;
    this.firstPart[this.length] = this.partCount;
  }

  /** Adds a part of the chunk begun last, copying its bytes. */
  copy(aggregate: number, encoding: number, source: Uint8Array): void {
    this.refer(aggregate, encoding, this.#append(source), source.length);
  }

  /** Gives a part other bytes, which are copied. */
  replace(part: number, encoding: number, source: Uint8Array): void {
    this.partEncoding[part] = encoding;
    this.partOffset[part] = this.#append(source);
    this.partLength[part] = source.length;
  }

  /** Where the copy lies. */
  #append(source: Uint8Array): number {
    const offset = this.#bytesLength;
    const end = this.#bytesLength + source.length;
    if (end > this.bytes.length) {
      this.bytes = grown(this.bytes, new Uint8Array(Math.max(end, this.bytes.length * 2, 1024)));
      this.#view = undefined;
    }
    this.bytes.set(source, offset);
    this.#bytesLength = end;
    return offset;
  }
}

function grown<T extends Float64Array | Uint32Array | Uint8Array>(from: T, to: T): T {
  to.set(from as never);
  return to;
}
