// The older way to sign a request: an HMAC-SHA1 over method, date, the x-amz headers and the resource. Servers that know no
// other are why it is here.

import { createHmac } from 'node:crypto';
import type { OutgoingHttpHeaders } from 'node:http';
import type { S3Credentials } from './s3-keys.ts';

/** Query fields that are part of the resource. */
const subresources: ReadonlySet<string> = new Set([
  'acl',
  'delete',
  'location',
  'partNumber',
  'policy',
  'uploadId',
  'uploads',
  'versionId',
  'versioning',
]);

export interface SignedRequest {
  readonly method: string;
  /** With its query, as it goes out. */
  readonly path: string;
  /** In lower case; signed in place of what stands there. */
  readonly headers: OutgoingHttpHeaders;
}

/** The headers with a signature of version 2 instead of version 4. `bucketInHost` is '' where the path names the bucket. */
export function signV2(
  request: SignedRequest,
  credentials: S3Credentials,
  bucketInHost: string,
  now: Date,
): OutgoingHttpHeaders {
  const { authorization, 'x-amz-content-sha256': sum, 'x-amz-date': date4, ...kept } = request.headers;
  const date = now.toUTCString();
  const amz = Object.keys(kept)
    .filter((name) => name.startsWith('x-amz-'))
    .sort()
    .map((name) => `${name}:${String(kept[name]).trim()}\n`)
    .join('');
  const text = [
    request.method,
    String(kept['content-md5'] ?? ''),
    String(kept['content-type'] ?? ''),
    date,
    amz + resourceOf(request.path, bucketInHost),
  ].join('\n');
  const signature = createHmac('sha1', credentials.secretKey).update(text).digest('base64');
  return { ...kept, date, authorization: `AWS ${credentials.accessKey}:${signature}` };
}

function resourceOf(path: string, bucketInHost: string): string {
  const [plain, query = ''] = path.split('?', 2);
  const kept = [...new URLSearchParams(query)]
    .filter(([key]) => subresources.has(key))
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => (value === '' ? key : `${key}=${value}`));
  const below = kept.length === 0 ? '' : `?${kept.join('&')}`;
  return (bucketInHost === '' ? '' : `/${bucketInHost}`) + plain + below;
}
