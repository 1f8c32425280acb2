// The three marker files a block may carry: compact JSON without a newline, times in Unix seconds (all else is ms).
//
//   {"id":"01HF...","version":1,"details":"why","deletion_time":1795368900}
//   {"id":"01HF...","version":1,"details":"why","no_compact_time":1795368900,"reason":"manual"}
//   {"id":"01HF...","version":1,"details":"why","no_downsample_time":1795368900,"reason":"manual"}

import { forEachParallel } from '../async/parallel.ts';
import type { RequestContext } from '../async/request.ts';
import { during, Fault, kindOf, messageOf } from '../errors/fault.ts';
import { type Bucket, bodyOf, readAll } from '../objstore/bucket.ts';
import type { Logger } from '../telemetry/logger.ts';
import { printGoJson } from './go-json.ts';
import { DELETION_MARK_FILE, NO_COMPACT_MARK_FILE, NO_DOWNSAMPLE_MARK_FILE, objectName } from './layout.ts';

export type MarkKind = 'deletion' | 'no-compact' | 'no-downsample';

export interface Mark {
  readonly kind: MarkKind;
  readonly id: string;
  readonly version: number;
  /** '' when nobody said why. */
  readonly details: string;
  /** Unix seconds. */
  readonly timeSeconds: number;
  /** A word such as `manual`; '' on deletion marks, which have none. */
  readonly reason: string;
}

const MARK_VERSION = 1;
const MAX_MARK_BYTES = 1024 * 1024;

const timeKeys = {
  deletion: 'deletion_time',
  'no-compact': 'no_compact_time',
  'no-downsample': 'no_downsample_time',
} as const satisfies Record<MarkKind, string>;

const files = {
  deletion: DELETION_MARK_FILE,
  'no-compact': NO_COMPACT_MARK_FILE,
  'no-downsample': NO_DOWNSAMPLE_MARK_FILE,
} as const satisfies Record<MarkKind, string>;

/** The object that holds a block's mark of a kind. */
export function markName(kind: MarkKind, ulid: string): string {
  return objectName(ulid, files[kind]);
}

/** A mark made now. */
export function newMark(kind: MarkKind, ulid: string, why: { details: string; reason?: string; nowMs: number }): Mark {
  const reason = kind === 'deletion' ? '' : (why.reason ?? 'manual');
  const timeSeconds = Math.floor(why.nowMs / 1000);
  return { kind, id: ulid, version: MARK_VERSION, details: why.details, timeSeconds, reason };
}

/** Reads a mark's text. Text that is no mark is `corrupt`, a version other than 1 `unsupported`. */
export function parseMark(kind: MarkKind, text: string): Mark {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (thrown) {
    throw new Fault('corrupt', `${files[kind]}: ${messageOf(thrown)}`, { cause: thrown });
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    throw new Fault('corrupt', `${files[kind]} is not an object`);
  }
  const fields = parsed as Record<string, unknown>;
  const { id, version = 0, details = '', reason = '' } = fields;
  const timeSeconds = fields[timeKeys[kind]] ?? 0;
  if (
    typeof id !== 'string' ||
    !Number.isSafeInteger(version) ||
    typeof details !== 'string' ||
    typeof reason !== 'string' ||
    !Number.isSafeInteger(timeSeconds)
  ) {
    throw new Fault('corrupt', `${files[kind]} has a field of a wrong type`);
  }
  if (version !== MARK_VERSION) {
    throw new Fault('unsupported', `${files[kind]} has version ${version}, expected ${MARK_VERSION}`);
  }
  return { kind, id, version, details, timeSeconds: timeSeconds as number, reason };
}

/** The text of a mark's file, as the reference writes it. */
export function printMark(mark: Mark): string {
  return printGoJson({
    id: mark.id,
    version: mark.version,
    ...(mark.details === '' ? {} : { details: mark.details }),
    [timeKeys[mark.kind]]: mark.timeSeconds,
    ...(mark.kind === 'deletion' ? {} : { reason: mark.reason }),
  });
}

/**
 * A block's mark, or undefined when it has none. One that cannot be parsed counts as absent and is logged, as the
 * reference does; one of another version is an error.
 */
export async function readMark(
  request: RequestContext,
  deps: { readonly bucket: Bucket; readonly logger: Logger },
  kind: MarkKind,
  ulid: string,
): Promise<Mark | undefined> {
  const name = markName(kind, ulid);
  try {
    return parseMark(kind, Buffer.from(await readAll(request, deps.bucket, name, MAX_MARK_BYTES)).toString('utf8'));
  } catch (thrown) {
    if (kindOf(thrown) === 'not-found') return undefined;
    if (kindOf(thrown) === 'corrupt') {
      deps.logger.warn('mark is ignored because it cannot be read', {
        block: ulid,
        mark: name,
        err: messageOf(thrown),
      });
      return undefined;
    }
    throw during(`read ${name}`, thrown, { block: ulid });
  }
}

/** The marks that these blocks have, by block, so many read at once; each as `readMark` reads it. */
export async function readMarks(
  request: RequestContext,
  deps: { readonly bucket: Bucket; readonly logger: Logger },
  config: { readonly kind: MarkKind; readonly concurrency: number },
  ulids: readonly string[],
): Promise<ReadonlyMap<string, Mark>> {
  const marks = new Map<string, Mark>();
  const read = async (ulid: string, signal: AbortSignal): Promise<void> => {
    const mark = await readMark({ ...request, signal }, deps, config.kind, ulid);
    if (mark !== undefined) marks.set(ulid, mark);
  };
  await forEachParallel(ulids, config.concurrency, read, request.signal);
  return marks;
}

/** Writes a mark unless the block has one of the kind: a time is never refreshed. Says whether it wrote. */
export async function writeMark(
  request: RequestContext,
  deps: { readonly bucket: Bucket; readonly logger: Logger },
  mark: Mark,
): Promise<boolean> {
  const name = markName(mark.kind, mark.id);
  if (await deps.bucket.exists(request, name)) {
    deps.logger.warn('block is marked already, the mark stays as it is', { block: mark.id, mark: name });
    return false;
  }
  const body = Buffer.from(printMark(mark), 'utf8');
  await deps.bucket.upload(request, name, bodyOf(body), { sizeBytes: body.length });
  return true;
}
