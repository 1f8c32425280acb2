// How much queries may take: flags, and what holds when they are not given.

import { availableParallelism } from 'node:os';
import { getHeapStatistics } from 'node:v8';
import type { FlagTable } from '../pkg/config/flag.ts';
import { int, optionalBytes, optionalUint, string, uint } from '../pkg/config/flag-kinds.ts';
import { memoryLimit } from '../pkg/lifecycle/memory-limit.ts';
import { ActiveQueryFile } from '../pkg/query/active-query-file.ts';
import type { QuerierConfig } from '../pkg/query/querier-config.ts';
import { SelectThreads } from '../pkg/query/select-threads.ts';
import type { Logger } from '../pkg/telemetry/logger.ts';
import type { CommandValues } from './command-spec.ts';

export const queryLimitFlags = {
  'query.max-concurrent': int(20, 'Queries evaluated at once; more wait.'),
  'query.max-samples': int(0, 'Samples one query may hold in memory; 0 sets no limit.'),
  'query.max-bytes': optionalBytes(
    'Bytes one query may hold; a quarter of those of all when not given, 0B sets no limit.',
  ),
  'query.max-total-bytes': optionalBytes(
    'Bytes all queries together may hold; half of the memory there is when not given, 0B sets no limit.',
  ),
  'query.workers': optionalUint(
    'Threads that read large selects, for all queries together. When not given two less than processors, 4 at most, and none below 4 processors.',
  ),
  'query.workers-from-samples': uint(1_000_000, 'Samples of a select read before threads help.', { isHidden: true }),
  'query.active-query-path': string('', 'Directory of the file that running queries are written to.'),
} satisfies FlagTable;

type Limits = Pick<QuerierConfig, 'maxConcurrent' | 'maxSamples' | 'maxBytes' | 'maxTotalBytes'>;

/** What was asked for, and the defaults from the memory of the container or the machine. */
export function queryLimits(values: CommandValues<typeof queryLimitFlags>): Limits {
  const maxTotalBytes = values['query.max-total-bytes'] ?? defaultTotalBytes();
  return {
    maxConcurrent: values['query.max-concurrent'],
    maxSamples: values['query.max-samples'],
    maxTotalBytes,
    maxBytes: values['query.max-bytes'] ?? Math.floor(maxTotalBytes / 4),
  };
}

/** Beyond, the main thread, which takes in and folds, is what there is too little of. */
const MOST_THREADS = 4;

/**
 * Threads for large selects. One alone gains nothing: it takes as long as the main thread would have taken. So there are two
 * at least, where processors are left for them beside those of the main thread and of a store.
 */
export function selectThreads(values: CommandValues<typeof queryLimitFlags>): SelectThreads {
  const left = availableParallelism() - 2;
  return new SelectThreads({
    size: values['query.workers'] ?? (left < 2 ? 0 : Math.min(MOST_THREADS, left)),
    fromSamples: values['query.workers-from-samples'],
  });
}

/** The file of running queries, where one was asked for: as many slots as may run; where nothing bounds them, some. */
export function activeQueryFile(
  values: CommandValues<typeof queryLimitFlags>,
  logger: Logger,
): ActiveQueryFile | undefined {
  const path = values['query.active-query-path'];
  if (path === '') return undefined;
  const most = values['query.max-concurrent'];
  return ActiveQueryFile.open(path, most > 0 ? most : 100, logger);
}

/**
 * Half of the memory: the rest is for what is not counted, and for the collector to be late. Labels live on the heap, which
 * has a limit of its own, so that more than that and as much again in columns would never be reached.
 */
function defaultTotalBytes(): number {
  return Math.floor(Math.min(memoryLimit() / 2, getHeapStatistics().heap_size_limit * 2));
}
