// A block's meta as the values a Go template sees: fields by the names of the reference's types, printed as Go prints them.

import type { BlockMeta } from './meta.ts';

export type GoValue =
  | { readonly kind: 'struct'; readonly fields: ReadonlyMap<string, GoValue> }
  | { readonly kind: 'map'; readonly entries: ReadonlyMap<string, GoValue> }
  | { readonly kind: 'list'; readonly items: readonly GoValue[] }
  | { readonly kind: 'string'; readonly text: string }
  | { readonly kind: 'number'; readonly value: number }
  | { readonly kind: 'bool'; readonly value: boolean }
  /** `nil`, or what a map does not have: printed differently. */
  | { readonly kind: 'none'; readonly text: '<nil>' | '<no value>' };

const nil: GoValue = { kind: 'none', text: '<nil>' };
export const string = (text: string): GoValue => ({ kind: 'string', text });
export const number = (value: number): GoValue => ({ kind: 'number', value });
const bool = (value: boolean): GoValue => ({ kind: 'bool', value });
const list = (items: readonly GoValue[]): GoValue => ({ kind: 'list', items });
const struct = (fields: Readonly<Record<string, GoValue>>): GoValue => ({
  kind: 'struct',
  fields: new Map(Object.entries(fields)),
});

/** The value a template starts from. */
export function goMeta(meta: BlockMeta): GoValue {
  const { stats, compaction, thanos } = meta;
  const base = {
    ULID: string(meta.ulid),
    MinTime: number(meta.minTime),
    MaxTime: number(meta.maxTime),
    Stats: struct({
      NumSamples: number(stats.numSamples),
      NumFloatSamples: number(stats.numFloatSamples),
      NumHistogramSamples: number(stats.numHistogramSamples),
      NumSeries: number(stats.numSeries),
      NumChunks: number(stats.numChunks),
      NumTombstones: number(stats.numTombstones),
    }),
    Compaction: struct({
      Level: number(compaction.level),
      Sources: list(compaction.sources.map(string)),
      Deletable: bool(compaction.deletable),
      Parents: list(
        compaction.parents.map(({ ulid, minTime, maxTime }) =>
          struct({ ULID: string(ulid), MinTime: number(minTime), MaxTime: number(maxTime) }),
        ),
      ),
      Failed: bool(compaction.failed),
      Hints: list(compaction.hints.map(string)),
    }),
    Version: number(1),
  };
  const files = thanos.files.map(({ relPath, sizeBytes, sha256 }) =>
    struct({
      RelPath: string(relPath),
      SizeBytes: number(sizeBytes),
      Hash: sha256 === '' ? nil : struct({ Func: string('SHA256'), Value: string(sha256) }),
    }),
  );
  return struct({
    ...base,
    BlockMeta: struct(base),
    Thanos: struct({
      Version: number(thanos.version),
      Labels: {
        kind: 'map',
        entries: new Map([...Object.entries(thanos.labels.toRecord())].map(([name, value]) => [name, string(value)])),
      },
      Downsample: struct({ Resolution: number(thanos.resolutionMs) }),
      Source: string(thanos.source),
      SegmentFiles: list(thanos.segmentFiles.map(string)),
      Files: list(files),
      Rewrites: list(thanos.rewrites.map((rewrite) => string(JSON.stringify(rewrite)))),
      IndexStats: struct({
        SeriesMaxSize: number(thanos.seriesMaxSizeBytes),
        ChunkMaxSize: number(thanos.chunkMaxSizeBytes),
      }),
      Extensions: thanos.extensions === undefined ? nil : string(JSON.stringify(thanos.extensions)),
      UploadTime: string(goTime(thanos.uploadTime)),
    }),
  });
}

/** As `%v` prints it. */
export function goText(value: GoValue): string {
  switch (value.kind) {
    case 'struct':
      return `{${[...value.fields.values()].map(goText).join(' ')}}`;
    case 'map':
      return `map[${sorted(value.entries)
        .map(([key, item]) => `${key}:${goText(item)}`)
        .join(' ')}]`;
    case 'list':
      return `[${value.items.map(goText).join(' ')}]`;
    case 'number':
    case 'bool':
      return String(value.value);
    default:
      return value.text;
  }
}

/** Empty, zero, false and missing are none. */
export function isTrue(value: GoValue): boolean {
  switch (value.kind) {
    case 'struct':
      return true;
    case 'map':
      return value.entries.size > 0;
    case 'list':
      return value.items.length > 0;
    case 'string':
      return value.text !== '';
    case 'number':
      return value.value !== 0;
    case 'bool':
      return value.value;
    default:
      return false;
  }
}

/** Go walks maps in the order of their keys. */
export function sorted(entries: ReadonlyMap<string, GoValue>): (readonly [string, GoValue])[] {
  return [...entries].sort(([a], [b]) => (a < b ? -1 : 1));
}

/** `2026-11-22T17:32:08.25Z` as `2026-11-22 17:32:08.25 +0000 UTC`. */
function goTime(text: string): string {
  return text.replace(/^(.{10})T(.*)Z$/, '$1 $2 +0000 UTC');
}
