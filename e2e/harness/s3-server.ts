// A real S3 server (MinIO) with one empty bucket, and what to put into a component's bucket configuration.

import { join } from 'node:path';
import { startMinio } from '../../dev/peers.ts';
import type { Cluster } from './cluster.ts';

const BUCKET = 'blocks';

export interface RunningS3 {
  /** host:port */
  readonly endpoint: string;
  /** The bucket's configuration, over another address when a proxy stands in front. */
  yaml(endpoint?: string): string;
  /** Where the server keeps the bucket. */
  readonly directory: string;
}

/** Ends with the cluster. */
export async function startS3(cluster: Cluster, minio: string): Promise<RunningS3> {
  const running = await startMinio(minio, [BUCKET]);
  cluster.onClose(() => running.stop());
  return {
    endpoint: running.endpoint,
    directory: join(running.directory, BUCKET),
    yaml: (endpoint = running.endpoint) =>
      [
        'type: S3',
        'config:',
        `  bucket: ${BUCKET}`,
        `  endpoint: ${endpoint}`,
        `  access_key: ${running.accessKey}`,
        `  secret_key: ${running.secretKey}`,
        '  insecure: true',
        '',
      ].join('\n'),
  };
}
