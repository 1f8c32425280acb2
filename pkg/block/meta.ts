// A block's meta.json with the `thanos` section: whose data it is, at which resolution, made by whom, from which files.
//
//   { ulid, minTime, maxTime, stats, compaction, version: 1,       the part every Prometheus block has
//     thanos: { version, labels, downsample: { resolution }, source, segment_files, files, rewrites,
//               index_stats: { series_max_size, chunk_max_size }, extensions, upload_time } }
//
// Printed with tabs and a final newline, keys in this order, empty ones left out where the reference leaves them out.
// Unknown keys are dropped.

import { Fault } from '../errors/fault.ts';
import { Labels } from '../model/labels.ts';
import { isUlid } from '../model/ulid.ts';
import { parseBlockMeta, printBlockMeta, type BlockMeta as TsdbBlockMeta } from '../tsdb/block-meta.ts';
import { escapeAsGo } from './go-json.ts';
import { META_FILE } from './layout.ts';

export interface BlockFile {
  /** From the block's directory: `chunks/000001`, `index`, `meta.json`. */
  readonly relPath: string;
  /** 0 = not recorded, as for meta.json itself. */
  readonly sizeBytes: number;
  /** SHA256 in hex; '' = not recorded. */
  readonly sha256: string;
}

export interface BlockThanos {
  /** 0 (left out in the text) or 1; both mean 1. */
  readonly version: number;
  /** External labels: which stream the block belongs to. */
  readonly labels: Labels;
  /** 0 raw, 300000, 3600000. */
  readonly resolutionMs: number;
  readonly source: string;
  /** Base names under chunks/. The index in this list is the segment number of chunk references. */
  readonly segmentFiles: readonly string[];
  readonly files: readonly BlockFile[];
  /** What `tools bucket rewrite` recorded, kept as it is. */
  readonly rewrites: readonly unknown[];
  /** Largest series entry and chunk in bytes; 0 = unknown. They size the ranges read from the bucket. */
  readonly seriesMaxSizeBytes: number;
  readonly chunkMaxSizeBytes: number;
  /** Any JSON, kept as it is; undefined when absent. */
  readonly extensions: unknown;
  /** RFC 3339 as it stood, since it may carry nanoseconds. `NO_UPLOAD_TIME` until uploaded. */
  readonly uploadTime: string;
}

/** What every block has, and whose it is. */
export interface BlockMeta extends Omit<TsdbBlockMeta, 'others'> {
  readonly thanos: BlockThanos;
}

export const NO_UPLOAD_TIME = '0001-01-01T00:00:00Z';

/** What a block of a Prometheus has until somebody fills it. */
export const emptyThanos: BlockThanos = {
  version: 0,
  labels: Labels.empty,
  resolutionMs: 0,
  source: '',
  segmentFiles: [],
  files: [],
  rewrites: [],
  seriesMaxSizeBytes: 0,
  chunkMaxSizeBytes: 0,
  extensions: undefined,
  uploadTime: NO_UPLOAD_TIME,
};

/** Milliseconds of the upload, or undefined for a block that does not say. */
export function uploadTimeMs(meta: BlockMeta): number | undefined {
  if (meta.thanos.uploadTime === NO_UPLOAD_TIME) return undefined;
  const time = Date.parse(meta.thanos.uploadTime);
  return Number.isNaN(time) ? undefined : time;
}

/** Blocks with equal keys hold one stream at one resolution: what de-duplication and compaction may put together. */
export function groupKey(meta: BlockMeta): string {
  return `${meta.thanos.resolutionMs}@${meta.thanos.labels.key}`;
}

/**
 * Reads meta.json with or without our section. What is no meta.json is `corrupt`, one of another version `unsupported`:
 * to a bucket's reader both are blocks it cannot use.
 */
export function parseMeta(bytes: Uint8Array): BlockMeta {
  const { others, ...meta } = parseBlockMeta(bytes);
  if (!isUlid(meta.ulid)) {
    throw new Fault('corrupt', `${META_FILE}: ulid is not an identifier: ${JSON.stringify(meta.ulid)}`);
  }
  return { ...meta, thanos: parseThanos(new Fields(`${META_FILE}: thanos`, others['thanos'])) };
}

function parseThanos(thanos: Fields): BlockThanos {
  const version = thanos.int('version');
  if (version !== 0 && version !== 1) {
    throw new Fault('unsupported', `${META_FILE}: thanos section has version ${version}, expected 1`);
  }
  const indexStats = thanos.object('index_stats');
  return {
    version,
    labels: Labels.of(thanos.record('labels')),
    resolutionMs: thanos.object('downsample').count('resolution'),
    source: thanos.text('source'),
    segmentFiles: thanos.texts('segment_files'),
    files: thanos.objects('files').map((file) => ({
      relPath: file.text('rel_path'),
      sizeBytes: file.count('size_bytes'),
      sha256: file.object('hash').text('value'),
    })),
    rewrites: thanos.list('rewrites'),
    seriesMaxSizeBytes: indexStats.count('series_max_size'),
    chunkMaxSizeBytes: indexStats.count('chunk_max_size'),
    extensions: thanos.any('extensions'),
    uploadTime: thanos.time('upload_time'),
  };
}

/** The text of meta.json: tabs, a final newline. `parseMeta` of it gives an equal meta. */
export function printMeta(meta: BlockMeta): string {
  const { thanos, ...base } = meta;
  return `${escapeAsGo(printBlockMeta({ ...base, others: { thanos: thanosJson(thanos) } }))}\n`;
}

function thanosJson(thanos: BlockThanos): Readonly<Record<string, unknown>> {
  return {
    ...withoutEmpty({ version: thanos.version }),
    labels: thanos.labels.toRecord(),
    downsample: { resolution: thanos.resolutionMs },
    source: thanos.source,
    ...withoutEmpty({
      segment_files: thanos.segmentFiles,
      files: thanos.files.map((file) => ({
        rel_path: file.relPath,
        ...withoutEmpty({ size_bytes: file.sizeBytes }),
        ...(file.sha256 === '' ? {} : { hash: { hashFunc: 'SHA256', value: file.sha256 } }),
      })),
      rewrites: thanos.rewrites,
    }),
    index_stats: withoutEmpty({
      series_max_size: thanos.seriesMaxSizeBytes,
      chunk_max_size: thanos.chunkMaxSizeBytes,
    }),
    ...(thanos.extensions === undefined ? {} : { extensions: thanos.extensions }),
    upload_time: thanos.uploadTime,
  };
}

/** Leaves out zeroes, false and empty lists, keeping the order of the rest. */
function withoutEmpty(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields).filter(([, value]) => (Array.isArray(value) ? value.length > 0 : Boolean(value))),
  );
}

/** Reads typed fields of a JSON object. An absent or null field is the empty value of its type; a wrong type is `corrupt`. */
class Fields {
  readonly #path: string;
  readonly #values: Readonly<Record<string, unknown>>;

  constructor(path: string, value: unknown) {
    this.#path = path;
    if (value === undefined || value === null) this.#values = {};
    else if (isRecord(value)) this.#values = value;
    else throw new Fault('corrupt', `${path} is not an object`);
  }

  text(key: string): string {
    return this.#typed(key, '', 'a text', (value): value is string => typeof value === 'string');
  }

  int(key: string): number {
    return this.#typed(key, 0, 'an integer', (value): value is number => Number.isInteger(value));
  }

  count(key: string): number {
    const isCount = (value: unknown): value is number => Number.isInteger(value) && (value as number) >= 0;
    return this.#typed(key, 0, 'a count', isCount);
  }

  time(key: string): string {
    const isTime = (value: unknown): value is string => typeof value === 'string' && !Number.isNaN(Date.parse(value));
    return this.#typed(key, NO_UPLOAD_TIME, 'an RFC 3339 time', isTime);
  }

  any(key: string): unknown {
    return this.#values[key] ?? undefined;
  }

  list(key: string): readonly unknown[] {
    return this.#typed(key, [], 'a list', (value): value is readonly unknown[] => Array.isArray(value));
  }

  texts(key: string): readonly string[] {
    const isTexts = (value: unknown): value is readonly string[] =>
      Array.isArray(value) && value.every((item) => typeof item === 'string');
    return this.#typed(key, [], 'a list of texts', isTexts);
  }

  record(key: string): Readonly<Record<string, string>> {
    const isTextRecord = (value: unknown): value is Readonly<Record<string, string>> =>
      isRecord(value) && Object.values(value).every((item) => typeof item === 'string');
    return this.#typed(key, {}, 'a map of texts', isTextRecord);
  }

  object(key: string): Fields {
    return new Fields(`${this.#path}: ${key}`, this.#values[key]);
  }

  objects(key: string): readonly Fields[] {
    return this.list(key).map((item, i) => new Fields(`${this.#path}: ${key}[${i}]`, item));
  }

  #typed<T>(key: string, empty: T, what: string, isRight: (value: unknown) => value is T): T {
    const value = this.#values[key];
    if (value === undefined || value === null) return empty;
    if (!isRight(value)) throw new Fault('corrupt', `${this.#path}: ${key} is not ${what}`);
    return value;
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
