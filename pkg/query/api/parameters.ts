// Parameters that several endpoints of the querier share, from text to values. Texts of errors are the reference's.

import { Fault } from '../../errors/fault.ts';
import type { Matcher } from '../../model/matcher.ts';
import { MAX_TIME, MIN_TIME } from '../../model/time.ts';
import {
  boolParameter,
  durationParameter,
  type Parameters,
  parseDuration,
  timeParameter,
} from '../../net/http/params.ts';
import { parseSelector } from '../../promql/parser/parse.ts';
import type { ShardInfo } from '../../store/store.ts';
import type { SelectOptions } from '../config.ts';
import type { EngineName, QuerierConfig } from '../querier-config.ts';

/** Everything that decides which data is read, and how replicas are merged. `maxResolutionMs` is given by the caller. */
export function selectOptions(parameters: Parameters, config: QuerierConfig, maxResolutionMs: number): SelectOptions {
  const shard = shardParameter(parameters);
  return {
    dedup: boolParameter(parameters, 'dedup', true),
    replicaLabels: replicaLabels(parameters, config),
    partialResponse: boolParameter(parameters, 'partial_response', config.partialResponse),
    maxResolutionMs,
    fillsWithCoarser: config.resolutionFallback && !hasFixedResolution(parameters),
    storeMatch: parameters.list('storeMatch[]').map(parseSelector),
    dedupFunc: config.dedupFunc,
    ...(shard === undefined ? {} : { shard }),
  };
}

/**
 * The coarsest data allowed, ms: `byDefault` when the parameter is absent, `automatic` for `auto`.
 */
export function maxResolutionParameter(
  parameters: Parameters,
  { byDefault, automatic }: { byDefault: number; automatic: number },
): number {
  const text = parameters.text('max_source_resolution');
  if (text === 'auto') return automatic;
  const ms = durationParameter(parameters, 'max_source_resolution', byDefault);
  if (ms < 0) throw new Fault('invalid', "negative 'max_source_resolution' is not accepted. Try a positive integer");
  return ms;
}

/** Who names a resolution gets that one or a finer one, whatever is missing. */
function hasFixedResolution(parameters: Parameters): boolean {
  const text = parameters.text('max_source_resolution');
  return text !== '' && text !== 'auto';
}

/** How far back instant selectors look, given the coarsest data allowed. */
export function lookbackFor(parameters: Parameters, config: QuerierConfig, maxResolutionMs: number): number {
  const asked = durationParameter(parameters, 'lookback_delta', 0);
  if (asked > 0) return asked;
  if (asked < 0) throw new Fault('invalid', "negative 'lookback_delta' is not accepted. Try a positive integer");
  const configured = config.lookbackMs;
  if (!config.dynamicLookback) return configured;
  if (maxResolutionMs > Math.max(FIVE_MINUTES_MS, configured)) return Math.max(configured, HOUR_MS);
  if (maxResolutionMs > configured) return Math.max(configured, FIVE_MINUTES_MS);
  return configured;
}

/** The `timeout` parameter, never more than the configured limit. */
export function timeoutParameter(parameters: Parameters, config: QuerierConfig): number {
  const text = parameters.text('timeout');
  return text === '' ? config.timeoutMs : Math.min(parseDuration(text), config.timeoutMs);
}

/** The engine asked for. Both names mean our one engine, but only `thanos` explains and measures, as in the reference. */
export function engineParameter(parameters: Parameters, config: QuerierConfig): EngineName {
  const engine = parameters.text('engine');
  if (engine === '') return config.engineName;
  if (engine !== 'prometheus' && engine !== 'thanos') throw new Fault('invalid', `'${engine}' bad engine`);
  return engine;
}

/** `analyze`: anything but `true` and `1` is off. */
export function analyzeParameter(parameters: Parameters): boolean {
  const text = parameters.text('analyze');
  return text === 'true' || text === '1';
}

/** The window of label and series calls, both ends inclusive, ms. */
export function metadataWindow(
  parameters: Parameters,
  config: QuerierConfig,
  nowMs: number,
): { minTime: number; maxTime: number } {
  const earliest = config.metadataRangeMs === 0 ? MIN_TIME : nowMs - config.metadataRangeMs;
  const latest = config.metadataRangeMs === 0 ? MAX_TIME : nowMs;
  const minTime = timeParameter(parameters, 'start', earliest);
  const maxTime = timeParameter(parameters, 'end', latest);
  if (maxTime < minTime) throw new Fault('invalid', 'end timestamp must not be before start time');
  return { minTime, maxTime };
}

/** `match[]`: each a set of matchers, ORed. */
export function matcherSets(parameters: Parameters): readonly (readonly Matcher[])[] {
  return parameters.list('match[]').map(parseSelector);
}

/** `limit`: 0 means all. */
export function limitParameter(parameters: Parameters): number {
  const text = parameters.text('limit');
  if (text === '') return 0;
  if (!/^[-+]?\d+$/.test(text) || !Number.isSafeInteger(Number(text))) {
    throw new Fault('invalid', `cannot parse ${JSON.stringify(text)} to a valid limit`);
  }
  if (Number(text) < 0) throw new Fault('invalid', 'limit must be non-negative');
  return Number(text);
}

const FIVE_MINUTES_MS = 300_000;
const HOUR_MS = 3_600_000;

/** The request's list replaces the flag's. */
function replicaLabels(parameters: Parameters, config: QuerierConfig): readonly string[] {
  const asked = parameters
    .list('replicaLabels[]')
    .flatMap((text) => text.split(','))
    .filter((label) => label !== '');
  return asked.length > 0 ? asked : config.replicaLabels;
}

function shardParameter(parameters: Parameters): ShardInfo | undefined {
  const text = parameters.text('shard_info');
  if (text === '') return undefined;
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    throw new Fault('invalid', "could not unmarshal parameter 'shard_info': not JSON");
  }
  const { shard_index, total_shards, by, labels } = (parsed ?? {}) as Record<string, unknown>;
  const names = labels ?? [];
  if (
    !isCount(shard_index) ||
    !isCount(total_shards) ||
    !Array.isArray(names) ||
    names.some((n) => typeof n !== 'string')
  ) {
    throw new Fault(
      'invalid',
      "could not unmarshal parameter 'shard_info': want shard_index, total_shards, by, labels",
    );
  }
  return { shardIndex: shard_index ?? 0, totalShards: total_shards ?? 0, by: by === true, labels: names as string[] };
}

function isCount(value: unknown): value is number | undefined {
  return value === undefined || (Number.isSafeInteger(value) && (value as number) >= 0);
}
