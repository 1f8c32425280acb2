// The write-ahead log of a real Prometheus that was killed says what it had answered, and a real Prometheus answers the same
// from a log and a checkpoint that we wrote.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { appendFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, onTestFailed, test } from 'vitest';
import { peer } from '../dev/peers.ts';
import { removeCheckpointed, writeCheckpoint } from '../pkg/tsdb/wal/checkpoint.ts';
import { listSegments } from '../pkg/tsdb/wal/directory.ts';
import type { WalCompression } from '../pkg/tsdb/wal/format.ts';
import { readLog, repairLog } from '../pkg/tsdb/wal/reader.ts';
import { replay, seriesAt } from '../pkg/tsdb/wal/recorded-fixture.ts';
import { WalWriter } from '../pkg/tsdb/wal/writer.ts';
import { Cluster, type Server } from './harness/cluster.ts';
import { ask, countOf, instant, resultOf } from './harness/compare.ts';
import { freePort, waitUntil } from './harness/process.ts';
import { writeInParts } from './harness/write-series.ts';

const [prometheus, promtool] = await Promise.all([peer('prometheus'), peer('promtool')]);

interface Running {
  readonly server: Server;
  readonly url: string;
}

describe.skipIf(prometheus === undefined || promtool === undefined)('the write-ahead log', () => {
  const cluster = new Cluster('log');
  afterAll(() => cluster.close());

  async function start(name: string, scrapes: boolean, compression: WalCompression): Promise<Running> {
    const address = `127.0.0.1:${await freePort()}`;
    const config = join(cluster.directory, `${name}.yml`);
    const scrape = [
      'scrape_configs:',
      '  - job_name: self',
      '    scrape_interval: 200ms',
      '    scrape_timeout: 200ms',
      '    scrape_native_histograms: true',
      `    static_configs: [{targets: ["${address}"]}]`,
    ];
    writeFileSync(config, [...(scrapes ? scrape : []), ''].join('\n'));
    const server = await cluster.start({
      name: `prometheus ${name}`,
      command: prometheus!,
      args: [
        `--config.file=${config}`,
        `--storage.tsdb.path=${join(cluster.directory, name)}`,
        `--web.listen-address=${address}`,
        '--web.enable-remote-write-receiver',
        '--storage.tsdb.retention.time=100y',
        '--enable-feature=exemplar-storage,metadata-wal-records',
        ...(compression === 'none'
          ? ['--no-storage.tsdb.wal-compression']
          : [`--storage.tsdb.wal-compression-type=${compression}`]),
      ],
      readyUrl: `http://${address}/-/ready`,
    });
    return { server, url: `http://${address}` };
  }

  for (const [compression, again] of [
    ['none', 'zstd'],
    ['snappy', 'none'],
    ['zstd', 'snappy'],
  ] as const) {
    test(`compressed by ${compression} there and ${again} here`, { timeout: 120_000 }, async () => {
      onTestFailed(() => console.error(cluster.logs));
      const theirs = await start(compression, true, compression);
      // Within the hour that a head takes; the series of many samples would reach beyond now.
      const sentAt = Math.floor(Date.now() / 1000) * 1000 - 55 * 60_000;
      for (const series of seriesAt(sentAt)) {
        const floats = series.floats.filter(({ time }) => time < sentAt + 50 * 60_000);
        const exemplars = series.exemplars.slice(0, 1);
        await writeInParts(theirs.url, { ...series, floats, exemplars }, 25);
      }
      await waitUntil('some scrapes are done', 30_000, async () => {
        const answer = await ask(theirs.url, instant('min(count_over_time(up[1m])) > 5', Date.now()));
        return countOf(answer) > 0;
      });
      const now = Date.now() - 500;
      const questions = [instant('{job="self"}[1m]', now), instant('{__name__=~"log_.*"}[1h]', now)];
      const answers = await Promise.all(questions.map((question) => ask(theirs.url, question)));
      await theirs.server.kill();

      // Every sample that it answered with is in the log.
      const directory = join(cluster.directory, compression, 'wal');
      const { series } = replay(readLog(directory));
      let floats = 0;
      let histograms = 0;
      for (const answer of answers) {
        for (const { metric, values = [], histograms: own = [] } of resultOf(answer) as never[] as Matrix[]) {
          const logged = series.get(printed(metric))!;
          const byTime = new Map(logged.floats.map(({ time, high, low }) => [time, doubleOf(high, low)]));
          for (const [time, value] of values) {
            const expected = value.replace('Inf', 'Infinity').replace('+', '');
            assert.ok(
              Object.is(byTime.get(Math.round(time * 1000)), Number(expected)),
              `${printed(metric)} at ${time}`,
            );
            floats++;
          }
          const counts = new Map(logged.histograms.map(({ time, histogram }) => [time, histogram.count]));
          for (const [time, { count }] of own) {
            assert.equal(counts.get(Math.round(time * 1000)), Number(count));
            histograms++;
          }
        }
      }
      assert.ok(floats > 1000 && histograms > 25, `${floats} floats, ${histograms} histograms`);

      // The same log of ours: the older half of it as a checkpoint, and an end that was torn off and repaired.
      const copy = cluster.path(`${compression}-again`, 'wal');
      const writer = await WalWriter.open(copy, { compression: again });
      let count = 0;
      for (const { bytes } of readLog(directory)) {
        writer.log([bytes]);
        if (++count % 20 === 0) writer.cut();
      }
      writer.close();
      const lastSegment = listSegments(copy).at(-3)!.segment;
      await writeCheckpoint(copy, { lastSegment, minTime: 0, keeps: () => true, compression: again });
      removeCheckpointed(copy);
      appendFileSync(listSegments(copy).at(-1)!.path, Uint8Array.of(2, 0, 99, 1, 2, 3, 4, 5));
      assert.equal(repairLog(copy)?.isTornTail, true);

      const dump = (of: string): string[] => {
        const sandbox = cluster.path(`sandbox-${of}`);
        const args = ['tsdb', 'dump', `--sandbox-dir-root=${sandbox}`, join(cluster.directory, of)];
        return execFileSync(promtool!, args, { encoding: 'utf8', maxBuffer: 1 << 28 })
          .trimEnd()
          .split('\n')
          .sort();
      };
      const lines = dump(`${compression}-again`);
      assert.ok(lines.length > 1000);
      assert.deepEqual(lines, dump(compression));

      const ours = await start(`${compression}-again`, false, again);
      for (const [i, question] of questions.entries()) {
        const answer = await ask(ours.url, question);
        assert.deepEqual(answer.content, answers[i].content);
      }
      const exemplars = await fetch(
        `${ours.url}/api/v1/query_exemplars?query=log_requests_total&start=${sentAt / 1000 - 1}&end=${now / 1000}`,
      );
      assert.equal(((await exemplars.json()) as { data: { exemplars: unknown[] }[] }).data[0].exemplars.length, 1);
      await ours.server.kill();
    });
  }
});

interface Matrix {
  readonly metric: Readonly<Record<string, string>>;
  readonly values?: readonly (readonly [timeS: number, value: string])[];
  readonly histograms?: readonly (readonly [timeS: number, histogram: { readonly count: string }])[];
}

function printed(metric: Readonly<Record<string, string>>): string {
  const names = Object.keys(metric).sort();
  return `{${names.map((name) => `${name}=${JSON.stringify(metric[name])}`).join(', ')}}`;
}

const bits = new DataView(new ArrayBuffer(8));

function doubleOf(high: number, low: number): number {
  bits.setUint32(0, high);
  bits.setUint32(4, low);
  return bits.getFloat64(0);
}
