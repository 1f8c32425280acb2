import assert from 'node:assert/strict';
import { describe, expect, test } from 'vitest';
import { backgroundRequest } from '../async/request.ts';
import { kindOf } from '../errors/fault.ts';
import { Labels } from '../model/labels.ts';
import { Matcher } from '../model/matcher.ts';
import { HttpClient } from '../net/http/client.ts';
import { PrometheusClient } from '../promclient/client.ts';
import { seriesQuery, storeConformance } from '../store/conformance.ts';
import { type FakeSeries, parseFakeSeries } from '../store/fake-store.ts';
import { transcodeChunk } from '../tsdb/chunkenc/transcode.ts';
import { startTimestampChunks } from '../tsdb/start-timestamps-fixture.ts';
import { FakePrometheus, type FakePrometheusOptions } from './fake-prometheus.ts';
import { type PrometheusFacts, PrometheusStore } from './prometheus-store.ts';

interface Made {
  readonly store: PrometheusStore;
  readonly prometheus: FakePrometheus;
  readonly facts: { innerLabelNames: ReadonlySet<string> };
  close(): Promise<void>;
}

async function makeStore(options: FakePrometheusOptions, knowsLabels = true): Promise<Made> {
  const prometheus = new FakePrometheus(options);
  const http = new HttpClient({ baseUrl: await prometheus.start(), timeoutMs: 10_000 });
  const names = new Set(options.series.flatMap(({ labels }) => [...labels].map(([name]) => name)));
  const facts: PrometheusFacts & { innerLabelNames: ReadonlySet<string> } = {
    mustBeReady() {},
    externalLabels: options.externalLabels,
    innerLabelNames: knowsLabels ? names : new Set(),
    version: options.version ?? '3.14.0',
    minTime: -62_167_219_200_000,
    async refreshLabelNames() {
      facts.innerLabelNames = names;
    },
  };
  return {
    store: new PrometheusStore({ client: new PrometheusClient(http), facts }),
    prometheus,
    facts,
    async close() {
      await http.close();
      await prometheus.stop();
    },
  };
}

// The reference's sidecar keeps the limit for label-only calls, and drops only external labels there: so do we.
const traits = { limitsSeries: false, shardsLabelsOnly: false, dropsLabelsOnly: false };

for (const [what, streams] of [
  ['a Prometheus that streams chunks', true],
  ['a Prometheus that answers with samples', false],
] as const) {
  storeConformance(what, async (series, externalLabels) => makeStore({ series, externalLabels, streams }), traits);
}

storeConformance(
  'a Prometheus older than label matchers',
  async (series, externalLabels) => makeStore({ series, externalLabels, version: '2.20.1' }),
  traits,
);

describe('series of a Prometheus', () => {
  const external = Labels.of({ cluster: 'eu', replica: 'a' });

  async function labelsOf(series: readonly FakeSeries[] | string, without: readonly string[] = [], knows = true) {
    const list = typeof series === 'string' ? parseFakeSeries(series) : series;
    const made = await makeStore({ series: list, externalLabels: external }, knows);
    try {
      const found: string[] = [];
      const query = seriesQuery({
        minTime: 0,
        matchers: [new Matcher('=~', '__name__', '.+')],
        withoutReplicaLabels: without,
      });
      for await (const batch of made.store.series(backgroundRequest(), query)) {
        for (const { labels } of batch.series) found.push(labels.toString());
      }
      return found;
    } finally {
      await made.close();
    }
  }

  test('come in the order of their final labels when labels of one begin those of the next', async () => {
    expect(await labelsOf('up 1:1\nup{a="1"} 1:1\nup{z="1"} 1:1')).toEqual([
      '{__name__="up", a="1", cluster="eu", replica="a"}',
      '{__name__="up", cluster="eu", replica="a"}',
      '{__name__="up", cluster="eu", replica="a", z="1"}',
    ]);
  });

  test('take the external value of a label they have themselves, and are sorted by it', async () => {
    expect(await labelsOf('up{cluster="inner", job="z"} 1:1\nup{cluster="other", job="b"} 1:1')).toEqual([
      '{__name__="up", cluster="eu", job="b", replica="a"}',
      '{__name__="up", cluster="eu", job="z", replica="a"}',
    ]);
  });

  test('lose replica labels, inner ones too', async () => {
    expect(await labelsOf('up{pod="1"} 1:1\nup{pod="2"} 1:1', ['replica', 'pod'])).toEqual([
      '{__name__="up", cluster="eu"}',
      '{__name__="up", cluster="eu"}',
    ]);
  });

  test('with a label that is added as well, unknown until now, fail once and are right the next time', async () => {
    const series = parseFakeSeries('up{cluster="inner", job="z"} 1:1\nup{job="b"} 1:1');
    const made = await makeStore({ series, externalLabels: external }, false);
    try {
      const query = seriesQuery({ minTime: 0, matchers: [new Matcher('=', '__name__', 'up')] });
      const ask = async (): Promise<string[]> => {
        const found: string[] = [];
        for await (const batch of made.store.series(backgroundRequest(), query)) {
          for (const { labels } of batch.series) found.push(labels.get('job'));
        }
        return found;
      };
      await assert.rejects(ask(), (thrown) => kindOf(thrown) === 'unavailable');
      expect(await ask()).toEqual(['b', 'z']);
    } finally {
      await made.close();
    }
  });

  test('cannot be asked for by external labels alone', async () => {
    const made = await makeStore({ series: parseFakeSeries('up 1:1'), externalLabels: external });
    try {
      const query = seriesQuery({ minTime: 0, matchers: [new Matcher('=', 'cluster', 'eu')] });
      await assert.rejects(
        async () => {
          for await (const _ of made.store.series(backgroundRequest(), query));
        },
        (thrown) => kindOf(thrown) === 'invalid' && /no matchers specified/.test(String(thrown)),
      );
    } finally {
      await made.close();
    }
  });

  test('are refused with the words of Prometheus when it fails', async () => {
    const made = await makeStore({ series: parseFakeSeries('up 1:1'), externalLabels: external });
    made.prometheus.brokenWith = 503;
    try {
      const query = seriesQuery({ minTime: 0, matchers: [new Matcher('=', '__name__', 'up')] });
      await assert.rejects(
        async () => {
          for await (const _ of made.store.series(backgroundRequest(), query));
        },
        (thrown) => kindOf(thrown) === 'unavailable' && /request failed with code 503; msg broken/.test(String(thrown)),
      );
    } finally {
      await made.close();
    }
  });

  for (const { job, encoding, hex } of startTimestampChunks) {
    test(`of ${job} come in encodings that every reader knows (${encoding})`, async () => {
      const bytes = Buffer.from(hex, 'hex');
      const series = parseFakeSeries('up{a="1"} 1:1\nup{a="2"} 1:1');
      const made = await makeStore({ series, externalLabels: external, chunk: { encoding, bytes } });
      try {
        const query = seriesQuery({ minTime: 0, matchers: [new Matcher('=', '__name__', 'up')] });
        const found: [number, string][] = [];
        for await (const batch of made.store.series(backgroundRequest(), query)) {
          for (const { table, from } of batch.series.flatMap(({ chunks }) => chunks)) {
            const part = table.firstPart[from];
            const offset = table.partOffset[part];
            const data = table.bytes.subarray(offset, offset + table.partLength[part]);
            found.push([table.partEncoding[part], Buffer.from(data).toString('hex')]);
          }
        }
        const older = transcodeChunk(encoding, bytes);
        const expected = [older.encoding, Buffer.from(older.bytes).toString('hex')];
        expect(older.encoding).toBeLessThanOrEqual(3);
        expect(found).toEqual([expected, expected]);
      } finally {
        await made.close();
      }
    });
  }

  for (const encoding of [0, 7, 255]) {
    test(`with chunks of encoding ${encoding} are refused`, async () => {
      const chunk = { encoding, bytes: new Uint8Array(20) };
      const made = await makeStore({ series: parseFakeSeries('up 1:1'), externalLabels: external, chunk });
      try {
        const query = seriesQuery({ minTime: 0, matchers: [new Matcher('=', '__name__', 'up')] });
        await assert.rejects(
          async () => {
            for await (const _ of made.store.series(backgroundRequest(), query));
          },
          (thrown) => kindOf(thrown) === 'corrupt',
        );
      } finally {
        await made.close();
      }
    });
  }
});
