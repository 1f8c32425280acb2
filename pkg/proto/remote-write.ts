// Prometheus remote write: the requests of both versions, and how a body says which it is.
//
//   1.0  WriteRequest   series with labels as texts, metadata beside them
//   2.0  Request        a table of symbols; series name their labels, metadata and exemplars by symbol
//
// A body is one snappy block (bytes/snappy.ts) of such a message. Values are numbers here: decoding and encoding keeps the
// bits of NaNs, arithmetic would not.

import { Fault } from '../errors/fault.ts';
import { Labels } from '../model/labels.ts';
import { codecOf, type Init } from './codec.ts';
import type * as v2 from './generated/io-prometheus-write-v2.ts';
import type * as prometheus from './generated/prometheus.ts';

export type WriteRequest = prometheus.WriteRequest;
export type MetricMetadata = prometheus.MetricMetadata;
export type WriteRequestV2 = v2.Request;
export type TimeSeriesV2 = v2.TimeSeries;
export type HistogramV2 = v2.Histogram;

export const writeRequestCodec = codecOf<WriteRequest>('prometheus.WriteRequest');
export const writeRequestV2Codec = codecOf<WriteRequestV2>('io.prometheus.write.v2.Request');

/** What a sender of each version puts into the headers. */
export const writeHeaders = {
  v1: { 'Content-Type': 'application/x-protobuf', 'X-Prometheus-Remote-Write-Version': '0.1.0' },
  v2: {
    'Content-Type': 'application/x-protobuf;proto=io.prometheus.write.v2.Request',
    'X-Prometheus-Remote-Write-Version': '2.0.0',
  },
} as const;

export type WriteVersion = keyof typeof writeHeaders;

const messages: Readonly<Record<string, WriteVersion>> = {
  'prometheus.WriteRequest': 'v1',
  'io.prometheus.write.v2.Request': 'v2',
};

/**
 * The version that a Content-Type names; none at all is 1.0, as Prometheus takes it. `unsupported` for anything else,
 * which a server answers with 415.
 */
export function writeVersionOf(contentType: string): WriteVersion {
  if (contentType.trim() === '') return 'v1';
  const [media, ...parameters] = contentType.split(';').map((part) => part.trim());
  if (media.toLowerCase() !== 'application/x-protobuf') {
    throw new Fault('unsupported', `expected application/x-protobuf, got content type ${JSON.stringify(contentType)}`);
  }
  for (const parameter of parameters) {
    const [key, value = ''] = parameter.split('=');
    if (key.trim().toLowerCase() !== 'proto') continue;
    const version = messages[value.trim()];
    if (version === undefined) {
      throw new Fault('unsupported', `there is no remote write message ${JSON.stringify(value.trim())}`);
    }
    return version;
  }
  return 'v1';
}

/** Gives each text of a 2.0 request its number while the request is made. */
export class WriteSymbols {
  readonly #refs = new Map<string, number>([['', 0]]);

  /** The texts in the order of their numbers; the first is empty. */
  get symbols(): string[] {
    return [...this.#refs.keys()];
  }

  refOf(text: string): number {
    let ref = this.#refs.get(text);
    if (ref === undefined) {
      ref = this.#refs.size;
      this.#refs.set(text, ref);
    }
    return ref;
  }

  /** Names and values in turn. */
  refsOf(labels: Labels): number[] {
    return labels.flat.map((text) => this.refOf(text));
  }
}

/** The text of a symbol of a 2.0 request; `invalid` when there is none such. */
export function symbolOf(symbols: readonly string[], ref: number): string {
  const symbol = symbols[ref];
  if (symbol === undefined) throw new Fault('invalid', `symbol ${ref} is outside of the ${symbols.length} there are`);
  return symbol;
}

/**
 * The labels that references of a 2.0 request stand for, sorted and cleaned of empty values whatever their order.
 * `invalid` for a reference to nothing, an odd number of them, and a name given twice.
 */
export function labelsOfRefs(refs: readonly number[], symbols: readonly string[]): Labels {
  if (refs.length % 2 !== 0) throw new Fault('invalid', `${refs.length} label references are no pairs`);
  const pairs: [name: string, value: string][] = [];
  const names = new Set<string>();
  for (let i = 0; i < refs.length; i += 2) {
    const name = symbolOf(symbols, refs[i]);
    if (names.has(name)) throw new Fault('invalid', `label ${JSON.stringify(name)} is given twice`);
    names.add(name);
    pairs.push([name, symbolOf(symbols, refs[i + 1])]);
  }
  return Labels.from(pairs);
}

/** A 2.0 request begins with an empty symbol; `invalid` when it does not. */
export function checkSymbols(request: Init<WriteRequestV2>): void {
  if (request.symbols?.[0] !== '') throw new Fault('invalid', 'the first symbol of a write request is not empty');
}
