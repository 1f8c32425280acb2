// Whether two answers of the HTTP API are the same: equal in shape and order, numbers but for the last bits.

const TOLERANCE = 1e-9;

/** Where the answers differ, or undefined when they are equal. Only `data` is compared. */
export function differenceOf(a: string, b: string): string | undefined {
  const left = JSON.parse(a) as { status: string; data: unknown };
  const right = JSON.parse(b) as { status: string; data: unknown };
  if (left.status !== 'success' || right.status !== 'success') return `${a.slice(0, 300)} and ${b.slice(0, 300)}`;
  return difference(left.data, right.data, 'data');
}

/** The answer of an instant query with series of equal values, which have no order of their own, in one that both sides can make. */
export function withTiesInOrder(answer: string): string {
  const parsed = JSON.parse(answer) as { data?: { result?: { metric: object; value: [number, string] }[] } };
  const samples = parsed.data?.result;
  if (samples === undefined) return answer;
  const nameOf = ({ metric }: (typeof samples)[number]): string => JSON.stringify(Object.entries(metric).sort());
  for (let from = 0, to = 0; from < samples.length; from = to) {
    while (to < samples.length && samples[to].value[1] === samples[from].value[1]) to++;
    const ties = samples.slice(from, to);
    if (ties.length > 1) samples.splice(from, to - from, ...ties.sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1)));
  }
  return JSON.stringify(parsed);
}

/** How much the answer holds, so that an empty one is noticed. */
export function sizeOf(answer: string): number {
  const { data } = JSON.parse(answer) as { data?: { result?: unknown[] } | unknown[] };
  return Array.isArray(data) ? data.length : (data?.result?.length ?? 0);
}

function difference(a: unknown, b: unknown, path: string): string | undefined {
  if (typeof a === 'string' && typeof b === 'string') {
    if (a === b || isClose(Number(a), Number(b))) return undefined;
  } else if (typeof a === 'number' && typeof b === 'number') {
    if (isClose(a, b)) return undefined;
  } else if (isObject(a) && isObject(b)) {
    const keys = Object.keys(a);
    if (keys.length !== Object.keys(b).length) return `${path}: ${keys.length} and ${Object.keys(b).length} entries`;
    for (const key of keys) {
      const found = difference(a[key], b[key], `${path}.${key}`);
      if (found !== undefined) return found;
    }
    return undefined;
  } else if (a === b) return undefined;
  return `${path}: ${JSON.stringify(a)} and ${JSON.stringify(b)}`;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

function isClose(a: number, b: number): boolean {
  return a === b || Math.abs(a - b) <= TOLERANCE * Math.max(Math.abs(a), Math.abs(b));
}
