// The suite that every Store passes: in memory, over gRPC, over blocks in a bucket, beside a Prometheus.

import assert from 'node:assert/strict';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { backgroundRequest } from '../async/request.ts';
import { kindOf } from '../errors/fault.ts';
import { compareLabels, Labels } from '../model/labels.ts';
import { Matcher, type MatcherOp } from '../model/matcher.ts';
import { MAX_TIME, MIN_TIME } from '../model/time.ts';
import { SampleBuffer } from '../storage/sample-columns.ts';
import { decodeXor } from '../tsdb/chunkenc/xor.ts';
import { type FakeSeries, parseFakeSeries } from './fake-store.ts';
import type { LabelNamesRequest, SeriesRequest, Store } from './store.ts';

export interface StoreUnderTest {
  readonly store: Store;
  close?(): Promise<void>;
}

/** Where implementations may differ, as the reference's do. */
export interface StoreTraits {
  /** Cuts Series by `limit` also when chunks are asked for. */
  readonly limitsSeries?: boolean;
  /** Filters by shard when chunks are skipped. */
  readonly shardsLabelsOnly?: boolean;
  /** Drops labels of series, not only external ones, when chunks are skipped. */
  readonly dropsLabelsOnly?: boolean;
}

/** A border between two-hour blocks, so that stores over blocks can hold the data in one. */
const START = 1_700_006_400_000;
const at = (minutes: number): number => START + minutes * 60_000;

/** 300 samples, one in 15 s: three chunks of 120 in the usual cut. */
const long = Array.from({ length: 300 }, (_, i) => `${at(0) + i * 15_000}:${i * 2}`).join(' ');

/** Not in label order, with labels that not all series have, and with names beyond ASCII. */
const TEXT = `
  up{job="b", instance="1"} ${at(0)}:1 ${at(1)}:1
  up{job="a", instance="2"} ${at(0)}:1 ${at(1)}:0
  up{job="a", instance="1", extra="x"} ${at(0)}:1 ${at(1)}:0
  late_total{job="a"} ${at(60)}:7 ${at(61)}:8
  long_total{job="c"} ${long}
  city{place="Zürich", job="u"} ${at(0)}:1
  city{place="\u{ffe6}", job="u"} ${at(0)}:2
  city{place="\u{1f600}", job="u"} ${at(0)}:3
`;

const EXTERNAL = Labels.of({ cluster: 'eu', a_replica: 'r1' });

/** The data that `makeStore` is asked to hold. */
export const conformanceSeries: readonly FakeSeries[] = parseFakeSeries(TEXT);

/**
 * Runs the suite. `makeStore` builds a store that holds the series and adds the external labels (cluster, a_replica).
 */
export function storeConformance(
  name: string,
  makeStore: (series: readonly FakeSeries[], externalLabels: Labels) => Promise<StoreUnderTest>,
  traits: StoreTraits = {},
): void {
  const { limitsSeries = true, shardsLabelsOnly = true, dropsLabelsOnly = true } = traits;

  describe(`${name} as a Store`, () => {
    let made: StoreUnderTest;
    beforeAll(async () => {
      made = await makeStore(conformanceSeries, EXTERNAL);
    });
    afterAll(async () => {
      await made?.close?.();
    });

    const select = async (query: Partial<SeriesRequest>) => {
      const all: { labels: Labels; times: number[]; values: number[] }[] = [];
      let last: Labels | undefined;
      for await (const batch of made.store.series(backgroundRequest(), seriesQuery(query))) {
        assert.deepEqual(batch.warnings, []);
        for (const { labels, chunks } of batch.series) {
          assert.ok(last === undefined || compareLabels(last, labels) <= 0, `${last} before ${labels}`);
          const isNew = last === undefined || !last.equals(labels);
          if (isNew) all.push({ labels, times: [], values: [] });
          last = labels;
          const samples = new SampleBuffer();
          for (const { table, from, to } of chunks) {
            for (let i = from; i < to; i++) {
              const first = samples.length;
              for (let p = table.firstPart[i]; p < table.firstPart[i + 1]; p++) {
                assert.equal(table.partAggregate[p], 0);
                assert.equal(table.partEncoding[p], 1);
                decodeXor(table.bytes, table.partOffset[p], table.partLength[p], samples);
              }
              assert.equal(samples.times[first], table.minTimes[i]);
              assert.equal(samples.times[samples.length - 1], table.maxTimes[i]);
            }
          }
          const series = all[all.length - 1];
          series.times.push(...samples.times.subarray(0, samples.length));
          series.values.push(...samples.values.subarray(0, samples.length));
        }
      }
      return all;
    };
    const labelsOf = async (query: Partial<SeriesRequest>): Promise<string[]> =>
      (await select({ skipChunks: true, ...query })).map(({ labels }) => String(labels));
    const full = (text: string): string => String(parseFakeSeries(text)[0].labels.with(EXTERNAL));

    test('series come in label order by UTF-8 bytes, with external labels and all samples', async () => {
      const all = await select({ matchers: [matcher('__name__', '=~', '.+')] });
      const expected = conformanceSeries
        .map(({ labels, samples }) => ({ labels: labels.with(EXTERNAL), samples }))
        .sort((a, b) => compareLabels(a.labels, b.labels));
      assert.deepEqual(
        all.map(({ labels }) => String(labels)),
        expected.map(({ labels }) => String(labels)),
      );
      for (const [i, { samples }] of expected.entries()) {
        assert.deepEqual(
          all[i].times,
          samples.map(([time]) => time),
        );
        assert.deepEqual(
          all[i].values,
          samples.map(([, value]) => value),
        );
      }
    });

    const up1 = full('up{job="a", instance="1", extra="x"}');
    const up2 = full('up{job="a", instance="2"}');
    const up3 = full('up{job="b", instance="1"}');
    for (const [what, matchers, expected] of [
      ['an equal value', [['job', '=', 'a']], [up1, up2]],
      ['an empty value: the label is missing', [['extra', '=', '']], [up3, up2]],
      ['not empty: the label is there', [['extra', '!=', '']], [up1]],
      ['not equal: also where it is missing', [['extra', '!=', 'x']], [up3, up2]],
      ['an expression that matches nothing at all', [['extra', '=~', 'x|']], [up1, up3, up2]],
      ['an expression that needs something', [['extra', '=~', '.+']], [up1]],
      ['a negated expression: also where it is missing', [['extra', '!~', 'x']], [up3, up2]],
      ['a negated expression that matches everything', [['extra', '!~', '.*']], []],
      ['an anchored expression', [['job', '=~', 'a|c']], [up1, up2]],
      [
        'several matchers on one label',
        [
          ['instance', '!=', '1'],
          ['instance', '=~', '1|2'],
        ],
        [up2],
      ],
      [
        'an external label that fits',
        [
          ['cluster', '=', 'eu'],
          ['job', '=', 'b'],
        ],
        [up3],
      ],
      ['an external label that does not', [['cluster', '=', 'us']], []],
      ['an external label that must not be', [['cluster', '!~', 'e.*']], []],
    ] as const) {
      test(`a matcher for ${what}`, async () => {
        const all = matchers.map(([label, op, value]) => matcher(label, op, value));
        assert.deepEqual(await labelsOf({ matchers: [matcher('__name__', '=', 'up'), ...all] }), expected);
      });
    }

    const late = matcher('__name__', '=', 'late_total');
    for (const [what, minTime, maxTime, count] of [
      ['ends on the first sample', at(30), at(60), 1],
      ['begins on the last sample', at(61), at(90), 1],
      ['ends before the first sample', at(30), at(60) - 1, 0],
      ['begins after the last sample', at(61) + 1, at(90), 0],
      ['has no bounds', MIN_TIME, MAX_TIME, 1],
      ['ends before it begins', at(90), at(30), 0],
    ] as const) {
      test(`a time range that ${what} finds ${count} series`, async () => {
        assert.equal((await select({ matchers: [late], minTime, maxTime })).length, count);
      });
    }

    test('chunks that touch the asked time come whole', async () => {
      const [series] = await select({
        matchers: [matcher('__name__', '=', 'long_total')],
        minTime: at(0),
        maxTime: at(0),
      });
      assert.ok(series.times.length >= 1 && series.times[0] === at(0));
      assert.ok(series.times.every((time, i) => time === at(0) + i * 15_000));
    });

    test('without chunks only labels come', async () => {
      const all = await select({ matchers: [matcher('__name__', '=', 'up')], skipChunks: true });
      assert.equal(all.length, 3);
      assert.ok(all.every(({ times }) => times.length === 0));
    });

    for (const skipChunks of limitsSeries ? [true, false] : [true]) {
      test(`a limit cuts silently ${skipChunks ? 'without' : 'with'} chunks`, async () => {
        const all = await select({ matchers: [matcher('__name__', '=', 'up')], skipChunks, limit: 2 });
        assert.equal(all.length, 2);
        assert.ok(all.every(({ labels }) => [up1, up2, up3].includes(String(labels))));
      });
    }

    for (const skipChunks of dropsLabelsOnly ? [true, false] : [false]) {
      test(`replica labels are gone and the order is right ${skipChunks ? 'without' : 'with'} chunks`, async () => {
        const withoutReplicaLabels = ['a_replica', 'instance', 'no_such_label'];
        const all = await select({ matchers: [matcher('__name__', '=', 'up')], skipChunks, withoutReplicaLabels });
        assert.deepEqual(
          [...new Set(all.map(({ labels }) => String(labels)))],
          [
            '{__name__="up", cluster="eu", extra="x", job="a"}',
            '{__name__="up", cluster="eu", job="a"}',
            '{__name__="up", cluster="eu", job="b"}',
          ],
        );
      });
    }

    for (const skipChunks of shardsLabelsOnly ? [true, false] : [false]) {
      for (const by of [true, false]) {
        test(`shards ${by ? 'by' : 'without'} a label part the series ${skipChunks ? 'without' : 'with'} chunks`, async () => {
          const matchers = [matcher('__name__', '=~', '.+')];
          const parts = await Promise.all(
            [0, 1, 2].map((shardIndex) =>
              select({
                matchers,
                skipChunks,
                shard: { shardIndex, totalShards: 3, by, labels: ['instance', 'place'] },
              }),
            ),
          );
          const union = parts.flat().map(({ labels }) => labels);
          union.sort(compareLabels);
          assert.deepEqual(union.map(String), await labelsOf({ matchers }));
          assert.ok(parts.filter((part) => part.length > 0).length > 1);
        });
      }
    }

    test('a reader that leaves early ends the stream', async () => {
      const query = seriesQuery({ matchers: [matcher('__name__', '=~', '.+')], responseBatchSize: 1 });
      for await (const { series } of made.store.series(backgroundRequest(), query)) if (series.length > 0) break;
      assert.equal((await labelsOf({ matchers: [matcher('__name__', '=', 'up')] })).length, 3);
    });

    test('an aborted signal ends the stream', async () => {
      const controller = new AbortController();
      const query = seriesQuery({ matchers: [matcher('__name__', '=~', '.+')] });
      controller.abort();
      const run = async (): Promise<void> => {
        for await (const _ of made.store.series(backgroundRequest(controller.signal), query));
      };
      await assert.rejects(run(), (thrown) => kindOf(thrown) === 'canceled');
    });

    test('label names hold external names and are sorted', async () => {
      const { values } = await made.store.labelNames(backgroundRequest(), labelsQuery({}));
      assert.deepEqual(values, ['__name__', 'a_replica', 'cluster', 'extra', 'instance', 'job', 'place']);
    });

    test('label names of what matches', async () => {
      const query = labelsQuery({ matchers: [matcher('job', '=', 'u')], withoutReplicaLabels: ['a_replica'] });
      const { values } = await made.store.labelNames(backgroundRequest(), query);
      assert.deepEqual(values, ['__name__', 'cluster', 'job', 'place']);
    });

    for (const [what, label, query, expected] of [
      ['sorted by UTF-8 bytes', 'place', {}, ['Zürich', '\u{ffe6}', '\u{1f600}']],
      ['of what matches', 'instance', { matchers: [matcher('job', '=', 'b')] }, ['1']],
      ['of an external label', 'cluster', {}, ['eu']],
      ['of an external label where something matches', 'cluster', { matchers: [matcher('job', '=', 'b')] }, ['eu']],
      ['of an external label where nothing matches', 'cluster', { matchers: [matcher('job', '=', 'z')] }, []],
      ['of a label that is dropped', 'a_replica', { withoutReplicaLabels: ['a_replica'] }, []],
      ['of a label nobody has', 'nothing', {}, []],
    ] as const) {
      test(`label values ${what}`, async () => {
        const answer = await made.store.labelValues(backgroundRequest(), { ...labelsQuery(query), label });
        assert.deepEqual(answer.values, expected);
      });
    }
  });
}

function matcher(name: string, op: MatcherOp, value: string): Matcher {
  return new Matcher(op, name, value);
}

/** A whole request from what matters; all time, no limit, batches of 16. */
export function seriesQuery(query: Partial<SeriesRequest>): SeriesRequest {
  return {
    minTime: START - 3_600_000,
    maxTime: START + 24 * 3_600_000,
    matchers: [],
    maxResolutionMs: 0,
    aggregates: [],
    skipChunks: false,
    partialResponse: 'abort',
    withoutReplicaLabels: [],
    limit: 0,
    responseBatchSize: 16,
    ...query,
  };
}

/** A whole label request from what matters. */
export function labelsQuery(query: Partial<LabelNamesRequest>): LabelNamesRequest {
  return {
    minTime: START - 3_600_000,
    maxTime: START + 24 * 3_600_000,
    matchers: [],
    partialResponse: 'abort',
    withoutReplicaLabels: [],
    limit: 0,
    ...query,
  };
}
