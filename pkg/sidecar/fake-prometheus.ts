// Tests: a Prometheus over HTTP that holds a few series: remote read (streamed or sampled), label calls, configuration.

import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { backgroundRequest } from '../async/request.ts';
import { crc32c } from '../bytes/crc32c.ts';
import { decodeSnappy, encodeSnappy } from '../bytes/snappy.ts';
import { writeUvarint } from '../bytes/varint.ts';
import type { Labels } from '../model/labels.ts';
import { Matcher } from '../model/matcher.ts';
import { MAX_TIME, MIN_TIME } from '../model/time.ts';
import { parseSelector } from '../promql/parser/parse.ts';
import { int64Of, numberOf } from '../proto/int64.ts';
import { chunkedReadResponseCodec, readRequestCodec, readResponseCodec } from '../proto/remote-read.ts';
import { SampleBuffer } from '../storage/sample-columns.ts';
import { type FakeSeries, FakeStore } from '../store/fake-store.ts';
import type { SeriesRequest, StoreSeries } from '../store/store.ts';
import { decodeXorChunk } from '../tsdb/chunkenc/decode.ts';

export interface FakePrometheusOptions {
  readonly series: readonly FakeSeries[];
  readonly externalLabels: Labels;
  /** Answers remote read with samples, as versions before 2.13 do. */
  readonly streams?: boolean;
  readonly version?: string;
  readonly flags?: Readonly<Record<string, string>>;
  /** Stands in for every chunk that is streamed; the encoding is the block format's. */
  readonly chunk?: { readonly encoding: number; readonly bytes: Uint8Array };
}

const OPS = ['=', '!=', '=~', '!~'] as const;

export class FakePrometheus {
  readonly #server: Server;
  readonly #options: FakePrometheusOptions;
  readonly #store: FakeStore;
  /** Paths asked for, in order, without parameters. */
  readonly calls: string[] = [];
  /** What its configuration and flags say from now on, other than at the start. */
  restarted: Partial<Pick<FakePrometheusOptions, 'externalLabels' | 'flags'>> = {};
  /** Every call gets this status and no body. */
  brokenWith: number | undefined;

  constructor(options: FakePrometheusOptions) {
    this.#options = options;
    this.#store = new FakeStore(options.series, { chunkSamples: 120 });
    this.#server = createServer((request, response) => {
      this.#answer(request, response).catch((thrown) => {
        response.writeHead(500).end(String(thrown));
      });
    });
  }

  /** The base URL once it listens. */
  async start(): Promise<string> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    const address = this.#server.address();
    return `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://x');
    this.calls.push(url.pathname);
    if (this.brokenWith !== undefined) {
      response.writeHead(this.brokenWith).end('broken');
      return;
    }
    const { externalLabels, version = '3.14.0', flags = {} } = { ...this.#options, ...this.restarted };
    const values = /^\/api\/v1\/label\/([^/]+)\/values$/.exec(url.pathname);
    if (url.pathname === '/api/v1/read') await this.#read(request, response);
    else if (url.pathname === '/api/v1/series')
      send(
        response,
        (await this.#matching(url)).map((labels) => labels.toRecord()),
      );
    else if (url.pathname === '/api/v1/labels') {
      send(response, unique((await this.#matching(url)).flatMap((labels) => [...labels].map(([name]) => name))));
    } else if (values !== null) {
      const name = decodeURIComponent(values[1]);
      send(
        response,
        unique((await this.#matching(url)).map((labels) => labels.get(name)).filter((value) => value !== '')),
      );
    } else if (url.pathname === '/api/v1/status/config') {
      send(response, { yaml: `global:\n  external_labels: ${JSON.stringify(externalLabels.toRecord())}\n` });
    } else if (url.pathname === '/api/v1/status/flags') send(response, flags);
    else if (url.pathname === '/api/v1/status/buildinfo') send(response, { version });
    else if (url.pathname === '/metrics') response.end('prometheus_tsdb_lowest_timestamp_seconds 1.7e+09\n');
    else response.writeHead(404).end('404 page not found');
  }

  async #matching(url: URL): Promise<Labels[]> {
    const bound = (name: string, byDefault: number): number => {
      const text = url.searchParams.get(name);
      return text === null ? byDefault : Number(text) * 1000;
    };
    const found = new Map<string, Labels>();
    const selectors = url.searchParams.getAll('match[]');
    for (const selector of selectors.length > 0 ? selectors : ['{__name__=~".*"}']) {
      const query = request(parseSelector(selector), bound('start', MIN_TIME), bound('end', MAX_TIME));
      for (const { labels } of await this.#select({ ...query, limit: Number(url.searchParams.get('limit') ?? 0) })) {
        found.set(labels.key, labels);
      }
    }
    return [...found.values()];
  }

  async #select(query: SeriesRequest): Promise<StoreSeries[]> {
    const found: StoreSeries[] = [];
    for await (const { series } of this.#store.series(backgroundRequest(), query)) found.push(...series);
    return found;
  }

  async #read(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const parts: Buffer[] = [];
    for await (const part of incoming) parts.push(part as Buffer);
    const { queries } = readRequestCodec.decode(decodeSnappy(Buffer.concat(parts), 1 << 20));
    const { start_timestamp_ms, end_timestamp_ms, matchers } = queries[0];
    const asked = matchers.map(({ type, name, value }) => new Matcher(OPS[type], name, value));
    const found = await this.#select(request(asked, numberOf(start_timestamp_ms), numberOf(end_timestamp_ms)));
    if (this.#options.streams === false) {
      const timeseries = found.map((series) => ({ labels: this.#labelsOf(series), samples: samplesOf(series) }));
      response.setHeader('content-type', 'application/x-protobuf');
      response.end(encodeSnappy(readResponseCodec.encode({ results: [{ timeseries }] })));
      return;
    }
    response.setHeader('content-type', 'application/x-streamed-protobuf; proto=prometheus.ChunkedReadResponse');
    for (const series of found) response.write(frameOf(this.#labelsOf(series), series, this.#options.chunk));
    response.end();
  }

  /** Remote read adds the external labels; a label of the series wins. */
  #labelsOf(series: StoreSeries): { name: string; value: string }[] {
    return [...this.#options.externalLabels.with(series.labels)].map(([name, value]) => ({ name, value }));
  }
}

function request(matchers: readonly Matcher[], minTime: number, maxTime: number): SeriesRequest {
  return {
    minTime,
    maxTime,
    matchers,
    maxResolutionMs: 0,
    aggregates: [],
    skipChunks: false,
    partialResponse: 'warn',
    withoutReplicaLabels: [],
    limit: 0,
    responseBatchSize: 0,
  };
}

function frameOf(
  labels: { name: string; value: string }[],
  { chunks }: StoreSeries,
  chunk: FakePrometheusOptions['chunk'],
): Buffer {
  const list = chunks.flatMap(({ table, from, to }) =>
    Array.from({ length: to - from }, (_, k) => {
      const part = table.firstPart[from + k];
      const offset = table.partOffset[part];
      return {
        min_time_ms: int64Of(table.minTimes[from + k]),
        max_time_ms: int64Of(table.maxTimes[from + k]),
        type: chunk?.encoding ?? table.partEncoding[part],
        data: chunk?.bytes ?? table.bytes.slice(offset, offset + table.partLength[part]),
      };
    }),
  );
  const message = chunkedReadResponseCodec.encode({ chunked_series: [{ labels, chunks: list }] });
  const head = new Uint8Array(14);
  const size = writeUvarint(head, 0, message.length);
  new DataView(head.buffer).setUint32(size, crc32c(message));
  return Buffer.concat([head.subarray(0, size + 4), message]);
}

function samplesOf({ chunks }: StoreSeries) {
  const samples = new SampleBuffer();
  for (const { table, from, to } of chunks) {
    for (let part = table.firstPart[from]; part < table.firstPart[to]; part++) {
      decodeXorChunk(table.bytes, table.partOffset[part], table.partLength[part], samples);
    }
  }
  return Array.from({ length: samples.length }, (_, i) => ({
    timestamp: int64Of(samples.times[i]),
    value: samples.values[i],
  }));
}

function send(response: ServerResponse, data: unknown): void {
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify({ status: 'success', data }));
}

function unique(values: readonly string[]): string[] {
  return [...new Set(values)].sort();
}
