// Shapes of configuration files: zod, with errors that name the key path, the value, and the nearest key there is.

import { z } from 'zod';
import { Fault } from '../errors/fault.ts';
import { parseGoDuration } from './go-duration.ts';

export { z } from 'zod';

/** A schema and what it gives. */
export type Shape<T> = z.ZodType<T>;

/** An object with these keys and no others. */
export function strict<S extends z.core.$ZodLooseShape>(shape: S): z.ZodObject<S, z.core.$strict> {
  return z.strictObject(shape);
}

/** An object with these keys; others are ignored, where the contract says so. */
export function loose<S extends z.core.$ZodLooseShape>(shape: S): z.ZodObject<S, z.core.$strip> {
  return z.object(shape);
}

/** A duration in the Go form, to milliseconds. */
export function goDuration(): z.ZodType<number, string | number> {
  return z.union([z.string(), z.number()]).transform((text, context) => {
    try {
      return parseGoDuration(String(text));
    } catch {
      context.addIssue({ code: 'custom', message: 'not a duration' });
      return z.NEVER;
    }
  });
}

/**
 * The value in that shape. Throws `invalid` with one line a problem, each led by the key path from `root`:
 * `config.http_config.idle_conn_timeout: not a duration: "soon"`.
 */
export function parseShape<T>(shape: z.ZodType<T>, value: unknown, root = ''): T {
  const result = shape.safeParse(value);
  if (result.success) return result.data;
  const problems = result.error.issues.flatMap((issue) => problemsOf(issue, value, shape, root));
  throw new Fault('invalid', problems.join('; '));
}

function problemsOf(issue: z.core.$ZodIssue, value: unknown, shape: z.ZodType, root: string): string[] {
  const path = [root, ...issue.path.map(String)].filter((part) => part !== '').join('.');
  const at = path === '' ? '' : `${path}: `;
  if (issue.code === 'unrecognized_keys') {
    const known = keysAt(shape, issue.path);
    return issue.keys.map((key) => {
      const near = nearest(key, known);
      return `${at}unknown key ${JSON.stringify(key)}${near === undefined ? '' : `, did you mean ${JSON.stringify(near)}?`}`;
    });
  }
  const found = valueAt(value, issue.path);
  if (found === undefined) return [`${at}is required`];
  return [`${at}${issue.message}: ${JSON.stringify(found)}`];
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  let at: unknown = value;
  for (const key of path) at = (at as Record<PropertyKey, unknown> | null | undefined)?.[key];
  return at;
}

/** The keys an object schema takes at that path; none where the schema cannot be followed by keys alone. */
function keysAt(shape: z.ZodType, path: readonly PropertyKey[]): readonly string[] {
  let at: unknown = unwrapped(shape);
  for (const key of path) {
    if (at instanceof z.ZodObject) at = unwrapped(at.shape[String(key)]);
    else if (at instanceof z.ZodArray) at = unwrapped(at.element);
    else if (at instanceof z.ZodRecord) at = unwrapped(at.valueType);
    else return [];
  }
  return at instanceof z.ZodObject ? Object.keys(at.shape) : [];
}

function unwrapped(shape: unknown): unknown {
  if (shape instanceof z.ZodOptional || shape instanceof z.ZodDefault || shape instanceof z.ZodNullable) {
    return unwrapped(shape.unwrap());
  }
  return shape instanceof z.ZodPipe ? unwrapped(shape.in) : shape;
}

/** The closest word within a third of its length, by edits. */
function nearest(word: string, known: readonly string[]): string | undefined {
  let best: string | undefined;
  let bestDistance = Math.max(2, Math.ceil(word.length / 3)) + 1;
  for (const candidate of known) {
    const distance = editDistance(word, candidate);
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next[j] = Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1));
    }
    row = next;
  }
  return row[b.length];
}
