// Times of blocks as the stretches they cover.

import type { TsdbInfo } from '../store.ts';

/** Neighbours and what overlaps as one; all of one label set. */
export function stretches(infos: readonly TsdbInfo[]): TsdbInfo[] {
  const joined: TsdbInfo[] = [];
  for (const info of [...infos].sort((a, b) => a.minTime - b.minTime)) {
    const last = joined.at(-1);
    if (last === undefined || info.minTime > last.maxTime) joined.push(info);
    else joined[joined.length - 1] = { ...last, maxTime: Math.max(last.maxTime, info.maxTime) };
  }
  return joined;
}
