// Which host a request for a bucket goes to, and whether the bucket's name stands in the host or in the path.

export type S3Lookup = 'auto' | 'virtual-hosted' | 'path';

export interface S3Endpoint {
  readonly host: string;
  readonly isInsecure: boolean;
  readonly lookup: S3Lookup;
  /** Amazon's hosts that have IPv6 addresses too. */
  readonly isDualStack: boolean;
}

/** The host for a bucket in a region, and whether it carries the bucket's name. */
export function s3Address(
  endpoint: S3Endpoint,
  bucket: string,
  region: string,
): { readonly host: string; readonly isVirtual: boolean } {
  const isVirtual = isVirtualHosted(endpoint, bucket);
  const host = isRegional(endpoint.host) ? amazonHost(region, endpoint.isDualStack) : endpoint.host;
  return { host: isVirtual ? `${bucket}.${host}` : host, isVirtual };
}

/** Whether Amazon serves the endpoint. */
export function isAmazon(host: string): boolean {
  return /(^|\.)amazonaws\.com(\.cn)?$/.test(host);
}

function isVirtualHosted({ host, lookup, isInsecure }: S3Endpoint, bucket: string): boolean {
  if (bucket === '' || lookup === 'path') return false;
  if (lookup === 'virtual-hosted') return true;
  // A wildcard certificate covers one label only.
  if (!isInsecure && bucket.includes('.')) return false;
  return isAmazon(host) || host === 'storage.googleapis.com' || /(^|\.)aliyuncs\.com$/.test(host);
}

/** Amazon's plain endpoints lead to the bucket's region; private links, FIPS and acceleration are meant as written. */
function isRegional(host: string): boolean {
  return isAmazon(host) && /^s3[.-]/.test(host) && !/^s3-(fips|accelerate)|\.vpce\.|^s3\.dualstack\.|fips/.test(host);
}

function amazonHost(region: string, isDualStack: boolean): string {
  const domain = region.startsWith('cn-') ? 'amazonaws.com.cn' : 'amazonaws.com';
  return `s3${isDualStack ? '.dualstack' : ''}.${region}.${domain}`;
}
