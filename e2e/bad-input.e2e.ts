// What users get wrong, and what they point us at by mistake: each has one clear error that names the thing, the reason and, where
// there is one, the way out, with its exit code.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, onTestFailed, test } from 'vitest';
import { peer } from '../dev/peers.ts';
import { Cluster } from './harness/cluster.ts';
import { freePort, ManagedProcess } from './harness/process.ts';
import { filesystemYaml, ours, startStore } from './harness/programs.ts';
import { startPrometheus } from './harness/prometheus.ts';
import { type RunningS3, startS3 } from './harness/s3-server.ts';

const [prometheus, minio] = await Promise.all([peer('prometheus'), peer('minio')]);

interface BadCommand {
  readonly what: string;
  readonly args: readonly string[];
  readonly exitCode: number;
  /** In the one line that says what is wrong. */
  readonly says: RegExp;
}

const cluster = new Cluster('bad-input');
afterAll(() => cluster.close());

const anyPorts = ['--http-address=127.0.0.1:0', '--grpc-address=127.0.0.1:0'];
const file = (name: string, content: string): string => {
  const path = join(cluster.directory, name);
  writeFileSync(path, content);
  return path;
};
const bucket = filesystemYaml(cluster.path('bucket'));
const store = (...flags: string[]) => ['store', ...anyPorts, `--data-dir=${cluster.path('data')}`, ...flags];
const storeOver = (yaml: string, ...flags: string[]) => store(`--objstore.config=${yaml}`, ...flags);
const s3 = (keys: object) => JSON.stringify({ type: 'S3', config: { bucket: 'blocks', insecure: true, ...keys } });

describe.concurrent('a command line that cannot be run', () => {
  const notADirectory = file('a-file', 'x');
  const usage = (reason: string) => new RegExp(`^error parsing commandline arguments: \\[.*\\]: ${reason}`);
  const cases: readonly BadCommand[] = [
    {
      what: 'unknown command',
      args: ['stroe'],
      exitCode: 1,
      says: /^tributary: error: expected command but got "stroe"/,
    },
    {
      what: 'command not built yet',
      args: ['receive'],
      exitCode: 2,
      says: /command 'receive' is not supported by this/,
    },
    {
      what: 'command without its subcommand',
      args: ['tools'],
      exitCode: 2,
      says: usage('must select a subcommand of'),
    },
    {
      what: 'unknown flag',
      args: ['query', '--qurey.timeout=1m'],
      exitCode: 1,
      says: /unknown long flag '--qurey.timeout'/,
    },
    {
      what: 'flag not built yet',
      args: ['query', '--query.mode=local'],
      exitCode: 2,
      says: /'--query.mode' of 'query' is not/,
    },
    {
      what: 'flag given twice',
      args: ['query', '--query.timeout=1m', '--query.timeout=2m'],
      exitCode: 2,
      says: usage("flag 'query.timeout' cannot be repeated"),
    },
    { what: 'value for a switch', args: ['query', '--web.disable-cors=true'], exitCode: 1, says: /unexpected true/ },
    {
      what: 'no duration',
      args: ['query', '--query.timeout=2'],
      exitCode: 2,
      says: usage('--query.timeout: not a valid dur'),
    },
    {
      what: 'no number',
      args: ['query', '--query.max-concurrent=x'],
      exitCode: 2,
      says: usage('--query.max-concurrent: "x"'),
    },
    {
      what: 'no size',
      args: store('--index-cache-size=5'),
      exitCode: 2,
      says: usage('--index-cache-size: .* such as 250MB'),
    },
    { what: 'no time', args: store('--min-time=yesterday'), exitCode: 2, says: usage('--min-time: .*"yesterday"') },
    {
      what: 'value that is none of the choices',
      args: ['query', '--query.promql-engine=volcano'],
      exitCode: 2,
      says: usage("--query.promql-engine: enum value must be one of prometheus,thanos, got 'volcano'"),
    },
    {
      what: 'endpoint without port',
      args: ['query', '--endpoint=store'],
      exitCode: 2,
      says: usage('--endpoint: Address store'),
    },
    {
      what: 'looked-up endpoint that is to be strict',
      args: ['query', '--endpoint-strict=dns+store:10901'],
      exitCode: 1,
      says: /dns\+store:10901 is a dynamically specified endpoint: --endpoint-strict takes host:port only/,
    },
    {
      what: 'label without quotes',
      args: ['query', '--selector-label=a=b'],
      exitCode: 1,
      says: /--selector-label: invalid syntax/,
    },
    {
      what: 'no URL',
      args: ['sidecar', '--prometheus.url=::'],
      exitCode: 2,
      says: usage('--prometheus.url: invalid URL: "::"'),
    },
    {
      what: 'URL of another scheme',
      args: ['sidecar', '--prometheus.url=ftp://prometheus'],
      exitCode: 1,
      says: /--prometheus.url: not an http or https URL: ftp:/,
    },
    {
      what: 'required setting missing',
      args: store(),
      exitCode: 1,
      says: /flag objstore.config-file or objstore.config is required/,
    },
    {
      what: 'setting given as file and as text',
      args: storeOver('x', '--objstore.config-file=y'),
      exitCode: 1,
      says: /both objstore.config-file and objstore.config flags set/,
    },
    {
      what: 'file that is not there',
      args: store('--objstore.config-file=/nowhere/bucket.yml'),
      exitCode: 1,
      says: /load file \/nowhere\/bucket.yml for objstore.config-file: ENOENT/,
    },
    {
      what: 'file that is no YAML',
      args: store(`--objstore.config-file=${file('bad.yml', 'type: [S3\n')}`),
      exitCode: 1,
      says: /bucket configuration: YAML line 2 column 1:|bucket configuration: YAML line 1 column/,
    },
    {
      what: 'unknown key',
      args: storeOver(`${bucket}prefixx: a\n`),
      exitCode: 1,
      says: /bucket configuration: unknown key .*prefixx/,
    },
    {
      what: 'key given twice',
      args: storeOver(`${bucket}type: S3\n`),
      exitCode: 1,
      says: /bucket configuration: YAML line 4 column 1: Map keys must be unique/,
    },
    {
      what: 'variable that is not set',
      args: storeOver('{type: FILESYSTEM, config: {directory: $(TRIBUTARY_E2E_NOT_SET)}}'),
      exitCode: 1,
      says: /objstore.config: found reference to unset environment variable .*TRIBUTARY_E2E_NOT_SET/,
    },
    {
      what: 'no such bucket type',
      args: storeOver('{type: FLOPPY}'),
      exitCode: 1,
      says: /there is no bucket type .*FLOPPY/,
    },
    {
      what: 'bucket type not spoken',
      args: storeOver('{type: SWIFT}'),
      exitCode: 1,
      says: /bucket type SWIFT is not supported: use type S3/,
    },
    {
      what: 'bucket of a provider without its name',
      args: storeOver('{type: GCS}'),
      exitCode: 1,
      says: /config.bucket: no gcs bucket given/,
    },
    {
      what: 'key of the bucket missing',
      args: storeOver('{type: FILESYSTEM}'),
      exitCode: 1,
      says: /config.directory: is required/,
    },
    {
      what: 'S3 without endpoint',
      args: storeOver(s3({})),
      exitCode: 1,
      says: /config.endpoint: no s3 endpoint given/,
    },
    {
      what: 'bucket directory that is a file',
      args: storeOver(filesystemYaml(notADirectory)),
      exitCode: 1,
      says: /config.directory: \S*a-file is not a directory/,
    },
    {
      what: 'data directory that is a file',
      args: storeOver(bucket, `--data-dir=${notADirectory}`).filter((flag) => !flag.endsWith('/data')),
      exitCode: 1,
      says: /cannot write to \S*a-file \(EEXIST.*\): choose another place with --data-dir/,
    },
    {
      what: 'bounds the wrong way round',
      args: storeOver(bucket, '--min-time=-1d', '--max-time=-2d'),
      exitCode: 1,
      says: /--min-time cannot be greater than --max-time/,
    },
    {
      what: 'S3 endpoint that nobody listens on',
      args: storeOver(s3({ endpoint: '127.0.0.1:1', access_key: 'a', secret_key: 'secretsecret' })),
      exitCode: 1,
      says: /list blocks: connect ECONNREFUSED 127.0.0.1:1/,
    },
    {
      what: 'Prometheus that nobody listens for',
      args: ['sidecar', ...anyPorts, '--prometheus.url=http://127.0.0.1:1', '--prometheus.ready_timeout=500ms'],
      exitCode: 1,
      says: /was not ready within 0.5 s: GET http:\/\/127.0.0.1:1\/.*ECONNREFUSED.* Check --prometheus.url, or wait longer/,
    },
  ];
  for (const one of cases) test(`${one.what}: ${lastOf(one.args)}`, () => fails(one));

  test('a bucket directory that does not exist yet is an empty bucket, with a warning', async () => {
    onTestFailed(() => console.error(cluster.logs));
    const { server, url } = await startStore(cluster, ours, 'missing', filesystemYaml(join(cluster.directory, 'none')));
    assert.equal((await fetch(`${url}/-/ready`)).status, 200);
    assert.match(server.log, /level=warn msg="the directory of the bucket does not exist.*none/);
    assert.equal(await server.stop(), 0);
  });
});

describe('a port that is taken', () => {
  let taken: Server;
  let port: number;
  beforeAll(async () => {
    port = await freePort();
    taken = createServer().listen(port, '127.0.0.1');
  });
  afterAll(() => new Promise((resolve) => taken.close(resolve)));
  for (const flag of ['--http-address', '--grpc-address']) {
    test(`${flag} is named`, () =>
      fails({
        what: flag,
        args: [...storeOver(bucket).filter((one) => !one.startsWith(flag)), `${flag}=127.0.0.1:${port}`],
        exitCode: 1,
        says: new RegExp(`listen on 127.0.0.1:${port}.* address already in use, choose another with ${flag}`),
      }));
  }
});

describe.skipIf(minio === undefined)('a bucket at a real S3 server', () => {
  let server: RunningS3;
  beforeAll(async () => {
    server = await startS3(cluster, minio!);
  });
  const keys = { access_key: 'minioadmin', secret_key: 'minioadmin' };
  const cases: readonly (readonly [what: string, keys: object, says: RegExp])[] = [
    ['wrong key', { ...keys, access_key: 'nobody' }, /list blocks: InvalidAccessKeyId: /],
    ['wrong secret', { ...keys, secret_key: 'not-the-one' }, /list blocks: SignatureDoesNotMatch: .*Check your key/],
    ['missing bucket', { ...keys, bucket: 'blocs' }, /list blocs: NoSuchBucket: The specified bucket does not exist/],
    [
      'TLS to a plain port',
      { ...keys, insecure: false },
      /does not speak TLS: set insecure: true in the bucket config/,
    ],
  ];
  for (const [what, more, says] of cases) {
    test(what, () => fails({ what, args: storeOver(s3({ endpoint: server.endpoint, ...more })), exitCode: 1, says }));
  }
});

describe.skipIf(prometheus === undefined)('a real Prometheus that a sidecar cannot serve', () => {
  const start = (name: string, externalLabels: Readonly<Record<string, string>>) =>
    startPrometheus(cluster, prometheus!, {
      name,
      externalLabels,
      targets: [],
      scrapeInterval: '1s',
      blockDuration: '2h',
      retention: '1d',
      directory: cluster.path(`prometheus-${name}`),
    });

  test('without external labels', async () => {
    const { url, directory } = await start('unlabelled', {});
    await fails({
      what: 'no external labels',
      args: ['sidecar', ...anyPorts, `--prometheus.url=${url}`, `--tsdb.path=${directory}`],
      exitCode: 1,
      says: /no external labels configured on Prometheus server/,
    });
  });

  test('uploads of blocks that Prometheus compacts', async () => {
    const address = `127.0.0.1:${await freePort()}`;
    await cluster.start({
      name: 'prometheus compacting',
      command: prometheus!,
      args: [
        `--config.file=${file('labelled.yml', 'global: { external_labels: { replica: a } }\n')}`,
        `--storage.tsdb.path=${cluster.path('compacting')}`,
        `--web.listen-address=${address}`,
      ],
      readyUrl: `http://${address}/-/ready`,
    });
    await fails({
      what: 'unequal block durations',
      args: ['sidecar', ...anyPorts, `--prometheus.url=http://${address}`, `--objstore.config=${bucket}`],
      exitCode: 1,
      says: /found that TSDB Max time is .* and Min time is .*|storage.tsdb.m(in|ax)-block-duration/,
    });
  });
});

/** Runs to the end: its exit code, and one line of error that says it, last of all. */
async function fails({ what, args, exitCode, says }: BadCommand): Promise<void> {
  const process_ = await ManagedProcess.start({
    name: what,
    command: ours.command,
    args: [...ours.args, ...args],
    cwd: cluster.directory,
  });
  try {
    assert.equal(await process_.ended(30_000), exitCode, process_.log);
    assert.equal(process_.stdout, '');
    const lines = process_.log
      .split('\n')
      .filter((line) => /level=error|error/.test(line) && !/level=(info|warn)/.test(line));
    const own = lines.filter((line) => !line.startsWith(' '));
    assert.equal(own.length, 1, process_.log);
    assert.equal(process_.log.trimEnd().split('\n').at(-1), own[0]);
    assert.match(own[0], says);
    assert.doesNotMatch(process_.log, /^\s+at .*\.js:\d+/m);
  } finally {
    await process_.kill();
  }
}

function lastOf(args: readonly string[]): string {
  return (args.at(-1) ?? '').replace(cluster.directory, '').replaceAll('\n', ' ').slice(0, 60);
}
