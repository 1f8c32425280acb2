// A bucket from the YAML text of `--objstore.config`: provider, then prefix, retries and metrics around it.
//
//   type: S3            # any case
//   prefix: team/a      # optional; every name is put below it
//   config: { ... }     # the provider's own keys

import { stat } from 'node:fs/promises';
import { loose, parseShape, strict, z } from '../config/shape.ts';
import { parseYamlAs } from '../config/yaml.ts';
import { during, Fault } from '../errors/fault.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import type { Bucket } from './bucket.ts';
import { FilesystemBucket } from './filesystem.ts';
import { InstrumentedBucket } from './instrumented.ts';
import { PrefixedBucket } from './prefixed.ts';
import { defaultRetries, RetryPolicy } from './retry-policy.ts';
import { RetryingBucket } from './retrying.ts';

export interface BucketDeps {
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** The process environment, for credentials. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

const envelopeShape = strict({
  type: z.string().default(''),
  config: z.unknown().optional(),
  prefix: z
    .string()
    .nullish()
    .transform((value) => value ?? ''),
});

/** Other keys are ignored here, as the reference does for this provider. */
const filesystemShape = loose({ directory: z.string().min(1) });

/** Types the reference has and we do not. */
const unbuiltTypes: ReadonlySet<string> = new Set(['GCS', 'AZURE', 'SWIFT', 'COS', 'ALIYUNOSS', 'BOS', 'OCI', 'OBS']);

/**
 * Opens the bucket a YAML text describes. `invalid` for a text that is wrong, `unsupported` for what is not built; the
 * bucket itself is not asked anything yet. The caller closes it.
 */
export async function openBucket(deps: BucketDeps, yamlText: string): Promise<Bucket> {
  try {
    const envelope = parseYamlAs(envelopeShape, yamlText);
    const { bucket, policy } = await openProvider(deps, envelope);
    const prefix = envelope.prefix.replace(/^\/+|\/+$/g, '');
    const placed = prefix === '' ? bucket : new PrefixedBucket(bucket, prefix);
    return new InstrumentedBucket(deps, policy === undefined ? placed : new RetryingBucket({ policy }, placed));
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
  if (type === 'S3') {
    const [{ parseS3Config }, { openS3Bucket }] = await Promise.all([import('./s3-config.ts'), import('./s3.ts')]);
    const config = await parseS3Config(envelope.config, deps.env);
    const attempts = config.maxRetries > 0 ? config.maxRetries + 1 : defaultRetries.attempts;
    const policy = new RetryPolicy({ logger: deps.logger }, { ...defaultRetries, attempts });
    return { bucket: await openS3Bucket({ policy }, config), policy };
  }
  if (unbuiltTypes.has(type)) throw new Fault('unsupported', `bucket type ${type} is not supported yet`);
  if (type === '') throw new Fault('invalid', 'type: is required');
  throw new Fault('invalid', `type: there is no bucket type ${JSON.stringify(envelope.type)}`);
}
