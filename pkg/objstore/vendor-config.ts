// Vendors whose storage speaks S3 at an endpoint of its own: their keys, mapped to a bucket file of type S3. Their shapes
// are as strict as the reference's, which takes unknown keys for some of them.

import { loose, parseShape, strict, z } from '../config/shape.ts';
import { Fault } from '../errors/fault.ts';
import { httpShape, parseS3Config, type S3Config } from './s3-config.ts';

const text = () =>
  z
    .string()
    .nullish()
    .transform((value) => value ?? '');
const count = () => z.int().min(0).nullish();

export const cosShape = loose({
  bucket: text(),
  region: text(),
  app_id: text(),
  endpoint: text(),
  secret_id: text(),
  secret_key: text(),
  max_retries: count(),
  http_config: httpShape.nullish(),
});
export const ossShape = loose({ endpoint: text(), bucket: text(), access_key_id: text(), access_key_secret: text() });
export const bosShape = loose({ bucket: text(), endpoint: text(), access_key: text(), secret_key: text() });
export const obsShape = strict({
  bucket: text(),
  endpoint: text(),
  access_key: text(),
  secret_key: text(),
  max_retries: count(),
  http_config: httpShape.nullish(),
});
export const ociShape = loose({
  provider: text(),
  bucket: text(),
  compartment_ocid: text(),
  tenancy_ocid: text(),
  user_ocid: text(),
  region: text(),
  fingerprint: text(),
  privatekey: text(),
  passphrase: text(),
  part_size: count(),
  max_request_retries: count(),
  request_retry_interval: count(),
  http_config: z.unknown().optional(),
  // Ours: what the S3 endpoint needs, and API keys cannot stand for.
  namespace: text(),
  access_key: text(),
  secret_key: text(),
});

export type S3Vendor = 'COS' | 'ALIYUNOSS' | 'BOS' | 'OBS' | 'OCI';

/** Checks the parsed YAML under `config` and says what S3 bucket it means. */
export async function parseVendorConfig(type: S3Vendor, value: unknown): Promise<S3Config> {
  const keys = s3KeysOf(type, value ?? {});
  // Checked under its own name already; read once more as it was written, since durations are numbers by now.
  const http = (value as { readonly http_config?: unknown } | null | undefined)?.http_config;
  return await parseS3Config(type === 'COS' || type === 'OBS' ? { ...keys, http_config: http } : keys, {});
}

function s3KeysOf(type: S3Vendor, value: unknown): Readonly<Record<string, unknown>> {
  switch (type) {
    case 'COS':
      return cosKeys(parseShape(cosShape, value, 'config'));
    case 'ALIYUNOSS':
      return ossKeys(parseShape(ossShape, value, 'config'));
    case 'BOS':
      return bosKeys(parseShape(bosShape, value, 'config'));
    case 'OBS':
      return obsKeys(parseShape(obsShape, value, 'config'));
    default:
      return ociKeys(parseShape(ociShape, value, 'config'));
  }
}

/** Either the address of the bucket, or the parts it is made of. The bucket's name ends with the number of its owner. */
function cosKeys(yaml: z.output<typeof cosShape>): Record<string, unknown> {
  const { secret_id, secret_key } = requireAll(yaml, 'secret_id', 'secret_key');
  const rest = { access_key: secret_id, secret_key, max_retries: yaml.max_retries };
  if (yaml.endpoint !== '') {
    const { host, isInsecure } = hostOf(yaml.endpoint);
    const [bucket, ...labels] = host.split('.');
    const region = /^cos\.([^.]+)\.myqcloud\.com/.exec(labels.join('.'))?.[1] ?? yaml.region;
    return { ...rest, ...virtual(bucket, labels.join('.'), region), insecure: isInsecure };
  }
  const { bucket, app_id, region } = requireAll(yaml, 'bucket', 'app_id', 'region');
  return { ...rest, ...virtual(`${bucket}-${app_id}`, `cos.${region}.myqcloud.com`, region) };
}

/** The S3 hosts stand beside the native ones, with `s3.` before them. */
function ossKeys(yaml: z.output<typeof ossShape>): Record<string, unknown> {
  const { endpoint, bucket, access_key_id, access_key_secret } = requireAll(
    yaml,
    'endpoint',
    'bucket',
    'access_key_id',
    'access_key_secret',
  );
  const { host, isInsecure } = hostOf(endpoint);
  const region = /^(?:s3\.)?oss-([a-z0-9-]+?)(?:-internal)?\.aliyuncs\.com/.exec(host)?.[1] ?? '';
  const s3Host = /^oss-/.test(host) ? `s3.${host}` : host;
  const keys = { access_key: access_key_id, secret_key: access_key_secret, insecure: isInsecure };
  return { ...keys, ...virtual(bucket, s3Host, region) };
}

function bosKeys(yaml: z.output<typeof bosShape>): Record<string, unknown> {
  const { bucket, endpoint, access_key, secret_key } = requireAll(
    yaml,
    'bucket',
    'endpoint',
    'access_key',
    'secret_key',
  );
  const { host, isInsecure } = hostOf(endpoint);
  const region = /^(?:s3\.)?([a-z0-9-]+)\.bcebos\.com/.exec(host)?.[1] ?? '';
  const s3Host = region !== '' && !host.startsWith('s3.') ? `s3.${host}` : host;
  return { bucket, endpoint: s3Host, region: region || 'bj', access_key, secret_key, insecure: isInsecure };
}

function obsKeys(yaml: z.output<typeof obsShape>): Record<string, unknown> {
  const { bucket, endpoint, access_key, secret_key } = requireAll(
    yaml,
    'bucket',
    'endpoint',
    'access_key',
    'secret_key',
  );
  const { host, isInsecure } = hostOf(endpoint);
  const region = /^obs\.([a-z0-9-]+)\./.exec(host)?.[1] ?? '';
  const { max_retries } = yaml;
  const keys = { access_key, secret_key, insecure: isInsecure, max_retries };
  // A host without a region in it is a server of one's own, which may know no names.
  return region === ''
    ? { ...keys, bucket, endpoint: host, region: 'region' }
    : { ...keys, ...virtual(bucket, host, region) };
}

function ociKeys(yaml: z.output<typeof ociShape>): Record<string, unknown> {
  if (yaml.access_key === '' || yaml.secret_key === '' || yaml.namespace === '') {
    throw new Fault(
      'unsupported',
      'config: OCI is reached by its S3 endpoint: give namespace, and access_key and secret_key of a customer secret key, beside bucket and region',
    );
  }
  const { bucket, region } = requireAll(yaml, 'bucket', 'region');
  return {
    bucket,
    region,
    endpoint: `${yaml.namespace}.compat.objectstorage.${region}.oraclecloud.com`,
    bucket_lookup_type: 'path',
    access_key: yaml.access_key,
    secret_key: yaml.secret_key,
    max_retries: yaml.max_request_retries,
    ...(yaml.part_size ? { part_size: yaml.part_size } : {}),
    http_config: withoutClientTimeout(yaml.http_config),
  };
}

/** The one key that only this vendor's HTTP has; each of our requests has its own limits. */
function withoutClientTimeout(given: unknown): unknown {
  if (typeof given !== 'object' || given === null) return undefined;
  const { client_timeout: _, ...rest } = given as Readonly<Record<string, unknown>>;
  return rest;
}

function virtual(bucket: string, endpoint: string, region: string): Record<string, unknown> {
  return { bucket, endpoint, region, bucket_lookup_type: 'virtual-hosted' };
}

/** An endpoint with or without a scheme. */
function hostOf(endpoint: string): { readonly host: string; readonly isInsecure: boolean } {
  return { host: endpoint.replace(/^https?:\/\//, '').replace(/\/+$/, ''), isInsecure: endpoint.startsWith('http://') };
}

function requireAll<K extends string>(
  yaml: Readonly<Record<K, string>>,
  ...keys: readonly K[]
): Readonly<Record<K, string>> {
  const missing = keys.filter((key) => yaml[key] === '');
  if (missing.length > 0) throw new Fault('invalid', missing.map((key) => `config.${key}: is required`).join('; '));
  return yaml;
}
