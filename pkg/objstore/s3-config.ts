// The `config` part of an S3 bucket file: every key of the reference, unknown ones refused. A key that would change what
// we do but is not built is refused by its name; one that asks for what we do anyway is accepted.

import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { goDuration, parseShape, strict, z } from '../config/shape.ts';
import { during, Fault } from '../errors/fault.ts';
import type { HttpTransportConfig } from './http-transport.ts';
import { isAmazon, type S3Endpoint } from './s3-address.ts';
import { findCredentials, fixedCredentials, type S3CredentialSource } from './s3-credentials.ts';

export interface S3Config {
  readonly bucket: string;
  readonly endpoint: S3Endpoint;
  /** undefined = the scheme's own. */
  readonly port: number | undefined;
  /** '' = asked from the server. */
  readonly region: string;
  readonly listVersion: 'v1' | 'v2';
  /** The memory one upload may hold; grows for objects too large for 10 000 parts. */
  readonly partSizeBytes: number;
  readonly sendContentMd5: boolean;
  /** Each object goes up in one request, whatever its size. */
  readonly isOnePart: boolean;
  /** Headers of every object written: storage class, user metadata, encryption. */
  readonly uploadHeaders: Readonly<Record<string, string>>;
  /** Headers of every request that reads or writes the bytes of an object: the customer's key. */
  readonly objectHeaders: Readonly<Record<string, string>>;
  readonly isSignedV2: boolean;
  readonly credentials: S3CredentialSource;
  readonly transport: HttpTransportConfig;
  /** 0 = our own number. */
  readonly maxRetries: number;
}

const DEFAULT_PART_BYTES = 8 * 1024 * 1024;
const LEAST_PART_BYTES = 5 * 1024 * 1024;

const text = () =>
  z
    .string()
    .nullish()
    .transform((value) => value ?? '');
const flag = (byDefault: boolean) =>
  z
    .boolean()
    .nullish()
    .transform((value) => value ?? byDefault);
const count = () => z.int().min(0).nullish();
const texts = () => z.record(z.string(), z.string()).nullish();
const duration = (byDefaultMs: number) =>
  goDuration()
    .nullish()
    .transform((value) => value ?? byDefaultMs);

export const httpShape = strict({
  idle_conn_timeout: duration(90_000),
  response_header_timeout: duration(120_000),
  insecure_skip_verify: flag(false),
  tls_handshake_timeout: duration(10_000),
  expect_continue_timeout: duration(1000),
  max_idle_conns: count(),
  max_idle_conns_per_host: count(),
  max_conns_per_host: count(),
  disable_compression: flag(false),
  tls_config: strict({
    ca_file: text(),
    cert_file: text(),
    key_file: text(),
    server_name: text(),
    insecure_skip_verify: flag(false),
  }).nullish(),
});

export const s3Shape = strict({
  bucket: text(),
  endpoint: text(),
  region: text(),
  disable_dualstack: flag(false),
  aws_sdk_auth: flag(false),
  access_key: text(),
  secret_key: text(),
  session_token: text(),
  insecure: flag(false),
  signature_version2: flag(false),
  put_user_metadata: texts(),
  http_config: httpShape.nullish(),
  trace: strict({ enable: flag(false) }).nullish(),
  list_objects_version: z.enum(['', 'v1', 'v2']).nullish(),
  bucket_lookup_type: z.enum(['', 'auto', 'virtual-hosted', 'path']).nullish(),
  send_content_md5: flag(true),
  disable_multipart: flag(false),
  part_size: count(),
  sse_config: strict({
    type: z.enum(['', 'SSE-S3', 'SSE-KMS', 'SSE-C']).nullish(),
    kms_key_id: text(),
    kms_encryption_context: texts(),
    encryption_key: text(),
  }).nullish(),
  sts_endpoint: text(),
  max_retries: count(),
});

type S3Yaml = z.output<typeof s3Shape>;

/** Checks the parsed YAML under `config`. Reads certificate files and, without keys in the file, the environment. */
export async function parseS3Config(
  value: unknown,
  env: Readonly<Record<string, string | undefined>>,
): Promise<S3Config> {
  const yaml = parseShape(s3Shape, value ?? {}, 'config');
  if (yaml.bucket === '') throw new Fault('invalid', 'config.bucket: no s3 bucket given');
  if (yaml.endpoint === '') throw new Fault('invalid', 'config.endpoint: no s3 endpoint given');
  if ((yaml.access_key === '') !== (yaml.secret_key === '')) {
    throw new Fault('invalid', 'config: access_key and secret_key go together, one of them is missing');
  }
  if (yaml.aws_sdk_auth && yaml.access_key !== '') {
    throw new Fault('invalid', 'config: aws_sdk_auth and access_key are two ways to the keys, give one of them');
  }
  const given = { accessKey: yaml.access_key, secretKey: yaml.secret_key, sessionToken: yaml.session_token };
  return {
    bucket: yaml.bucket,
    ...endpointOf(yaml),
    region: yaml.region,
    listVersion: yaml.list_objects_version || 'v2',
    partSizeBytes: partSizeBytes(yaml.part_size ?? undefined),
    sendContentMd5: yaml.send_content_md5,
    isOnePart: yaml.disable_multipart,
    uploadHeaders: { ...metadataHeaders(yaml.put_user_metadata ?? {}), ...encryptionHeaders(yaml.sse_config) },
    objectHeaders: await customerKeyHeaders(yaml),
    isSignedV2: yaml.signature_version2,
    credentials:
      given.accessKey === ''
        ? await findCredentials({ env, stsEndpoint: yaml.sts_endpoint, isSdkOrder: yaml.aws_sdk_auth })
        : fixedCredentials(given),
    transport: { ...(await httpTransport(yaml.http_config, yaml.insecure)), isTraced: yaml.trace?.enable ?? false },
    maxRetries: yaml.max_retries ?? 0,
  };
}

function endpointOf(yaml: S3Yaml): { endpoint: S3Endpoint; port: number | undefined } {
  const { host, port } = parseEndpoint(yaml.endpoint);
  const lookup = yaml.bucket_lookup_type || 'auto';
  const isDualStack = isAmazon(host) && !yaml.disable_dualstack;
  return { endpoint: { host, isInsecure: yaml.insecure, lookup, isDualStack }, port };
}

function parseEndpoint(endpoint: string): { host: string; port: number | undefined } {
  const parts = /^(\[[0-9a-fA-F:.]+\]|[^:/\s]+)(?::(\d{1,5}))?$/.exec(endpoint);
  const port = parts?.[2] === undefined ? undefined : Number(parts[2]);
  if (parts === null || (port !== undefined && (port < 1 || port > 65_535))) {
    const shown = JSON.stringify(endpoint);
    throw new Fault('invalid', `config.endpoint: expected host or host:port without a scheme, got ${shown}`);
  }
  return { host: parts[1].replace(/^\[|\]$/g, ''), port };
}

/** The reference's own default is 64 MiB, of which each upload would hold one; smaller parts do as well. 0 asks for 128 MiB. */
function partSizeBytes(given: number | undefined): number {
  if (given === undefined) return DEFAULT_PART_BYTES;
  if (given === 0) return 128 * 1024 * 1024;
  if (given < LEAST_PART_BYTES) {
    throw new Fault('invalid', `config.part_size: S3 takes parts of at least ${LEAST_PART_BYTES} bytes, got ${given}`);
  }
  return given;
}

const plainHeaders: ReadonlySet<string> = new Set([
  'content-type',
  'cache-control',
  'content-encoding',
  'content-disposition',
  'content-language',
  'expires',
]);

/** Headers S3 knows go as they are, all else becomes user metadata. */
function metadataHeaders(metadata: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(metadata).map(([key, value]) => {
      const name = key.toLowerCase();
      return [plainHeaders.has(name) || name.startsWith('x-amz-') ? name : `x-amz-meta-${name}`, value];
    }),
  );
}

function encryptionHeaders(sse: S3Yaml['sse_config']): Record<string, string> {
  const header = 'x-amz-server-side-encryption';
  switch (sse?.type ?? '') {
    case 'SSE-S3':
      return { [header]: 'AES256' };
    case 'SSE-KMS': {
      const { kms_key_id: keyId = '', kms_encryption_context: context } = sse ?? {};
      if (keyId === '') throw new Fault('invalid', 'config.sse_config.kms_key_id: is required for SSE-KMS');
      const encoded = Buffer.from(JSON.stringify(context ?? {})).toString('base64');
      return {
        [header]: 'aws:kms',
        [`${header}-aws-kms-key-id`]: keyId,
        ...(context ? { [`${header}-context`]: encoded } : {}),
      };
    }
    default:
      return {};
  }
}

const CUSTOMER_KEY_BYTES = 32;

/** The key goes with each request, so plain HTTP would give it away: no server takes it there. */
async function customerKeyHeaders(yaml: S3Yaml): Promise<Record<string, string>> {
  if (yaml.sse_config?.type !== 'SSE-C') return {};
  if (yaml.insecure) throw new Fault('invalid', 'config.sse_config.type: SSE-C needs TLS, so not insecure: true');
  const path = yaml.sse_config.encryption_key;
  if (path === '') throw new Fault('invalid', 'config.sse_config.encryption_key: is required for SSE-C');
  const key = await readFile(path).catch((thrown: unknown) => {
    throw during('config.sse_config.encryption_key', thrown);
  });
  if (key.length !== CUSTOMER_KEY_BYTES) {
    const found = `${path} has ${key.length}`;
    throw new Fault('invalid', `config.sse_config.encryption_key: a key has ${CUSTOMER_KEY_BYTES} bytes, ${found}`);
  }
  const header = 'x-amz-server-side-encryption-customer';
  return {
    [`${header}-algorithm`]: 'AES256',
    [`${header}-key`]: key.toString('base64'),
    [`${header}-key-md5`]: createHash('md5').update(key).digest('base64'),
  };
}

/** What `http_config` says, for whichever provider has one. Reads certificate files. */
export async function httpTransport(
  given: z.output<typeof httpShape> | null | undefined,
  isInsecure: boolean,
): Promise<HttpTransportConfig> {
  const http = given ?? httpShape.parse({});
  const tls = http.tls_config;
  if ((tls?.cert_file ?? '') !== '' && (tls?.key_file ?? '') === '') {
    throw new Fault('invalid', 'config.http_config.tls_config: cert_file needs key_file');
  }
  return {
    isInsecure,
    isTraced: false,
    idleConnTimeoutMs: http.idle_conn_timeout,
    responseHeaderTimeoutMs: http.response_header_timeout,
    tlsHandshakeTimeoutMs: http.tls_handshake_timeout,
    // There is one host, so the lower of both is the limit; 0 leaves it to the other.
    maxIdleConnsPerHost: Math.min(http.max_idle_conns_per_host || 100, http.max_idle_conns || 100),
    maxConnsPerHost: http.max_conns_per_host ?? 0,
    tls: {
      ca: await fileText('ca_file', tls?.ca_file),
      cert: await fileText('cert_file', tls?.cert_file),
      key: await fileText('key_file', tls?.key_file),
      serverName: tls?.server_name || undefined,
      insecureSkipVerify: http.insecure_skip_verify || (tls?.insecure_skip_verify ?? false),
    },
  };
}

async function fileText(key: string, path: string | undefined): Promise<string | undefined> {
  if (path === undefined || path === '') return undefined;
  try {
    return await readFile(path, 'utf8');
  } catch (thrown) {
    throw during(`config.http_config.tls_config.${key}`, thrown);
  }
}
