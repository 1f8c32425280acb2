// A bucket from the YAML text of `--objstore.config`: provider, then prefix, retries and metrics around it.
//
//   type: S3            # any case
//   prefix: team/a      # optional; every name is put below it
//   config: { ... }     # the provider's own keys
//   hedging_config: { ... }   # optional, see hedging.ts

import { stat } from 'node:fs/promises';
import { loose, parseShape, strict, z } from '../config/shape.ts';
import { parseYamlAs } from '../config/yaml.ts';
import { during, Fault } from '../errors/fault.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import type { Bucket } from './bucket.ts';
import { FilesystemBucket } from './filesystem.ts';
import { HedgingBucket, hedgingShape } from './hedging.ts';
import { InstrumentedBucket } from './instrumented.ts';
import { PrefixedBucket } from './prefixed.ts';
import { requestMeter } from './request-meter.ts';
import { defaultRetries, RetryPolicy, type RetryPolicyConfig } from './retry-policy.ts';
import { RetryingBucket } from './retrying.ts';
import type { S3Vendor } from './vendor-config.ts';

export interface BucketDeps {
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** The process environment, for credentials. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

export interface OpenOptions {
  /** Whether `hedging_config` is heeded: it is read by those to whom the slowest read of many matters. */
  readonly hedges?: boolean;
}

const envelopeShape = strict({
  type: z.string().default(''),
  config: z.unknown().optional(),
  prefix: z
    .string()
    .nullish()
    .transform((value) => value ?? ''),
  hedging_config: hedgingShape.nullish(),
});

/** Other keys are ignored here, as the reference does for this provider. */
const filesystemShape = loose({ directory: z.string().min(1) });

const s3Vendors: readonly S3Vendor[] = ['COS', 'ALIYUNOSS', 'BOS', 'OBS', 'OCI'];

/**
 * Opens the bucket a YAML text describes. `invalid` for a text that is wrong, `unsupported` for what is not built; the
 * bucket itself is not asked anything yet. The caller closes it.
 */
export async function openBucket(deps: BucketDeps, yamlText: string, options: OpenOptions = {}): Promise<Bucket> {
  try {
    const envelope = parseYamlAs(envelopeShape, yamlText);
    const { bucket, policy } = await openProvider(deps, envelope);
    const prefix = envelope.prefix.replace(/^\/+|\/+$/g, '');
    const placed = prefix === '' ? bucket : new PrefixedBucket(bucket, prefix);
    const { hedging_config: given } = envelope;
    const hedging = options.hedges === true && given?.enabled === true ? given : undefined;
    if (policy === undefined) {
      if (hedging !== undefined)
        deps.logger.warn('hedging_config changes nothing: a directory is not asked over a network');
      return new InstrumentedBucket(deps, placed);
    }
    const isThrottled = () => policy.isThrottled;
    const hedged = hedging === undefined ? placed : new HedgingBucket({ ...deps, isThrottled }, hedging, placed);
    return new InstrumentedBucket(deps, new RetryingBucket({ policy }, hedged));
  } catch (thrown) {
    throw during('bucket configuration', thrown);
  }
}

/** A missing directory is an empty bucket that the first upload makes; a reader of the log may have meant another. */
async function checkDirectory({ logger }: BucketDeps, directory: string): Promise<void> {
  const found = await stat(directory).catch((thrown: NodeJS.ErrnoException) => {
    if (thrown.code === 'ENOENT') return undefined;
    throw during(`config.directory: ${directory}`, thrown);
  });
  if (found === undefined) {
    logger.warn('the directory of the bucket does not exist: empty until something is uploaded', { directory });
  } else if (!found.isDirectory()) {
    throw new Fault('invalid', `config.directory: ${directory} is not a directory`);
  }
}

/** `maxRetries`: 0 = our own number. */
function policyOf({ logger }: BucketDeps, maxRetries: number, delays: Partial<RetryPolicyConfig> = {}): RetryPolicy {
  const attempts = maxRetries > 0 ? maxRetries + 1 : defaultRetries.attempts;
  return new RetryPolicy({ logger }, { ...defaultRetries, ...delays, attempts });
}

/** Only what goes over a network is tried again. */
async function openProvider(
  deps: BucketDeps,
  envelope: z.output<typeof envelopeShape>,
): Promise<{ readonly bucket: Bucket; readonly policy?: RetryPolicy }> {
  const type = envelope.type.toUpperCase();
  if (type === 'FILESYSTEM') {
    const { directory } = parseShape(filesystemShape, envelope.config ?? {}, 'config');
    await checkDirectory(deps, directory);
    return { bucket: new FilesystemBucket(directory) };
  }
  const vendor = s3Vendors.find((known) => known === type);
  if (type === 'S3' || vendor !== undefined) {
    const [{ parseS3Config }, { parseVendorConfig }, { openS3Bucket }] = await Promise.all([
      import('./s3-config.ts'),
      import('./vendor-config.ts'),
      import('./s3.ts'),
    ]);
    const config =
      vendor === undefined
        ? await parseS3Config(envelope.config, deps.env)
        : await parseVendorConfig(vendor, envelope.config);
    const policy = policyOf(deps, config.maxRetries);
    return {
      bucket: await openS3Bucket({ policy, logger: deps.logger, onRequest: requestMeter(deps, config.bucket) }, config),
      policy,
    };
  }
  if (type === 'GCS') {
    const [{ parseGcsConfig }, { openGcsBucket }] = await Promise.all([import('./gcs-config.ts'), import('./gcs.ts')]);
    const config = await parseGcsConfig(envelope.config, deps.env);
    for (const key of config.idleKeys) deps.logger.warn('the key changes nothing: the JSON API serves all', { key });
    const policy = policyOf(deps, config.maxRetries);
    return { bucket: await openGcsBucket({ policy, onRequest: requestMeter(deps, config.bucket) }, config), policy };
  }
  if (type === 'AZURE') {
    const [{ parseAzureConfig }, { openAzureBucket }] = await Promise.all([
      import('./azure-config.ts'),
      import('./azure.ts'),
    ]);
    const config = await parseAzureConfig(envelope.config);
    const delays = {
      ...(config.minDelayMs > 0 ? { minDelayMs: config.minDelayMs } : {}),
      ...(config.maxDelayMs > 0 ? { maxDelayMs: config.maxDelayMs } : {}),
    };
    const policy = policyOf(deps, config.maxRetries, delays);
    return {
      bucket: await openAzureBucket({ policy, onRequest: requestMeter(deps, config.container) }, config),
      policy,
    };
  }
  if (type === 'SWIFT') {
    const way = 'use type S3 with the endpoint of its S3 interface';
    throw new Fault('unsupported', `bucket type SWIFT is not supported: ${way}`);
  }
  if (type === '') throw new Fault('invalid', 'type: is required');
  throw new Fault('invalid', `type: there is no bucket type ${JSON.stringify(envelope.type)}`);
}
