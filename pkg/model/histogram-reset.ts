// Whether a counter histogram was reset since the sample before: anything in it fell.

import { exponentialBound } from './histogram-bounds.ts';
import { onBounds, sharedBounds, toSchema, widenZeroBucket } from './histogram-math.ts';
import { type BucketCounts, type HistogramValue, sameBounds, usesCustomBounds } from './histogram-value.ts';

/** Believes the hint of `current` where it has one; else looks. */
export function isCounterReset(current: HistogramValue, previous: HistogramValue): boolean {
  if (current.hint === 'reset') return true;
  if (current.hint === 'not-reset') return false;
  if (current.count < previous.count) return true;
  if (usesCustomBounds(current) !== usesCustomBounds(previous)) return true;
  if (usesCustomBounds(current)) {
    if (sameBounds(current.customValues, previous.customValues)) return hasFallen(current.positive, previous.positive);
    const bounds = sharedBounds(current.customValues, previous.customValues);
    return hasFallen(onBounds(current, bounds).positive, onBounds(previous, bounds).positive);
  }
  // A finer layout or a narrower zero bucket cannot come of going on.
  if (current.schema > previous.schema || current.zeroThreshold < previous.zeroThreshold) return true;
  const { zeroThreshold, schema } = current;
  let before = previous;
  if (zeroThreshold !== previous.zeroThreshold) {
    before = widenZeroBucket(previous, zeroThreshold);
    if (before.zeroThreshold !== zeroThreshold) return true;
  }
  if (current.zeroCount < before.zeroCount) return true;
  const isWidened = before !== previous;
  before = toSchema(before, schema);
  // Buckets that went into the zero bucket are no longer missed.
  const from = isWidened ? zeroThreshold : 0;
  return (
    hasFallen(current.positive, before.positive, schema, from) ||
    hasFallen(current.negative, before.negative, schema, from)
  );
}

/** Whether a bucket has less than before. Buckets that end at or before `from` do not count. */
function hasFallen(current: BucketCounts, previous: BucketCounts, schema = 0, from = 0): boolean {
  const { indexes, counts } = current;
  if (indexes === previous.indexes && from === 0) {
    for (let i = 0; i < counts.length; i++) if (counts[i] < previous.counts[i]) return true;
    return false;
  }
  let at = 0;
  for (let i = 0; i < previous.indexes.length; i++) {
    const index = previous.indexes[i];
    if (from > 0 && exponentialBound(index, schema) <= from) continue;
    while (at < indexes.length && indexes[at] < index) at++;
    const isThere = at < indexes.length && indexes[at] === index;
    // A bucket that is gone has fallen, even from below nothing: differences of histograms hold such counts.
    if (isThere ? counts[at] < previous.counts[i] : previous.counts[i] !== 0) return true;
  }
  return false;
}
