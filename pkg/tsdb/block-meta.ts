// meta.json: what a block covers and where it came from. Keys that are not Prometheus' own (Thanos keeps its labels and
// resolution in one) are kept aside as they were.

import { Fault } from '../errors/fault.ts';

export interface BlockStats {
  readonly numSamples: number;
  readonly numFloatSamples: number;
  readonly numHistogramSamples: number;
  readonly numSeries: number;
  readonly numChunks: number;
  readonly numTombstones: number;
}

export interface BlockDesc {
  readonly ulid: string;
  readonly minTime: number;
  readonly maxTime: number;
}

export interface BlockCompaction {
  /** 1 was cut from memory; a merge is one above its highest input. */
  readonly level: number;
  /** The level 1 ancestors, sorted; a new block lists itself. */
  readonly sources: readonly string[];
  /** No samples were left. */
  readonly deletable: boolean;
  /** Direct inputs of the last merge. */
  readonly parents: readonly BlockDesc[];
  /** A merge of it failed; planners leave it alone. */
  readonly failed: boolean;
  readonly hints: readonly string[];
}

export interface BlockMeta {
  readonly ulid: string;
  /** Inclusive, ms. */
  readonly minTime: number;
  /** Exclusive, ms. */
  readonly maxTime: number;
  readonly stats: BlockStats;
  readonly compaction: BlockCompaction;
  /** Every other key of the file with its parsed value, in order. */
  readonly others: Readonly<Record<string, unknown>>;
}

export const META_FILE = 'meta.json';
const VERSION = 1;

type Json = Readonly<Record<string, unknown>>;

const statKeys = [
  'numSamples',
  'numFloatSamples',
  'numHistogramSamples',
  'numSeries',
  'numChunks',
  'numTombstones',
] as const;

/** Parses the file's text or bytes. `corrupt` when it is not a meta.json, `unsupported` for another version than 1. */
export function parseBlockMeta(source: string | Uint8Array): BlockMeta {
  const text = typeof source === 'string' ? source : new TextDecoder().decode(source);
  if (text.trim() === '') throw new Fault('corrupt', 'meta.json is empty');
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (thrown) {
    throw new Fault('corrupt', 'meta.json is not JSON', { cause: thrown });
  }
  const root = objectAt(parsed, 'meta.json');
  if (root['version'] !== VERSION) {
    throw new Fault('unsupported', `meta.json has version ${JSON.stringify(root['version'])}, expected 1`);
  }
  const { ulid, minTime, maxTime, stats, compaction, version: _version, ...others } = root;
  const meta = {
    ulid: stringAt(ulid, 'ulid'),
    minTime: integerAt(minTime, 'minTime'),
    maxTime: integerAt(maxTime, 'maxTime'),
    stats: parseStats(stats),
    compaction: parseCompaction(compaction),
    others,
  };
  if (meta.maxTime < meta.minTime) throw new Fault('corrupt', 'meta.json has a maxTime before its minTime');
  return meta;
}

/** The file as Prometheus writes it: indented by tabs, no newline at the end. */
export function printBlockMeta(meta: BlockMeta): string {
  const stats: Record<string, number> = {};
  for (const key of statKeys) if (meta.stats[key] !== 0) stats[key] = meta.stats[key];
  const { level, sources, deletable, parents, failed, hints } = meta.compaction;
  return JSON.stringify(
    {
      ulid: meta.ulid,
      minTime: meta.minTime,
      maxTime: meta.maxTime,
      stats,
      compaction: {
        level,
        sources: sources.length > 0 ? sources : undefined,
        deletable: deletable || undefined,
        parents: parents.length > 0 ? parents : undefined,
        failed: failed || undefined,
        hints: hints.length > 0 ? hints : undefined,
      },
      version: VERSION,
      ...meta.others,
    },
    undefined,
    '\t',
  );
}

function parseStats(value: unknown): BlockStats {
  const stats = objectAt(value ?? {}, 'stats');
  const [numSamples, numFloatSamples, numHistogramSamples, numSeries, numChunks, numTombstones] = statKeys.map((key) =>
    integerAt(stats[key] ?? 0, `stats.${key}`),
  );
  return { numSamples, numFloatSamples, numHistogramSamples, numSeries, numChunks, numTombstones };
}

function parseCompaction(value: unknown): BlockCompaction {
  const compaction = objectAt(value ?? {}, 'compaction');
  return {
    level: integerAt(compaction['level'] ?? 0, 'compaction.level'),
    sources: stringsAt(compaction['sources'], 'compaction.sources'),
    deletable: compaction['deletable'] === true,
    parents: arrayAt(compaction['parents'], 'compaction.parents').map((parent) => {
      const { ulid, minTime, maxTime } = objectAt(parent, 'compaction.parents');
      return {
        ulid: stringAt(ulid, 'compaction.parents.ulid'),
        minTime: integerAt(minTime, 'compaction.parents.minTime'),
        maxTime: integerAt(maxTime, 'compaction.parents.maxTime'),
      };
    }),
    failed: compaction['failed'] === true,
    hints: stringsAt(compaction['hints'], 'compaction.hints'),
  };
}

function objectAt(value: unknown, what: string): Json {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrong(what, 'an object');
  return value as Json;
}

function stringAt(value: unknown, what: string): string {
  if (typeof value !== 'string') throw wrong(what, 'a string');
  return value;
}

function integerAt(value: unknown, what: string): number {
  if (typeof value !== 'number' || !Number.isInteger(value)) throw wrong(what, 'an integer');
  return value;
}

function arrayAt(value: unknown, what: string): readonly unknown[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw wrong(what, 'a list');
  return value;
}

function stringsAt(value: unknown, what: string): string[] {
  return arrayAt(value, what).map((item) => stringAt(item, what));
}

function wrong(what: string, expected: string): Fault {
  return new Fault('corrupt', `meta.json: ${what} is not ${expected}`);
}

/** What meta.json of a merger says of its origin. */
export function mergedCompaction(inputs: readonly Omit<BlockMeta, 'others'>[]): BlockCompaction {
  return {
    level: Math.max(...inputs.map((meta) => meta.compaction.level)) + 1,
    sources: [...new Set(inputs.flatMap((meta) => meta.compaction.sources))].sort(),
    deletable: false,
    parents: inputs.map(({ ulid, minTime, maxTime }) => ({ ulid, minTime, maxTime })),
    failed: false,
    hints: [],
  };
}
