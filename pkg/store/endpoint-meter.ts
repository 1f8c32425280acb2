// What one endpoint of a fan-out gave, counted batch by batch. Only for requests that ask for it.

import type { EndpointReport } from '../storage/series.ts';
import type { ChunkTable } from './chunk-table.ts';
import type { SeriesBatch } from './store.ts';

export class EndpointMeter {
  readonly #endpoint: string;
  readonly #since = performance.now();
  #bytes = 0;
  #responses = 0;
  #series = 0;
  #chunks = 0;
  #samples = 0;

  constructor(endpoint: string) {
    this.#endpoint = endpoint;
  }

  add({ series }: SeriesBatch): void {
    this.#responses++;
    this.#series += series.length;
    for (const { chunks } of series) {
      for (const { table, from, to } of chunks) {
        this.#chunks += to - from;
        for (let chunk = from; chunk < to; chunk++) this.#addChunk(table, chunk);
      }
    }
  }

  /** The answer has ended, with a failure or without. */
  report(error?: string): EndpointReport {
    return {
      endpoint: this.#endpoint,
      durationMs: performance.now() - this.#since,
      bytes: this.#bytes,
      responses: this.#responses,
      series: this.#series,
      chunks: this.#chunks,
      samples: this.#samples,
      ...(error === undefined ? {} : { error }),
    };
  }

  #addChunk(table: ChunkTable, chunk: number): void {
    for (let part = table.firstPart[chunk]; part < table.firstPart[chunk + 1]; part++) {
      const offset = table.partOffset[part];
      const length = table.partLength[part];
      this.#bytes += length;
      // Every encoding begins with the number of samples; the parts of a chunk have about as many, and count once.
      if (part === table.firstPart[chunk] && length >= 2) {
        this.#samples += (table.bytes[offset] << 8) | table.bytes[offset + 1];
      }
    }
  }
}
