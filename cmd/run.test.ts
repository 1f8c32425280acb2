import assert from 'node:assert/strict';
import { describe, expect, test } from 'vitest';
import { Fault, kindOf, messageOf } from '../pkg/errors/fault.ts';
import type { Component } from '../pkg/lifecycle/component.ts';
import { type Logger, silentLogger } from '../pkg/telemetry/logger.ts';
import type { CommandContext } from './command-spec.ts';
import { runCommand, type ServiceDeps } from './run.ts';

function setUp(component: (deps: ServiceDeps) => Component, address = '127.0.0.1:0') {
  const messages: string[] = [];
  const logger: Logger = { ...silentLogger, info: (message) => messages.push(message), with: () => logger };
  const stop = new AbortController();
  const context: CommandContext = {
    stdout: { write() {} },
    stderr: { write() {} },
    env: {},
    stop: stop.signal,
    logger,
  };
  let deps: ServiceDeps | undefined;
  let ready: () => void = () => {};
  const isReady = new Promise<void>((resolve) => {
    ready = resolve;
  });
  const code = runCommand({
    name: 'store',
    values: { 'http-address': address, 'http-grace-period': 1000 },
    context,
    components(given) {
      deps = given;
      given.probe.watch((state) => state.isReady && ready());
      return [component(given)];
    },
  });
  return { messages, stop, code, isReady, deps: () => deps as ServiceDeps };
}

const idle: Component = { name: 'idle', start: async () => {}, stop: async () => {} };

describe('a command that runs until stopped', () => {
  test('serves probes and metrics, stops on a signal with exit code 0, and says so', async () => {
    const { messages, stop, code, isReady, deps } = setUp(() => idle);
    await isReady;
    const { port } = deps().http.address();
    const metrics = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
    for (const check of ['healthy', 'ready']) {
      expect(metrics).toContain(`thanos_status{component="store",check="${check}"} 1`);
    }
    expect(metrics).toMatch(/^thanos_build_info\{version="\d/m);
    stop.abort(new Fault('canceled', 'caught SIGTERM'));
    expect(await code).toBe(0);
    expect(messages).toEqual(['starting store', 'listening for HTTP', 'ready', 'exiting']);
    await assert.rejects(fetch(`http://127.0.0.1:${port}/-/healthy`));
  });

  test('fails with what failed: a start, background work, an address', async () => {
    const failing: Component = { ...idle, start: () => Promise.reject(new Fault('unavailable', 'no bucket')) };
    await assert.rejects(setUp(() => failing).code, (thrown) => messageOf(thrown) === 'start idle: no bucket');
    const crashing: Component = {
      ...idle,
      start: async (host) => host.spawn('sync', () => Promise.reject(new Fault('corrupt', 'bad'))),
    };
    await assert.rejects(setUp(() => crashing).code, (thrown) => messageOf(thrown) === 'idle: sync: bad');
    await assert.rejects(
      setUp(() => idle, 'nowhere').code,
      (thrown) =>
        kindOf(thrown) === 'invalid' && messageOf(thrown) === 'start http: address nowhere: missing port in address',
    );
  });
});
