// Series entries of one block as columns: no object for a series, a label or a chunk.
//
//   series i:  labels  labelIds[firstLabel[i] .. firstLabel[i + 1])      symbol numbers, name and value in turn
//              chunks  firstChunk[i] .. firstChunk[i + 1]                only those that meet the asked time
//   chunk c:   minTimes[c]  maxTimes[c]  segments[c]  offsets[c]

import type { SeriesEntry } from '../../tsdb/index/series-entry.ts';

export class SeriesTable {
  length = 0;
  firstLabel: Uint32Array;
  firstChunk: Uint32Array;
  labelIds: Uint32Array;
  minTimes: Float64Array;
  maxTimes: Float64Array;
  segments: Uint32Array;
  offsets: Float64Array;
  #labelCount = 0;
  #chunkCount = 0;

  /** Room for so many series; it grows. A request has a table for each block, and there may be thousands. */
  constructor(capacity = 256) {
    this.firstLabel = new Uint32Array(capacity + 1);
    this.firstChunk = new Uint32Array(capacity + 1);
    this.labelIds = new Uint32Array(capacity * 16);
    this.minTimes = new Float64Array(capacity * 4);
    this.maxTimes = new Float64Array(capacity * 4);
    this.segments = new Uint32Array(capacity * 4);
    this.offsets = new Float64Array(capacity * 4);
  }

  /** Adds a decoded entry with its chunks that meet [minTime, maxTime]; false, and nothing added, when it has none. */
  add(entry: SeriesEntry, minTime: number, maxTime: number): boolean {
    const { chunkCount } = entry;
    // Chunks of a series ascend and do not overlap, so those that meet the range are neighbours.
    let from = 0;
    while (from < chunkCount && entry.maxTimes[from] < minTime) from++;
    let to = from;
    while (to < chunkCount && entry.minTimes[to] <= maxTime) to++;
    if (to === from) return false;
    this.#reserve(2 * entry.labelCount, to - from);
    const labels = 2 * entry.labelCount;
    const refs = entry.labelRefs;
    const at = this.#labelCount;
    for (let i = 0; i < labels; i++) this.labelIds[at + i] = refs[i];
    this.#labelCount += labels;
    for (let i = from, c = this.#chunkCount; i < to; i++, c++) {
      this.minTimes[c] = entry.minTimes[i];
      this.maxTimes[c] = entry.maxTimes[i];
      this.segments[c] = entry.segments[i];
      this.offsets[c] = entry.offsets[i];
    }
    this.#chunkCount += to - from;
    this.length++;
    this.firstLabel[this.length] = this.#labelCount;
    this.firstChunk[this.length] = this.#chunkCount;
    return true;
  }

  /** Whether the labels of series `a`, which has fewer, are the first labels of series `b`. */
  isPrefix(a: number, b: number): boolean {
    const from = this.firstLabel[a];
    const count = this.firstLabel[a + 1] - from;
    const other = this.firstLabel[b];
    if (count >= this.firstLabel[b + 1] - other) return false;
    for (let i = count - 1; i >= 0; i--) if (this.labelIds[from + i] !== this.labelIds[other + i]) return false;
    return true;
  }

  #reserve(labels: number, chunks: number): void {
    if (this.length + 2 > this.firstLabel.length) {
      this.firstLabel = grown(this.firstLabel, new Uint32Array(this.length * 2 + 2));
      this.firstChunk = grown(this.firstChunk, new Uint32Array(this.length * 2 + 2));
    }
    if (this.#labelCount + labels > this.labelIds.length) {
      this.labelIds = grown(this.labelIds, new Uint32Array(2 * (this.#labelCount + labels)));
    }
    if (this.#chunkCount + chunks > this.minTimes.length) {
      const capacity = 2 * (this.#chunkCount + chunks);
      this.minTimes = grown(this.minTimes, new Float64Array(capacity));
      this.maxTimes = grown(this.maxTimes, new Float64Array(capacity));
      this.segments = grown(this.segments, new Uint32Array(capacity));
      this.offsets = grown(this.offsets, new Float64Array(capacity));
    }
  }
}

function grown<T extends Float64Array | Uint32Array>(from: T, to: T): T {
  to.set(from as never);
  return to;
}
