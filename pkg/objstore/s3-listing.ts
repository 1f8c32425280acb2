// Reads the two fixed XML answers of a listing. The client's own reader turns names that look like numbers into numbers.
//
//   <ListBucketResult>
//     <EncodingType>url</EncodingType> <IsTruncated>true</IsTruncated> <NextContinuationToken>...</NextContinuationToken>
//     <Contents> <Key>...</Key> <LastModified>2024-...</LastModified> <Size>123</Size> ... </Contents> ...
//     <CommonPrefixes> <Prefix>dir/</Prefix> </CommonPrefixes> ...
//   </ListBucketResult>

import { compareUtf8 } from '../bytes/compare.ts';
import { Fault } from '../errors/fault.ts';
import type { ListedObject } from './bucket.ts';

export interface S3Page {
  /** Sorted by name. Directories that are objects themselves (`dir/`) are left out. */
  readonly items: readonly ListedObject[];
  /** What asks for the next page; undefined on the last one. */
  readonly next: string | undefined;
}

export interface S3PageRequest {
  readonly version: 'v1' | 'v2';
  readonly prefix: string;
  readonly delimiter: string;
  /** Names after this one; '' = from the beginning. */
  readonly startAfter: string;
  /** From the page before; '' on the first. */
  readonly token: string;
}

/** The query text of one page, sorted as the signature wants it. */
export function s3PageQuery(page: S3PageRequest): string {
  const fields: [string, string][] = [
    ['delimiter', page.delimiter],
    ['encoding-type', 'url'],
    ['max-keys', '1000'],
    ['prefix', page.prefix],
  ];
  if (page.version === 'v2') {
    fields.push(['list-type', '2']);
    if (page.token !== '') fields.push(['continuation-token', page.token]);
    else if (page.startAfter !== '') fields.push(['start-after', page.startAfter]);
  } else if (page.token !== '' || page.startAfter !== '') {
    fields.push(['marker', page.token === '' ? page.startAfter : page.token]);
  }
  return fields
    .map(([key, value]) => `${key}=${escapeQuery(value)}`)
    .sort()
    .join('&');
}

/** Parses one page. Anything but a listing is `corrupt`. */
export function parseS3Page(xml: string, version: 'v1' | 'v2'): S3Page {
  if (!xml.includes('<ListBucketResult')) throw new Fault('corrupt', 'the answer is not a listing');
  const isUrlEncoded = field(xml, 'EncodingType') === 'url';
  const nameOf = (raw: string): string => (isUrlEncoded ? unescapeUrl(unescapeXml(raw)) : unescapeXml(raw));
  const items: ListedObject[] = [];
  let lastName = '';
  const rest = xml.replace(/<(Contents|CommonPrefixes)>([\s\S]*?)<\/\1>/g, (_, tag: string, inner: string) => {
    const name = nameOf(field(inner, tag === 'Contents' ? 'Key' : 'Prefix') ?? '');
    if (compareUtf8(name, lastName) > 0) lastName = name;
    if (tag === 'CommonPrefixes') items.push({ name });
    else if (!name.endsWith('/')) items.push({ name, attributes: attributesOf(inner) });
    return '';
  });
  items.sort((a, b) => compareUtf8(a.name, b.name));
  if (field(rest, 'IsTruncated') !== 'true') return { items, next: undefined };
  const token = field(rest, version === 'v2' ? 'NextContinuationToken' : 'NextMarker');
  if (version === 'v2') {
    if (token === undefined) throw new Fault('corrupt', 'a listing goes on without saying where');
    return { items, next: unescapeXml(token) };
  }
  // Without a delimiter version 1 names no marker: the last name is it.
  return { items, next: token === undefined ? lastName : nameOf(token) };
}

function attributesOf(inner: string): { sizeBytes: number; lastModified: number } {
  const sizeBytes = Number(field(inner, 'Size') ?? Number.NaN);
  const lastModified = Date.parse(field(inner, 'LastModified') ?? '');
  if (!Number.isSafeInteger(sizeBytes) || Number.isNaN(lastModified)) {
    throw new Fault('corrupt', 'a listed object has no size or time');
  }
  return { sizeBytes, lastModified };
}

function field(xml: string, tag: string): string | undefined {
  const start = xml.indexOf(`<${tag}>`);
  if (start < 0) return undefined;
  const end = xml.indexOf(`</${tag}>`, start);
  return end < 0 ? undefined : xml.slice(start + tag.length + 2, end);
}

const entities: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };

/** Replaces entities; one that is unknown stays as it is. */
export function unescapeXml(text: string): string {
  if (!text.includes('&')) return text;
  return text.replace(/&(?:#x([0-9a-fA-F]{1,6})|#(\d{1,7})|(\w+));/g, (all, hex, decimal, name) => {
    if (name !== undefined) return entities[name] ?? all;
    const codePoint = hex === undefined ? Number(decimal) : Number.parseInt(hex, 16);
    return codePoint <= 0x10ffff ? String.fromCodePoint(codePoint) : all;
  });
}

function unescapeUrl(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch (thrown) {
    throw new Fault('corrupt', `a listed name is not encoded as it says: ${text}`, { cause: thrown });
  }
}

function escapeQuery(value: string): string {
  return encodeURIComponent(value).replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
}
