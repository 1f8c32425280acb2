// The bucket files in examples/config are read by the parser that reads everybody's.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { projectRoot } from '../../dev/golden.ts';
import { pathOrContent } from '../config/flag-kinds.ts';
import { parseYaml } from '../config/yaml.ts';
import { createLogger } from '../telemetry/logger.ts';
import { Metrics } from '../telemetry/metrics.ts';
import { openBucket } from './factory.ts';
import { parseS3Config } from './s3-config.ts';

const folder = join(projectRoot(), 'examples', 'config');
const env = { S3_ACCESS_KEY: 'key', S3_SECRET_KEY: 'secret' };

/** As `--objstore.config-file` does. */
function contentOf(name: string): string {
  const flag = pathOrContent('objstore.config', '', { isRequired: true });
  return flag.parse([`file=${join(folder, name)}`], { env, readFile: (path) => readFileSync(path, 'utf8') });
}

const names = readdirSync(folder).filter((name) => name.endsWith('.yaml'));

test('there is an example for each kind of bucket', () => {
  expect(names.sort()).toEqual([
    'aliyunoss.yaml',
    'azure.yaml',
    'bos.yaml',
    'cos.yaml',
    'filesystem.yaml',
    'gcs.yaml',
    'obs.yaml',
    'oci.yaml',
    's3.yaml',
  ]);
});

for (const name of names) {
  test(`examples/config/${name} opens a bucket`, async () => {
    const logger = createLogger({ level: 'error', format: 'logfmt', out: { write() {} } });
    const bucket = await openBucket({ logger, metrics: new Metrics(), env }, contentOf(name));
    await bucket.close();
  });
}

test('the defaults that examples/config/s3.yaml states are the defaults', async () => {
  const { config } = parseYaml(contentOf('s3.yaml')) as { config: Record<string, unknown> };
  const { bucket, endpoint, access_key, secret_key, region, put_user_metadata, sse_config } = config;
  const stated = await parseS3Config(config, env);
  const least = await parseS3Config(
    { bucket, endpoint, access_key, secret_key, region, put_user_metadata, sse_config },
    env,
  );
  assert.deepEqual({ ...stated, credentials: undefined }, { ...least, credentials: undefined });
  const keys = await stated.credentials.current(new AbortController().signal);
  expect(keys).toMatchObject({ accessKey: 'key', secretKey: 'secret' });
});
