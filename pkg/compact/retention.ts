// Which blocks are too old for their resolution.

import type { BlockMeta } from '../block/meta.ts';
import { RESOLUTION_1H, RESOLUTION_5M, RESOLUTION_RAW, resolutionText } from '../model/resolution.ts';
import { printRfc3339 } from '../model/time.ts';
import type { RetentionConfig } from './config.ts';

export interface ExpiredBlock {
  readonly ulid: string;
  /** Why, in words. */
  readonly details: string;
}

/** Blocks all of whose samples are past the retention of their resolution, in the order given. */
export function expiredBlocks(metas: Iterable<BlockMeta>, retention: RetentionConfig, nowMs: number): ExpiredBlock[] {
  const expired: ExpiredBlock[] = [];
  for (const { ulid, maxTime, thanos } of metas) {
    const keptMs = retentionOf(thanos.resolutionMs, retention);
    if (keptMs === 0 || maxTime + keptMs >= nowMs) continue;
    const resolution = resolutionText(thanos.resolutionMs);
    const details = `block of resolution ${resolution} ends at ${printRfc3339(maxTime)} and is past its retention of ${keptMs / 1000}s`;
    expired.push({ ulid, details });
  }
  return expired;
}

/** 0 = for ever, as for resolutions nobody knows. */
function retentionOf(resolutionMs: number, retention: RetentionConfig): number {
  switch (resolutionMs) {
    case RESOLUTION_RAW:
      return retention.rawMs;
    case RESOLUTION_5M:
      return retention.fiveMinutesMs;
    case RESOLUTION_1H:
      return retention.oneHourMs;
    default:
      return 0;
  }
}
