// Sends series to a Prometheus by remote write 2.0.

import { encodeSnappy } from '../../pkg/bytes/snappy.ts';
import type { HistogramSample } from '../../pkg/model/histogram.ts';
import { int64Field } from '../../pkg/proto/int64.ts';
import { histogramMessage } from '../../pkg/proto/remote-histogram.ts';
import { WriteSymbols, writeHeaders, writeRequestV2Codec } from '../../pkg/proto/remote-write.ts';
import type { RecordedSeries } from '../../pkg/tsdb/wal/recorded-fixture.ts';

const bits = new DataView(new ArrayBuffer(8));

/** One request; a failure names the answer. */
export async function writeSeries(url: string, series: readonly RecordedSeries[]): Promise<void> {
  const symbols = new WriteSymbols();
  const timeseries = series.map(({ labels, floats, histograms, exemplars, metadata }) => ({
    labels_refs: symbols.refsOf(labels),
    samples: floats.map(({ time, high, low, start }) => {
      bits.setUint32(0, high);
      bits.setUint32(4, low);
      return { value: bits.getFloat64(0), timestamp: int64Field(time), start_timestamp: int64Field(start) };
    }),
    histograms: histograms.map((sample: HistogramSample & { readonly start: number }) => ({
      ...histogramMessage(sample),
      start_timestamp: int64Field(sample.start),
    })),
    exemplars: exemplars.map(({ time, value, labels: own }) => ({
      labels_refs: symbols.refsOf(own),
      value,
      timestamp: int64Field(time),
    })),
    metadata: { type: metadata.type, help_ref: symbols.refOf(metadata.help), unit_ref: symbols.refOf(metadata.unit) },
  }));
  const body = encodeSnappy(writeRequestV2Codec.encode({ symbols: symbols.symbols, timeseries }));
  const response = await fetch(`${url}/api/v1/write`, {
    method: 'POST',
    headers: { ...writeHeaders.v2, 'Content-Encoding': 'snappy' },
    body: new Uint8Array(body),
  });
  if (response.status !== 204) throw new Error(`remote write: ${response.status} ${await response.text()}`);
}

/** Sends a series in requests of some samples each, as a scraping server would. */
export async function writeInParts(url: string, series: RecordedSeries, samples: number): Promise<void> {
  const { floats, histograms, exemplars } = series;
  for (let at = 0; at < Math.max(floats.length, histograms.length); at += samples) {
    await writeSeries(url, [
      {
        ...series,
        floats: floats.slice(at, at + samples),
        histograms: histograms.slice(at, at + samples),
        // Each with the samples of its time.
        exemplars: exemplars.filter(({ time }) => {
          const from = floats[at]?.time ?? 0;
          const to = floats[at + samples]?.time ?? Number.POSITIVE_INFINITY;
          return time >= from && time < to;
        }),
      },
    ]);
  }
}
