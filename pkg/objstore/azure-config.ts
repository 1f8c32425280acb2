// The `config` part of an Azure bucket file: every key of the reference, unknown ones refused.

import { goDuration, parseShape, strict, z } from '../config/shape.ts';
import { Fault } from '../errors/fault.ts';
import type { HttpTransportConfig } from './http-transport.ts';
import { httpShape, httpTransport } from './s3-config.ts';

export type AzureCredential =
  | { readonly kind: 'connection-string'; readonly text: string }
  | { readonly kind: 'key'; readonly key: string }
  | { readonly kind: 'client-secret'; readonly tenantId: string; readonly clientId: string; readonly secret: string }
  | { readonly kind: 'managed'; readonly clientId: string }
  /** Environment, workload identity, managed identity, command line, in that order. */
  | { readonly kind: 'default' };

export interface AzureConfig {
  readonly account: string;
  readonly container: string;
  readonly createsContainer: boolean;
  /** Of the account, without a final `/`; not used with a connection string. */
  readonly url: string;
  readonly credential: AzureCredential;
  readonly transport: HttpTransportConfig;
  /** 0 = our own numbers. */
  readonly maxRetries: number;
  readonly minDelayMs: number;
  readonly maxDelayMs: number;
}

const text = () =>
  z
    .string()
    .nullish()
    .transform((value) => value ?? '');
const count = () => z.int().nullish();

export const azureShape = strict({
  storage_account: text(),
  storage_account_key: text(),
  storage_connection_string: text(),
  storage_create_container: z.boolean().nullish(),
  container: text(),
  endpoint: text(),
  az_tenant_id: text(),
  client_id: text(),
  client_secret: text(),
  user_assigned_id: text(),
  msi_resource: text(),
  max_retries: count(),
  reader_config: strict({ max_retry_requests: count() }).nullish(),
  pipeline_config: strict({
    max_tries: count(),
    try_timeout: goDuration().nullish(),
    retry_delay: goDuration().nullish(),
    max_retry_delay: goDuration().nullish(),
  }).nullish(),
  http_config: httpShape.nullish(),
});

type AzureYaml = z.output<typeof azureShape>;

const CONNECTION_ENDPOINT =
  /(?:^|;)\s*BlobEndpoint\s*=\s*http:|(?:^|;)\s*DefaultEndpointsProtocol\s*=\s*http\s*(?:;|$)/i;

/** Checks the parsed YAML under `config`. Reads certificate files. */
export async function parseAzureConfig(value: unknown): Promise<AzureConfig> {
  const yaml = parseShape(azureShape, value ?? {}, 'config');
  if (yaml.storage_account === '') throw new Fault('invalid', 'config.storage_account: is required');
  if (yaml.container === '') throw new Fault('invalid', 'config.container: is required');
  const credential = credentialOf(yaml);
  const endpoint = yaml.endpoint || 'blob.core.windows.net';
  const isInsecure = credential.kind === 'connection-string' && CONNECTION_ENDPOINT.test(credential.text);
  const transport = await httpTransport(yaml.http_config, isInsecure);
  const pipeline = yaml.pipeline_config;
  const tryTimeoutMs = pipeline?.try_timeout ?? 0;
  const { responseHeaderTimeoutMs } = transport;
  return {
    account: yaml.storage_account,
    container: yaml.container,
    createsContainer: yaml.storage_create_container ?? true,
    url: `https://${yaml.storage_account}.${endpoint}`,
    credential,
    // The lower of both: one try may not take longer than either says.
    transport: {
      ...transport,
      responseHeaderTimeoutMs:
        tryTimeoutMs > 0 ? Math.min(tryTimeoutMs, responseHeaderTimeoutMs || tryTimeoutMs) : responseHeaderTimeoutMs,
    },
    maxRetries: retriesOf(yaml),
    minDelayMs: pipeline?.retry_delay ?? 0,
    maxDelayMs: pipeline?.max_retry_delay ?? 0,
  };
}

/** `max_retries` stands for the tries of the pipeline where it is given; a stream goes on by the same rule. */
function retriesOf(yaml: AzureYaml): number {
  const asked = [
    yaml.max_retries ?? 0,
    (yaml.pipeline_config?.max_tries ?? 0) - 1,
    yaml.reader_config?.max_retry_requests ?? 0,
  ];
  return Math.max(0, asked.find((one) => one > 0) ?? 0);
}

function credentialOf(yaml: AzureYaml): AzureCredential {
  const isConnected = yaml.storage_connection_string !== '';
  const hasKey = yaml.storage_account_key !== '';
  const isAssigned = yaml.user_assigned_id !== '';
  const both = (a: string, b: string): Fault => new Fault('invalid', `config: ${a} and ${b} exclude each other`);
  if (isConnected && hasKey) throw both('storage_connection_string', 'storage_account_key');
  if (isAssigned && hasKey) throw both('user_assigned_id', 'storage_account_key');
  if (isAssigned && isConnected) throw both('user_assigned_id', 'storage_connection_string');
  const { az_tenant_id: tenantId, client_id: clientId, client_secret: secret } = yaml;
  const given = [tenantId, clientId, secret].filter((one) => one !== '').length;
  if (given !== 0 && given !== 3) {
    throw new Fault('invalid', 'config: az_tenant_id, client_id and client_secret go together');
  }
  if (isConnected) return { kind: 'connection-string', text: yaml.storage_connection_string };
  if (hasKey) return { kind: 'key', key: yaml.storage_account_key };
  if (given === 3) return { kind: 'client-secret', tenantId, clientId, secret };
  if (isAssigned) return { kind: 'managed', clientId: yaml.user_assigned_id };
  return { kind: 'default' };
}
