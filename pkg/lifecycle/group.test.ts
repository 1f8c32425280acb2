import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { describe, expect, test } from 'vitest';
import { FakeClock } from '../async/fake-clock.ts';
import { Fault, kindOf, messageOf } from '../errors/fault.ts';
import { type LogFields, type Logger, silentLogger } from '../telemetry/logger.ts';
import type { Component, Host } from './component.ts';
import { Group } from './group.ts';
import { Loop } from './loop.ts';
import { Probe } from './probe.ts';
import { stopOnSignals } from './signals.ts';

interface Script {
  readonly name: string;
  readonly start?: (host: Host) => Promise<void>;
  readonly stop?: () => Promise<void>;
  readonly graceMs?: number;
}

function scripted(events: string[], script: Script): Component {
  return {
    name: script.name,
    ...(script.graceMs === undefined ? {} : { graceMs: script.graceMs }),
    async start(host) {
      events.push(`start ${script.name}`);
      await script.start?.(host);
    },
    async stop() {
      events.push(`stop ${script.name}`);
      await script.stop?.();
    },
  };
}

function setUp(scripts: readonly Script[], logger: Logger = silentLogger) {
  const events: string[] = [];
  const probe = new Probe();
  const group = new Group(
    { logger, probe },
    { graceMs: 1000 },
    scripts.map((script) => scripted(events, script)),
  );
  const controller = new AbortController();
  return { events, probe, stop: () => controller.abort(), run: group.run(controller.signal) };
}

function ready(probe: Probe): Promise<void> {
  return new Promise((resolve) => {
    if (probe.state.isReady) resolve();
    else probe.watch((state) => state.isReady && resolve());
  });
}

describe('a group', () => {
  test('starts in order, stops in reverse, and tells the probe', async () => {
    const { events, probe, stop, run } = setUp([{ name: 'a' }, { name: 'b' }, { name: 'c' }]);
    expect(probe.state).toEqual({ isHealthy: true, isReady: false, reasons: ['starting a'] });
    await ready(probe);
    stop();
    await run;
    expect(events).toEqual(['start a', 'start b', 'start c', 'stop c', 'stop b', 'stop a']);
    expect(probe.state).toEqual({ isHealthy: false, isReady: false, reasons: ['stopping'] });
  });

  test('a start that fails stops what was begun, itself included, and is the failure', async () => {
    const { events, run } = setUp([
      { name: 'a' },
      { name: 'b', start: () => Promise.reject(new Fault('denied', 'no key')) },
      { name: 'c' },
    ]);
    await assert.rejects(run, (thrown) => kindOf(thrown) === 'denied' && messageOf(thrown) === 'start b: no key');
    expect(events).toEqual(['start a', 'start b', 'stop b', 'stop a']);
  });

  test('background work that fails ends all', async () => {
    const { events, run } = setUp([
      {
        name: 'a',
        start: async (host) => {
          host.spawn('sync', async () => {
            await new Promise((resolve) => setImmediate(resolve));
            throw new Fault('corrupt', 'bad block');
          });
        },
      },
      { name: 'b', start: (host) => new Promise((resolve) => host.signal.addEventListener('abort', () => resolve())) },
      { name: 'c' },
    ]);
    await assert.rejects(run, (thrown) => messageOf(thrown) === 'a: sync: bad block' && kindOf(thrown) === 'corrupt');
    expect(events).toEqual(['start a', 'start b', 'stop b', 'stop a']);
  });

  test('background work that throws before its first await fails the group, not the process', async () => {
    const { run } = setUp([
      {
        name: 'a',
        start: async (host) =>
          host.spawn('now', () => {
            throw new Fault('internal', 'at once');
          }),
      },
    ]);
    await assert.rejects(run, (thrown) => messageOf(thrown) === 'a: now: at once');
  });

  test('what falls over because all stops is no failure', async () => {
    const { probe, stop, run } = setUp([
      {
        name: 'a',
        start: async (host) =>
          host.spawn(
            'wait',
            (signal) =>
              new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Fault('canceled', 'x')))),
          ),
      },
    ]);
    await ready(probe);
    stop();
    await run;
  });

  test('a stop during a start waits for no more starts', async () => {
    const { events, stop, run } = setUp([
      { name: 'a', start: (host) => new Promise((resolve) => host.signal.addEventListener('abort', () => resolve())) },
      { name: 'b' },
    ]);
    stop();
    await run;
    expect(events).toEqual(['start a', 'stop a']);
  });

  test('a component that does not stop in time, or stops badly, holds up nobody', async () => {
    const warnings: [string, LogFields | undefined][] = [];
    const logger: Logger = { ...silentLogger, warn: (message, fields) => warnings.push([message, fields]) };
    const { events, probe, stop, run } = setUp(
      [
        { name: 'a' },
        { name: 'bad', stop: () => Promise.reject(new Fault('internal', 'oops')) },
        { name: 'slow', graceMs: 5, stop: () => new Promise(() => {}) },
      ],
      logger,
    );
    await ready(probe);
    stop();
    await run;
    expect(events.at(-1)).toBe('stop a');
    expect(warnings.map(([, fields]) => fields?.['component'])).toEqual(['slow', 'bad']);
  });

  test('a component loses readiness and wins it back, with its reason shown', async () => {
    let host: Host | undefined;
    const { probe, stop, run } = setUp([
      {
        name: 'prometheus',
        start: async (given) => {
          host = given;
        },
      },
    ]);
    await ready(probe);
    host?.unready('heartbeat failed');
    expect(probe.state).toEqual({ isHealthy: true, isReady: false, reasons: ['prometheus: heartbeat failed'] });
    host?.ready();
    expect(probe.state.isReady).toBe(true);
    stop();
    await run;
  });
});

describe('signals', () => {
  test('the first asks to stop, the next is in a hurry, SIGHUP is ignored, and all are given back', () => {
    const source = new EventEmitter();
    let hurried = 0;
    const stop = stopOnSignals(source, () => hurried++);
    source.emit('SIGHUP');
    expect(stop.signal.aborted).toBe(false);
    source.emit('SIGTERM');
    expect(messageOf(stop.signal.reason)).toBe('caught SIGTERM');
    source.emit('SIGINT');
    expect(hurried).toBe(1);
    stop.release();
    expect(source.eventNames()).toEqual([]);
  });
});

describe('a loop', () => {
  async function runLoop(config: { failsGroup?: boolean; startsWithStep?: boolean; jitter?: number }, fails: number[]) {
    const clock = new FakeClock();
    const times: number[] = [];
    const step = async (): Promise<void> => {
      times.push(clock.now());
      if (fails.includes(times.length)) throw new Fault('unavailable', 'down');
    };
    const loop = new Loop(
      { logger: silentLogger, clock, step, random: () => 0.5 },
      { name: 'l', intervalMs: 10, ...config },
    );
    const probe = new Probe();
    const controller = new AbortController();
    const run = new Group({ logger: silentLogger, probe }, { graceMs: 100 }, [loop]).run(controller.signal);
    const outcome = run.then(
      () => 'stopped',
      (thrown) => messageOf(thrown),
    );
    await clock.advance(25);
    controller.abort();
    return { times, outcome: await outcome };
  }

  for (const [what, config, fails, times, outcome] of [
    ['repeats from start on', {}, [], [0, 10, 20], 'stopped'],
    ['takes its first step while starting', { startsWithStep: true }, [], [0, 10, 20], 'stopped'],
    ['goes on after a failure', {}, [2], [0, 10, 20], 'stopped'],
    ['adds jitter', { jitter: 1 }, [], [0, 15], 'stopped'],
    ['ends the group by a failure when told to', { failsGroup: true }, [2], [0, 10], 'l: loop: down'],
    ['fails the start by its first step', { startsWithStep: true }, [1], [0], 'start l: down'],
  ] as const) {
    test(`a loop ${what}`, async () => {
      expect(await runLoop(config, [...fails])).toEqual({ times: [...times], outcome });
    });
  }
});
