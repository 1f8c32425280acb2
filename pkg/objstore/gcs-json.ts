// The two answers of the GCS JSON API that are read: an object and a page of a listing.

import { compareUtf8 } from '../bytes/compare.ts';
import { parseShape, z } from '../config/shape.ts';
import { Fault } from '../errors/fault.ts';
import type { ListedObject, ObjectAttributes } from './bucket.ts';

const objectShape = z.object({
  name: z.string(),
  size: z.string().regex(/^\d+$/),
  updated: z.iso.datetime({ offset: true }),
  generation: z.string().default(''),
});
const pageShape = z.object({
  prefixes: z.array(z.string()).default([]),
  items: z.array(objectShape).default([]),
  nextPageToken: z.string().default(''),
});

export interface GcsPage {
  /** Sorted by name. Directories that are objects themselves (`dir/`) are left out. */
  readonly items: readonly ListedObject[];
  /** '' on the last page. */
  readonly next: string;
}

/** Anything but a listing is `corrupt`. */
export function parseGcsListing(text: string): GcsPage {
  const { prefixes, items, nextPageToken } = parsed(pageShape, text);
  const objects = items.filter(({ name }) => !name.endsWith('/'));
  const listed = [
    ...prefixes.map((name): ListedObject => ({ name })),
    ...objects.map((item): ListedObject => ({ name: item.name, attributes: attributesOf(item) })),
  ];
  return { items: listed.sort((a, b) => compareUtf8(a.name, b.name)), next: nextPageToken };
}

/** Anything but an object is `corrupt`. */
export function parseGcsObject(text: string): { readonly attributes: ObjectAttributes; readonly version: string } {
  const found = parsed(objectShape, text);
  return { attributes: attributesOf(found), version: found.generation };
}

function attributesOf({ size, updated }: { readonly size: string; readonly updated: string }): ObjectAttributes {
  return { sizeBytes: Number(size), lastModified: Date.parse(updated) };
}

function parsed<T>(shape: z.ZodType<T>, text: string): T {
  try {
    return parseShape(shape, JSON.parse(text));
  } catch (thrown) {
    throw new Fault('corrupt', 'the answer is not what the API says', { cause: thrown });
  }
}
