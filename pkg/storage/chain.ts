// The chain algorithm: every sample of every replica in time order, one for each timestamp.

import type { SampleBuffer, SampleColumns } from './sample-columns.ts';

/** Appends the union of two replicas to `into`, other columns than theirs; of two samples at one time A's stays. */
export function mergeByChain(a: SampleColumns, b: SampleColumns, into: SampleBuffer): void {
  if (a.histograms !== undefined || b.histograms !== undefined) {
    mergeOneByOne(a, b, into);
    return;
  }
  into.reserve(a.length + b.length);
  const { times: aTimes, words: aWords, length: aLength } = a;
  const { times: bTimes, words: bWords, length: bLength } = b;
  const outTimes = into.times;
  const outWords = into.words;
  let out = into.length;
  let i = 0;
  let j = 0;
  while (i < aLength && j < bLength) {
    const takesA = aTimes[i] <= bTimes[j];
    if (takesA && aTimes[i] === bTimes[j]) j++;
    const words = takesA ? aWords : bWords;
    const at = takesA ? i++ : j++;
    outTimes[out] = takesA ? aTimes[at] : bTimes[at];
    outWords[2 * out] = words[2 * at];
    outWords[2 * out + 1] = words[2 * at + 1];
    out++;
  }
  into.length = out;
  into.pushColumns(a, i);
  into.pushColumns(b, j);
}

/** The same where there are histograms: what one follows is unknown wherever the replica changes. */
function mergeOneByOne(a: SampleColumns, b: SampleColumns, into: SampleBuffer): void {
  let i = 0;
  let j = 0;
  while (i < a.length || j < b.length) {
    const takesA = j === b.length || (i < a.length && a.times[i] <= b.times[j]);
    const [columns, other] = takesA ? [a, b] : [b, a];
    const start = takesA ? i : j;
    let to = start;
    const until = takesA ? (j < b.length ? b.times[j] : Infinity) : i < a.length ? a.times[i] : Infinity;
    while (to < columns.length && (columns.times[to] < until || (takesA && columns.times[to] === until))) to++;
    if (to === start) to++;
    const before = into.length;
    into.pushColumns(columns, start, to);
    if (before > 0) into.breakSequence(before);
    if (takesA) {
      i = to;
      if (j < other.length && other.times[j] === columns.times[to - 1]) j++;
    } else j = to;
  }
}
