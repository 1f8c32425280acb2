import assert from 'node:assert/strict';
import { afterEach, describe, expect, test } from 'vitest';
import { kindOf } from '../errors/fault.ts';
import type { Host } from '../lifecycle/component.ts';
import { Labels } from '../model/labels.ts';
import { HttpClient } from '../net/http/client.ts';
import { PrometheusClient } from '../promclient/client.ts';
import { parseFakeSeries } from '../store/fake-store.ts';
import { type Logger, silentLogger } from '../telemetry/logger.ts';
import { Metrics } from '../telemetry/metrics.ts';
import type { SidecarConfig } from './config.ts';
import { FakePrometheus, type FakePrometheusOptions } from './fake-prometheus.ts';
import { sidecarInfo } from './info.ts';
import { PrometheusState } from './prometheus-state.ts';

const config: SidecarConfig = {
  readyTimeoutMs: 2_000,
  heartbeatIntervalMs: 20,
  heartbeatTimeoutMs: 1_000,
  minTime: () => -62_167_219_200_000,
  uploads: false,
  ignoreUnequalBlockSize: false,
  shipperMetaFile: '/data/thanos.shipper.json',
};
const external = Labels.of({ cluster: 'eu' });
const closers: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function make(
  options: Partial<FakePrometheusOptions> = {},
  changes: Partial<SidecarConfig> = {},
  logger: Logger = silentLogger,
) {
  const prometheus = new FakePrometheus({
    series: parseFakeSeries('up{job="a"} 1:1'),
    externalLabels: external,
    ...options,
  });
  const http = new HttpClient({ baseUrl: await prometheus.start(), timeoutMs: 1_000 });
  const metrics = new Metrics();
  const deps = { client: new PrometheusClient(http), logger, metrics };
  const state = new PrometheusState(deps, { ...config, ...changes });
  const stop = new AbortController();
  const background: Promise<void>[] = [];
  const readiness: string[] = [];
  const host: Host = {
    signal: stop.signal,
    spawn: (_name, task) => void background.push(task(stop.signal)),
    ready: () => void readiness.push('ready'),
    unready: (why) => void readiness.push(why),
  };
  closers.push(
    () => prometheus.stop(),
    () => http.close(),
    async () => {
      stop.abort();
      await Promise.all(background);
    },
  );
  return { prometheus, state, host, metrics, readiness };
}

async function until(holds: () => boolean): Promise<void> {
  for (const end = Date.now() + 20_000; !holds(); ) {
    assert.ok(Date.now() < end, 'not within 20 s');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

describe('what a sidecar knows of its Prometheus', () => {
  test('is labels, version, oldest time and label names once it has started', async () => {
    const { state, host } = await make();
    await state.start(host);
    expect(state.externalLabels.toRecord()).toEqual({ cluster: 'eu' });
    expect(state.version).toBe('3.14.0');
    expect(state.minTime).toBe(1_700_000_000_000);
    expect([...state.innerLabelNames].sort()).toEqual(['__name__', 'job']);
  });

  test('is announced with one label set and an open end', async () => {
    const { state, host } = await make({}, { minTime: () => 1_800_000_000_000 });
    await state.start(host);
    const info = sidecarInfo(state);
    expect(info.component).toBe('sidecar');
    expect(info.store?.minTime).toBe(1_800_000_000_000);
    expect(info.store?.maxTime).toBe(2 ** 63);
    expect(info.store?.tsdbInfos).toHaveLength(1);
  });

  test('is nothing before Prometheus has answered: Info is refused', async () => {
    const { state } = await make();
    assert.throws(
      () => sidecarInfo(state),
      (thrown) => kindOf(thrown) === 'unavailable',
    );
  });

  test('is waited for while Prometheus is down', async () => {
    const { state, host, prometheus } = await make({}, { heartbeatIntervalMs: 10 });
    prometheus.brokenWith = 503;
    const started = state.start(host);
    await until(() => prometheus.calls.length > 2);
    prometheus.brokenWith = undefined;
    await started;
    state.mustBeReady();
  });

  test('is given up on when Prometheus stays away', async () => {
    const { state, host, prometheus } = await make({}, { readyTimeoutMs: 100, heartbeatIntervalMs: 10 });
    prometheus.brokenWith = 503;
    await assert.rejects(
      state.start(host),
      (thrown) => kindOf(thrown) === 'timeout' && /not ready within 0.1 s: .*--prometheus\.url/.test(String(thrown)),
    );
  });
});

describe('a sidecar', () => {
  test('refuses a Prometheus without external labels, and says where to set them', async () => {
    const { state, host } = await make({ externalLabels: Labels.empty });
    await assert.rejects(state.start(host), /no external labels configured .* global\.external_labels/);
  });

  for (const [what, flags, changes, isFine] of [
    ['compacts its blocks', { min: '2h', max: '36h' }, {}, false],
    ['leaves its blocks alone', { min: '2h', max: '2h' }, {}, true],
    ['compacts its blocks, which a flag allows', { min: '2h', max: '36h' }, { ignoreUnequalBlockSize: true }, true],
    ['compacts its blocks when nothing is uploaded', { min: '2h', max: '36h' }, { uploads: false }, true],
    ['compacts only what is uploaded', { min: '2h', max: '36h', delay: '/data/thanos.shipper.json' }, {}, true],
    ['waits for the file of another', { min: '2h', max: '36h', delay: '/other.json' }, {}, false],
  ] as const) {
    test(`beside a Prometheus that ${what} ${isFine ? 'starts' : 'refuses to upload'}`, async () => {
      const delay: Record<string, string> =
        'delay' in flags ? { 'storage.tsdb.delay-compact-file.path': flags.delay } : {};
      const given = {
        'storage.tsdb.min-block-duration': flags.min,
        'storage.tsdb.max-block-duration': flags.max,
        ...delay,
      };
      const { state, host } = await make({ flags: given }, { uploads: true, ...changes });
      if (isFine) await state.start(host);
      else await assert.rejects(state.start(host), /Max time is 36h and Min time is 2h.*delay-compact-file/);
    });
  }

  test('loses readiness when Prometheus stops answering, says why, and wins it back', async () => {
    const { state, host, prometheus, readiness, metrics } = await make();
    await state.start(host);
    prometheus.brokenWith = 500;
    await until(() => readiness.some((text) => text !== 'ready'));
    assert.throws(() => state.mustBeReady(), /Not ready: prometheus \/metrics: broken/);
    assert.match(await metrics.text(), /thanos_sidecar_prometheus_up 0/);
    prometheus.brokenWith = undefined;
    await until(() => readiness.at(-1) === 'ready');
    state.mustBeReady();
    assert.match(await metrics.text(), /thanos_sidecar_prometheus_up 1/);
  });

  test('serves and uploads nothing under labels that its Prometheus has no more, and goes on with new ones', async () => {
    const { state, host, prometheus, readiness } = await make();
    await state.start(host);
    prometheus.restarted = { externalLabels: Labels.empty };
    await until(() => readiness.some((text) => text.startsWith('no external labels configured')));
    assert.throws(() => state.mustBeReady(), /Not ready: no external labels configured/);
    assert.equal(state.externalLabels.size, 0);
    prometheus.restarted = { externalLabels: Labels.of({ cluster: 'us' }) };
    await until(() => readiness.at(-1) === 'ready');
    assert.deepEqual(state.externalLabels.toRecord(), { cluster: 'us' });
  });

  test('keeps the labels while its Prometheus is away: its blocks are uploaded on', async () => {
    const { state, host, prometheus, readiness } = await make();
    await state.start(host);
    prometheus.brokenWith = 503;
    await until(() => readiness.some((text) => text !== 'ready'));
    assert.deepEqual(state.externalLabels.toRecord(), { cluster: 'eu' });
  });

  test('says so when its Prometheus begins to compact its blocks, and serves on', async () => {
    const errors: string[] = [];
    const logger = { ...silentLogger, error: (message: string) => void errors.push(message) };
    const { state, host, prometheus } = await make({}, { uploads: true }, logger);
    await state.start(host);
    expect(errors).toEqual([]);
    prometheus.restarted = {
      flags: { 'storage.tsdb.min-block-duration': '2h', 'storage.tsdb.max-block-duration': '36h' },
    };
    await until(() => errors.includes('blocks will be missing from the bucket'));
    state.mustBeReady();
  });
});
