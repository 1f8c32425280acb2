// Set arithmetic on posting lists: sorted Uint32Arrays of series ids, each id once. Results are sorted too; they may be
// one of the inputs itself, so nobody changes a list.

export const NO_POSTINGS = new Uint32Array(0);

/** Ids in both. Skips through the longer list by doubling steps when the other is much shorter. */
export function intersect(a: Uint32Array, b: Uint32Array): Uint32Array {
  const [short, long] = a.length <= b.length ? [a, b] : [b, a];
  if (short.length === 0) return short;
  const out = new Uint32Array(short.length);
  let count = 0;
  if (long.length > short.length * 16) {
    for (let i = 0, j = 0; i < short.length; i++) {
      const id = short[i];
      j = seek(long, id, j);
      if (j === long.length) break;
      if (long[j] === id) out[count++] = id;
    }
  } else {
    for (let i = 0, j = 0; i < short.length && j < long.length; ) {
      const x = short[i];
      const y = long[j];
      if (x === y) out[count++] = x;
      i += x <= y ? 1 : 0;
      j += y <= x ? 1 : 0;
    }
  }
  return out.subarray(0, count);
}

/** Ids in any of the lists. */
export function union(lists: readonly Uint32Array[]): Uint32Array {
  let round = lists.filter((list) => list.length > 0);
  if (round.length === 0) return NO_POSTINGS;
  // Neighbours are merged in pairs, round by round: every id is moved log2(lists) times.
  while (round.length > 1) {
    const next: Uint32Array[] = [];
    for (let i = 0; i + 1 < round.length; i += 2) next.push(unionOfTwo(round[i], round[i + 1]));
    if (round.length % 2 === 1) next.push(round[round.length - 1]);
    round = next;
  }
  return round[0];
}

/** Ids in `a` and not in `b`. */
export function subtract(a: Uint32Array, b: Uint32Array): Uint32Array {
  if (a.length === 0 || b.length === 0) return a;
  const out = new Uint32Array(a.length);
  let count = 0;
  let j = 0;
  if (b.length > a.length * 16) {
    for (let i = 0; i < a.length; i++) {
      j = seek(b, a[i], j);
      if (j === b.length || b[j] !== a[i]) out[count++] = a[i];
    }
    return out.subarray(0, count);
  }
  for (let i = 0; i < a.length; i++) {
    const id = a[i];
    while (j < b.length && b[j] < id) j++;
    if (j === b.length || b[j] !== id) out[count++] = id;
  }
  return out.subarray(0, count);
}

function unionOfTwo(a: Uint32Array, b: Uint32Array): Uint32Array {
  const out = new Uint32Array(a.length + b.length);
  let i = 0;
  let j = 0;
  let count = 0;
  // Disjoint ranges are common: values of one name, one after the other.
  if (a[a.length - 1] < b[0]) {
    out.set(a);
    out.set(b, a.length);
    return out;
  }
  while (i < a.length && j < b.length) {
    const x = a[i];
    const y = b[j];
    out[count++] = x < y ? x : y;
    i += x <= y ? 1 : 0;
    j += y <= x ? 1 : 0;
  }
  while (i < a.length) out[count++] = a[i++];
  while (j < b.length) out[count++] = b[j++];
  return out.subarray(0, count);
}

/** The first index from `from` on whose id is at least `id`. */
function seek(list: Uint32Array, id: number, from: number): number {
  let step = 1;
  let low = from;
  let high = from;
  while (high < list.length && list[high] < id) {
    low = high + 1;
    high += step;
    step *= 2;
  }
  if (high > list.length) high = list.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (list[middle] < id) low = middle + 1;
    else high = middle;
  }
  return low;
}
