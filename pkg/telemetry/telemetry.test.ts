import { describe, expect, test } from 'vitest';
import { createLogger, type LoggerOptions } from './logger.ts';
import { Metrics } from './metrics.ts';
import { asksForOpenMetrics, openMetricsText } from './open-metrics.ts';
import { watchProcess } from './process-metrics.ts';

async function lines(options: Partial<LoggerOptions>, log: (logger: ReturnType<typeof createLogger>) => void) {
  let text = '';
  const out = { write: (part: string) => (text += part) };
  log(createLogger({ level: 'info', format: 'logfmt', out, now: () => 1_700_000_000_123, ...options }));
  await new Promise((resolve) => setImmediate(resolve));
  return text;
}

describe('a logger', () => {
  test('writes time, level, message and fields as logfmt', async () => {
    const text = await lines({}, (logger) =>
      logger.with({ component: 'store' }).info('block loaded', {
        block: '01J',
        quoted: 'a "b"',
        pair: 'a=b',
        count: 3,
        big: 2n ** 60n,
        nothing: undefined,
        empty: '',
        err: new Error('line one\nline two'),
        list: [1, 'x'],
        nan: Number.NaN,
      }),
    );
    expect(text).toBe(
      'ts=2023-11-14T22:13:20.123Z level=info msg="block loaded" component=store block=01J quoted="a \\"b\\"" ' +
        'pair="a=b" count=3 big=1152921504606846976 empty= err="line one\\nline two" list="[1,\\"x\\"]" nan=NaN\n',
    );
  });

  test('writes one JSON object a line, whose own keys no field can take', async () => {
    const text = await lines({ format: 'json', name: 'q' }, (logger) =>
      logger.warn('odd', { level: 'mine', message: 'kept', err: new Error('no') }),
    );
    expect(text).toBe(
      '{"ts":"2023-11-14T22:13:20.123Z","level":"warn","msg":"odd","name":"q","message":"kept","err":"no"}\n',
    );
  });

  for (const [level, expected] of [
    ['error', 'e'],
    ['warn', 'we'],
    ['info', 'iwe'],
    ['debug', 'diwe'],
  ] as const) {
    test(`level ${level} lets ${expected.length} of four through`, async () => {
      const text = await lines({ level }, (logger) => {
        logger.debug('d');
        logger.info('i');
        logger.warn('w');
        logger.error('e');
      });
      expect([...text.matchAll(/msg=(\w)/g)].map((match) => match[1]).join('')).toBe(expected);
    });
  }
});

describe('metrics', () => {
  test('asking twice for one name gives the same metric', async () => {
    const metrics = new Metrics();
    metrics.counter('a_total', 'A.').inc();
    metrics.counter('a_total', 'A.').inc(2);
    expect(await metrics.text()).toContain('a_total 3');
  });

  test('the process shows its memory, its descriptors and its build under known names', async () => {
    const metrics = new Metrics();
    watchProcess(metrics, { version: '1.2.3', revision: 'r', branch: 'b' });
    const text = await metrics.text();
    for (const name of [
      'process_cpu_seconds_total',
      'process_resident_memory_bytes',
      'process_start_time_seconds',
      'process_open_fds',
      'process_max_fds',
      'nodejs_heap_size_used_bytes',
      'nodejs_eventloop_lag_seconds',
      'go_memstats_heap_inuse_bytes',
    ]) {
      expect(text).toMatch(new RegExp(`^${name} [0-9]`, 'm'));
    }
    expect(text).toMatch(/^thanos_build_info\{version="1.2.3",revision="r",branch="b",goversion="node v.*\} 1$/m);
  });

  test('OpenMetrics names counter families without _total and ends with EOF', async () => {
    const metrics = new Metrics();
    metrics.counter('a_total', 'Says "a".', ['x']).inc({ x: '1' }, 2);
    metrics.counter('odd', 'No suffix.').inc();
    metrics.histogram('h_seconds', 'H.', [1]).observe(0.5);
    expect(openMetricsText(await metrics.text())).toBe(
      [
        '# HELP a Says \\"a\\".',
        '# TYPE a counter',
        'a_total{x="1"} 2',
        '# HELP odd No suffix.',
        '# TYPE odd unknown',
        'odd 1',
        '# HELP h_seconds H.',
        '# TYPE h_seconds histogram',
        'h_seconds_bucket{le="1"} 1',
        'h_seconds_bucket{le="+Inf"} 1',
        'h_seconds_sum 0.5',
        'h_seconds_count 1',
        '# EOF',
        '',
      ].join('\n'),
    );
    expect(await metrics.text()).toContain('# TYPE a_total counter');
  });

  test('OpenMetrics is for those who ask', () => {
    expect(asksForOpenMetrics('application/openmetrics-text;version=1.0.0,text/plain;q=0.5')).toBe(true);
    expect(asksForOpenMetrics('text/plain;version=0.0.4')).toBe(false);
    expect(asksForOpenMetrics('')).toBe(false);
  });
});
