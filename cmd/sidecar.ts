// tributary sidecar: StoreAPI over one Prometheus, and upload of its blocks.

import { join } from 'node:path';
import { backgroundRequest } from '../pkg/async/request.ts';
import { Shipper } from '../pkg/block/shipper.ts';
import type { FlagTable } from '../pkg/config/flag.ts';
import { bool, choice, goDurationMs, int, string, time, url } from '../pkg/config/flag-kinds.ts';
import { during } from '../pkg/errors/fault.ts';
import type { Component } from '../pkg/lifecycle/component.ts';
import { Loop } from '../pkg/lifecycle/loop.ts';
import { GrpcServer } from '../pkg/net/grpc/server.ts';
import { HttpClient } from '../pkg/net/http/client.ts';
import { openBucket } from '../pkg/objstore/factory.ts';
import { PrometheusClient } from '../pkg/promclient/client.ts';
import { sidecarInfo } from '../pkg/sidecar/info.ts';
import { PrometheusState } from '../pkg/sidecar/prometheus-state.ts';
import { PrometheusStore } from '../pkg/sidecar/prometheus-store.ts';
import { headStatistics } from '../pkg/sidecar/status.ts';
import { storeService } from '../pkg/store/grpc-server.ts';
import { infoService } from '../pkg/store/info.ts';
import { statusService } from '../pkg/store/tsdb-statistics.ts';
import { type CommandValues, defineCommand } from './command-spec.ts';
import { bucketFlags, grpcFlags, httpFlags } from './flag-groups.ts';
import { runCommand, type ServiceDeps } from './run.ts';
import { buildFacts } from './version.ts';

const sidecarFlags = {
  ...httpFlags,
  ...grpcFlags,
  ...bucketFlags,
  'prometheus.url': url('http://localhost:9090', 'Base URL of the Prometheus beside this sidecar.'),
  'prometheus.ready_timeout': goDurationMs('10m', 'How long to wait for Prometheus at start.'),
  'prometheus.get_config_interval': goDurationMs('30s', 'How often to ask Prometheus for its labels and oldest time.'),
  'prometheus.get_config_timeout': goDurationMs('30s', 'Timeout of asking it.'),
  'tsdb.path': string('./data', 'Data directory of Prometheus: its finished blocks are uploaded.'),
  'min-time': time('0000-01-01T00:00:00Z', 'Oldest data to serve: RFC 3339, or relative to now such as -6w.'),
  'shipper.upload-compacted': bool(false, 'Upload blocks that Prometheus has compacted, too: for a first migration.'),
  'shipper.ignore-unequal-block-size': bool(false, 'Start although Prometheus compacts its blocks.', {
    isHidden: true,
  }),
  'shipper.allow-out-of-order-uploads': bool(false, 'A block that fails holds back no newer one.', { isHidden: true }),
  'shipper.skip-corrupted-blocks': bool(false, 'A corrupted block holds back no newer one.', { isHidden: true }),
  'shipper.meta-file-name': string('thanos.shipper.json', 'File below the data directory that lists what is uploaded.'),
  'shipper.upload-concurrency': int(0, 'Files of a block uploaded at once; 0 is one at a time.'),
  'shipper.upload-interval': goDurationMs('30s', 'Pause between two looks for finished blocks.', { isHidden: true }),
  'shipper.keep-start-timestamps': bool(
    false,
    'Upload chunks with start timestamps as they are, not in an older encoding.',
    {
      isHidden: true,
    },
  ),
  'hash-func': choice(['', 'SHA256'], '', 'Hash of each uploaded file to put into meta.json.'),
} satisfies FlagTable;

type SidecarValues = CommandValues<typeof sidecarFlags>;

export const command = defineCommand({
  name: 'sidecar',
  summary: 'StoreAPI over one Prometheus, and upload of its blocks.',
  flags: sidecarFlags,
  run: (values, context) =>
    runCommand({ name: 'sidecar', values, context, components: (deps) => sidecarComponents(values, deps) }),
});

function prometheusHttp(baseUrl: string): HttpClient {
  try {
    return new HttpClient({
      baseUrl,
      timeoutMs: 0,
      headers: { 'user-agent': `Tributary/${buildFacts().version}` },
    });
  } catch (thrown) {
    throw during('--prometheus.url', thrown);
  }
}

async function sidecarComponents(values: SidecarValues, deps: ServiceDeps): Promise<readonly Component[]> {
  const { logger, metrics } = deps;
  const http = prometheusHttp(values['prometheus.url']);
  const client = new PrometheusClient(http);
  const uploads = values['objstore.config'] !== '';
  const state = new PrometheusState(
    { client, logger, metrics },
    {
      readyTimeoutMs: values['prometheus.ready_timeout'],
      heartbeatIntervalMs: values['prometheus.get_config_interval'],
      heartbeatTimeoutMs: values['prometheus.get_config_timeout'],
      minTime: () => values['min-time'](Date.now()),
      uploads,
      ignoreUnequalBlockSize: values['shipper.ignore-unequal-block-size'],
      shipperMetaFile: join(values['tsdb.path'], values['shipper.meta-file-name']),
    },
  );
  const store = new PrometheusStore({ client, facts: state });
  const grpc = new GrpcServer(
    {
      logger,
      metrics,
      services: [
        storeService(store),
        statusService((request, query) => headStatistics(request, { client, state }, query)),
        infoService(() => sidecarInfo(state)),
      ],
    },
    {
      address: values['grpc-address'],
      gracePeriodMs: values['grpc-grace-period'],
      maxConnectionAgeMs: values['grpc-server-max-connection-age'],
    },
  );
  const shipping = uploads ? [await shipperLoop(values, deps, state)] : [];
  return [closing('prometheus-client', () => http.close()), state, ...shipping, grpc];
}

async function shipperLoop(values: SidecarValues, deps: ServiceDeps, state: PrometheusState): Promise<Component> {
  const { logger, metrics } = deps;
  const bucket = await openBucket({ logger, metrics, env: deps.context.env }, values['objstore.config']);
  const shipper = new Shipper(
    { bucket, logger, metrics, labels: () => state.externalLabels },
    {
      directory: values['tsdb.path'],
      source: 'sidecar',
      uploadCompacted: values['shipper.upload-compacted'],
      allowOutOfOrderUploads: values['shipper.allow-out-of-order-uploads'],
      skipCorruptedBlocks: values['shipper.skip-corrupted-blocks'],
      uploadConcurrency: values['shipper.upload-concurrency'],
      hashFunc: values['hash-func'],
      metaFileName: values['shipper.meta-file-name'],
      keepStartTimestamps: values['shipper.keep-start-timestamps'],
    },
  );
  return new Loop(
    {
      logger,
      step: async (signal) => {
        await shipper.sync(backgroundRequest(signal));
      },
    },
    { name: 'shipper', intervalMs: values['shipper.upload-interval'] },
  );
}

/** Something that needs no start, closed when the group stops. */
function closing(name: string, close: () => Promise<void>): Component {
  return { name, start: async () => {}, stop: close };
}
