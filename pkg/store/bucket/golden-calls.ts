// Tests: answers of a store in a form that compares, from golden frames and from a Store.

import type { RequestContext } from '../../async/request.ts';
import { numberOf } from '../../proto/int64.ts';
import { labelsOf } from '../../proto/labels.ts';
import { seriesResponseCodec } from '../../proto/store-service.ts';
import { Aggregate, type SeriesRequest, type Store } from '../store.ts';

export interface PlainChunk {
  readonly minTime: number;
  readonly maxTime: number;
  /** `aggregate/encoding/bytes in base64`, in the order of the aggregates. */
  readonly parts: readonly string[];
}

export interface PlainSeries {
  readonly labels: string;
  readonly chunks: PlainChunk[];
}

/** What `thanos store` sent. Neighbouring frames of one series are one series. */
export function plainFrames(frames: readonly Uint8Array[]): PlainSeries[] {
  const out: PlainSeries[] = [];
  for (const frame of frames) {
    const message = seriesResponseCodec.decode(frame);
    for (const series of [...(message.series === null ? [] : [message.series]), ...(message.batch?.series ?? [])]) {
      const chunks = series.chunks.map((chunk) => ({
        minTime: numberOf(chunk.min_time),
        maxTime: numberOf(chunk.max_time),
        parts: (Object.keys(Aggregate) as (keyof typeof Aggregate)[]).flatMap((name) => {
          const part = chunk[name];
          return part === null ? [] : [`${name}/${part.type + 1}/${Buffer.from(part.data).toString('base64')}`];
        }),
      }));
      push(out, labelsOf(series.labels).toString(), chunks);
    }
  }
  return out;
}

export async function plainSeries(request: RequestContext, store: Store, query: SeriesRequest): Promise<PlainSeries[]> {
  const names = Object.keys(Aggregate);
  const out: PlainSeries[] = [];
  for await (const { series } of store.series(request, query)) {
    for (const { labels, chunks } of series) {
      const plain = chunks.flatMap(({ table, from, to }) =>
        Array.from({ length: to - from }, (_, i) => {
          const parts: string[] = [];
          for (let p = table.firstPart[from + i]; p < table.firstPart[from + i + 1]; p++) {
            const start = table.partOffset[p];
            const data = Buffer.from(table.bytes.subarray(start, start + table.partLength[p])).toString('base64');
            parts.push(`${names[table.partAggregate[p]]}/${table.partEncoding[p]}/${data}`);
          }
          return { minTime: table.minTimes[from + i], maxTime: table.maxTimes[from + i], parts };
        }),
      );
      push(out, labels.toString(), plain);
    }
  }
  return out;
}

function push(out: PlainSeries[], labels: string, chunks: PlainChunk[]): void {
  const last = out.at(-1);
  if (last?.labels === labels) last.chunks.push(...chunks);
  else out.push({ labels, chunks });
}
