// The answer of a Prometheus that does not stream chunks: samples, encoded here into chunks of 120.

import { Fault } from '../errors/fault.ts';
import { Labels } from '../model/labels.ts';
import { numberOf } from '../proto/int64.ts';
import type { ReadResponse } from '../proto/remote-read.ts';
import { SampleBuffer } from '../storage/sample-columns.ts';
import { ChunkTableBuilder } from '../store/chunk-table.ts';
import { Aggregate, type StoreSeries } from '../store/store.ts';
import { ENCODING_XOR } from '../tsdb/chunkenc/encoding.ts';
import { encodeXor } from '../tsdb/chunkenc/xor.ts';

const SAMPLES_A_CHUNK = 120;

/** In the order of the answer. Throws `unsupported` for native histograms: this form would lose them without a word. */
export function* sampledSeries({ results }: ReadResponse): Iterable<StoreSeries> {
  if (results.length !== 1) throw new Fault('corrupt', `remote read: ${results.length} results for one query`);
  for (const { labels, samples, histograms } of results[0].timeseries) {
    const names = Labels.from(labels.map(({ name, value }) => [name, value] as const));
    if (histograms.length > 0) {
      throw new Fault(
        'unsupported',
        `Prometheus sent native histograms of ${names} as samples: only a Prometheus that streams chunks (2.13) can serve them`,
      );
    }
    if (samples.length === 0) continue;
    const columns = new SampleBuffer(samples.length);
    for (const { timestamp, value } of samples) columns.push(numberOf(timestamp), value);
    const table = new ChunkTableBuilder(Math.ceil(samples.length / SAMPLES_A_CHUNK));
    for (let from = 0; from < columns.length; from += SAMPLES_A_CHUNK) {
      const to = Math.min(from + SAMPLES_A_CHUNK, columns.length);
      table.chunk(columns.times[from], columns.times[to - 1]);
      table.copy(Aggregate.raw, ENCODING_XOR, encodeXor(columns, from, to));
    }
    yield { labels: names, chunks: [{ table, from: 0, to: table.length }] };
  }
}
