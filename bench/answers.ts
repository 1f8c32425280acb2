// Whether two answers of the HTTP API are the same: equal in shape and order, numbers but for the last bits.

const TOLERANCE = 1e-9;

/** Where the answers differ, or undefined when they are equal. Only `data` is compared. */
export function differenceOf(a: string, b: string): string | undefined {
  const left = JSON.parse(a) as { status: string; data: unknown };
  const right = JSON.parse(b) as { status: string; data: unknown };
  if (left.status !== 'success' || right.status !== 'success') return `${a.slice(0, 300)} and ${b.slice(0, 300)}`;
  return difference(left.data, right.data, 'data');
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
