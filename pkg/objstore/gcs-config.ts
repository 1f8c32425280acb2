// The `config` part of a GCS bucket file: every key of the reference, unknown ones refused.

import { parseShape, strict, z } from '../config/shape.ts';
import { Fault } from '../errors/fault.ts';
import type { HttpTransportConfig } from './http-transport.ts';
import { httpShape, httpTransport } from './s3-config.ts';

export interface GcsConfig {
  readonly bucket: string;
  /** Without a final `/`. */
  readonly endpoint: string;
  /** Of an emulator nothing is signed. */
  readonly isAnonymous: boolean;
  /** The parsed JSON of `service_account`; undefined = the application's default credentials. */
  readonly account: Readonly<Record<string, unknown>> | undefined;
  /** The memory one upload may hold. */
  readonly chunkSizeBytes: number;
  readonly transport: HttpTransportConfig;
  /** 0 = our own number. */
  readonly maxRetries: number;
  /** Keys that were given and change nothing. */
  readonly idleKeys: readonly string[];
}

export const gcsShape = strict({
  bucket: z.string().nullish(),
  service_account: z.string().nullish(),
  use_grpc: z.boolean().nullish(),
  grpc_conn_pool_size: z.int().min(0).nullish(),
  http_config: httpShape.nullish(),
  chunk_size_bytes: z.int().min(0).nullish(),
  max_retries: z.int().min(0).nullish(),
});

const DEFAULT_CHUNK_BYTES = 8 * 1024 * 1024;
/** The server takes parts of an upload in multiples of this. */
const CHUNK_UNIT_BYTES = 256 * 1024;

/** Checks the parsed YAML under `config`. STORAGE_EMULATOR_HOST leads to an emulator, as it does for Google's own clients. */
export async function parseGcsConfig(
  value: unknown,
  env: Readonly<Record<string, string | undefined>>,
): Promise<GcsConfig> {
  const yaml = parseShape(gcsShape, value ?? {}, 'config');
  if ((yaml.bucket ?? '') === '') throw new Fault('invalid', 'config.bucket: no gcs bucket given');
  const emulator = env['STORAGE_EMULATOR_HOST'] ?? '';
  const asked = emulator === '' || emulator.includes('://') ? emulator : `http://${emulator}`;
  const endpoint = (asked || 'https://storage.googleapis.com').replace(/\/+$/, '');
  return {
    bucket: yaml.bucket ?? '',
    endpoint,
    isAnonymous: emulator !== '',
    account: accountOf(yaml.service_account ?? ''),
    chunkSizeBytes: chunkSizeBytes(yaml.chunk_size_bytes ?? 0),
    transport: await httpTransport(yaml.http_config, endpoint.startsWith('http:')),
    maxRetries: yaml.max_retries ?? 0,
    idleKeys: [
      ...(yaml.use_grpc === true ? ['use_grpc'] : []),
      ...((yaml.grpc_conn_pool_size ?? 0) > 0 ? ['grpc_conn_pool_size'] : []),
    ],
  };
}

function accountOf(text: string): Readonly<Record<string, unknown>> | undefined {
  if (text.trim() === '') return undefined;
  try {
    const account: unknown = JSON.parse(text);
    if (typeof account === 'object' && account !== null) return account as Readonly<Record<string, unknown>>;
  } catch {
    // Said below, without the text: it holds a private key.
  }
  throw new Fault('invalid', 'config.service_account: expected the JSON of a key file');
}

function chunkSizeBytes(given: number): number {
  if (given === 0) return DEFAULT_CHUNK_BYTES;
  return Math.max(1, Math.ceil(given / CHUNK_UNIT_BYTES)) * CHUNK_UNIT_BYTES;
}
