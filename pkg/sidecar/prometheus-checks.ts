// Refuses what would lose data: uploads beside a Prometheus that compacts its own blocks before they are uploaded.

import { Fault } from '../errors/fault.ts';

const MIN_BLOCK = 'storage.tsdb.min-block-duration';
const MAX_BLOCK = 'storage.tsdb.max-block-duration';
const DELAY_COMPACT = 'storage.tsdb.delay-compact-file.path';

/** Where the sidecar cannot know (no flags page), it trusts. Throws `invalid` with the way out. */
export function checkBlockDurations(
  flags: Readonly<Record<string, string>> | undefined,
  options: { readonly ignoreUnequalBlockSize: boolean; readonly shipperMetaFile: string },
): void {
  if (flags === undefined || options.ignoreUnequalBlockSize) return;
  if (flags[DELAY_COMPACT] !== undefined && flags[DELAY_COMPACT] === options.shipperMetaFile) return;
  const least = flags[MIN_BLOCK];
  const most = flags[MAX_BLOCK];
  if (least === most) return;
  throw new Fault(
    'invalid',
    `found that TSDB Max time is ${most} and Min time is ${least}: Prometheus compacts its blocks, and compacted blocks ` +
      `are not uploaded. Start Prometheus with --${MIN_BLOCK} and --${MAX_BLOCK} set to the same value (2h), or with ` +
      `--${DELAY_COMPACT}=${options.shipperMetaFile}`,
  );
}
