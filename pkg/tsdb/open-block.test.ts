// Blocks read over a distance say what the same blocks say when they are at hand.

import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { goldenDir } from '../../dev/golden.ts';
import { kindOf } from '../errors/fault.ts';
import type { HistogramSample } from '../model/histogram.ts';
import { type HistogramValue, histogramValueOf, withParts } from '../model/histogram-value.ts';
import type { Labels } from '../model/labels.ts';
import { Matcher } from '../model/matcher.ts';
import { MAX_TIME, MIN_TIME } from '../model/time.ts';
import { lowerBound, SampleBuffer } from '../storage/sample-columns.ts';
import { Block } from './block.ts';
import { type BlockServer, serveDirectory } from './block-server-fixture.ts';
import { columnsText, histogramText, testdata } from './golden-fixture.ts';
import { SeriesEntry } from './index/series-entry.ts';
import { openBlock } from './library.ts';
import type { BlockSeries, MatcherLike, OpenBlock } from './open-block.ts';

const golden = goldenDir();
const basic = join(testdata, 'basic', readdirSync(join(testdata, 'basic'))[0]);
const tombstones = join(testdata, 'tombstones', readdirSync(join(testdata, 'tombstones'))[0]);

/** Labels and samples of what matches, by the reader of local blocks. */
function atHand(directory: string, matchers: readonly Matcher[], minTime: number, maxTime: number): string[] {
  const block = Block.open(directory);
  const entry = new SeriesEntry();
  const found: string[] = [];
  for (const id of block.match(matchers)) {
    const labels = block.series(id, entry);
    const floats = new SampleBuffer();
    const histograms: HistogramSample[] = [];
    block.readSamples(id, entry, minTime, maxTime, floats, histograms);
    if (floats.length + histograms.length === 0) continue;
    found.push([labels.toString(), ...columnsText(floats), ...histograms.map(histogramText)].join('\n'));
  }
  block.close();
  return found;
}

async function away(
  block: OpenBlock,
  matchers: readonly MatcherLike[],
  options: { minTime?: number; maxTime?: number } = {},
): Promise<string[]> {
  const found: string[] = [];
  for await (const { labels, floats, histograms } of block.series(matchers, options)) {
    found.push([labels.toString(), ...columnsText(floats), ...histograms.map(histogramText)].join('\n'));
  }
  return found;
}

let server: BlockServer;
beforeAll(async () => {
  server = await serveDirectory(testdata);
});
afterAll(() => server.close());

const placeOf = (directory: string): string => `${server.url}${directory.slice(testdata.length)}`;

for (const [what, place] of [
  ['from a directory', (directory: string) => directory],
  ['from a web server', placeOf],
] as const) {
  describe(what, () => {
    for (const [name, directory] of [
      ['floats of every kind', basic],
      ['deleted ranges', tombstones],
    ] as const) {
      test(`${name}: all series and samples`, async () => {
        const block = await openBlock(place(directory));
        assert.deepEqual(await away(block, []), atHand(directory, [], MIN_TIME, MAX_TIME));
        await block.close();
      });
    }

    test('matchers, times, names and values', async () => {
      const block = await openBlock(place(basic));
      const own = Block.open(basic);
      const { minTime } = block.meta;
      assert.deepEqual(block.meta, own.meta);
      for (const parts of [
        [['job', '=', 'api']],
        [['__name__', '=~', 'http.*|up']],
        [
          ['__name__', '!=', 'up'],
          ['job', '!~', 'a.*'],
        ],
        [['__name__', '=', 'nothing']],
      ] as const) {
        const matchers = parts.map(([label, op, value]) => new Matcher(op, label, value));
        const [from, to] = [minTime + 600_000, minTime + 1_200_000];
        assert.deepEqual(await away(block, parts, { minTime: from, maxTime: to }), atHand(basic, matchers, from, to));
        assert.deepEqual(await block.labelNames(parts), own.labelNames(matchers));
        assert.deepEqual(await block.labelValues('job', matchers), own.labelValues('job', matchers));
      }
      assert.deepEqual(await block.labelNames(), own.labelNames());
      assert.deepEqual(await block.labelValues('__name__'), own.labelValues('__name__'));
      own.close();
      await block.close();
    });

    test('with hardly any memory, and several questions at once', async () => {
      const block = await openBlock(place(basic), { cacheBytes: 1 });
      const expected = atHand(basic, [], MIN_TIME, MAX_TIME);
      const [all, again, names] = await Promise.all([away(block, []), away(block, []), block.labelNames()]);
      assert.deepEqual(all, expected);
      assert.deepEqual(again, expected);
      assert.ok(names.length > 3);
      await block.close();
    });

    test('series read in turn are the same, in memory that is used again', async () => {
      const block = await openBlock(place(basic));
      const times = { minTime: block.meta.minTime + 600_000, maxTime: block.meta.maxTime };
      const expected: string[] = [];
      for await (const batch of block.batches([], times)) {
        for (const one of batch) expected.push([one.labels, ...columnsText(one.samples().floats)].join());
      }
      // Twice, as what was read lately is found in another way.
      for (let round = 0; round < 2; round++) {
        const found: string[] = [];
        for await (const batch of block.batches([], { ...times, readsInTurn: true })) {
          for (const one of batch) found.push([one.labels, ...columnsText(one.samples().floats)].join());
        }
        assert.deepEqual(found, expected);
      }
      await block.close();
    });

    test('what is not there is not-found', async () => {
      await assert.rejects(
        () => openBlock(place(join(testdata, 'nowhere'))),
        (thrown) => kindOf(thrown) === 'not-found',
      );
    });

    test('an abort ends the reading', async () => {
      const block = await openBlock(place(basic));
      await assert.rejects(
        async () => {
          for await (const _series of block.series([], { signal: AbortSignal.abort() }))
            assert.fail('there is a series');
        },
        (thrown) => kindOf(thrown) === 'canceled',
      );
      await block.close();
    });
  });
}

describe('series that are decoded as they are read', () => {
  /** The same from samples as they are stored: floats and histograms in the order of time. */
  function computedWith({ labels, floats, histograms }: BlockSeries): string {
    const into = new SampleBuffer();
    let from = 0;
    for (const { time, histogram } of histograms) {
      const to = lowerBound(floats.times, floats.length, time, from);
      into.pushColumns(floats, from, to);
      from = to;
      const value = histogramValueOf(histogram);
      if (value === undefined) into.pushStale(time);
      else into.pushHistogram(time, value);
    }
    into.pushColumns(floats, from);
    return textOf(labels, into);
  }

  function textOf(labels: Labels, samples: SampleBuffer): string {
    const histograms = Array.from({ length: samples.length }, (_, i) => textOfHistogram(samples.histograms?.[i]));
    return [labels, ...columnsText(samples), ...histograms, JSON.stringify(samples.starts)].join('\n');
  }

  function textOfHistogram(histogram: HistogramValue | undefined): string {
    return histogram === undefined ? '' : JSON.stringify(withParts(histogram, {}));
  }

  function cut(samples: SampleBuffer, from: number, to: number): SampleBuffer {
    const part = new SampleBuffer();
    part.pushColumns(samples, from, to);
    return part;
  }

  const directories = [basic, tombstones];
  if (golden !== undefined) {
    for (const set of ['histograms', 'histlong', 'ooo', 'tombstones']) {
      const within = join(golden, 'blocks', set);
      directories.push(...readdirSync(within).map((name) => join(within, name)));
    }
  }
  for (const directory of directories) {
    test(`have the samples of ${directory.split('/').slice(-2).join('/')}, all and of a time`, async () => {
      const block = await openBlock(directory);
      const { minTime, maxTime } = block.meta;
      const middle = Math.floor((minTime + maxTime) / 2);
      for (const options of [
        {},
        { minTime: minTime + 700_001, maxTime: middle },
        { minTime: middle, maxTime: middle },
      ]) {
        const expected: string[] = [];
        for await (const series of block.series([], options)) expected.push(computedWith(series));
        const found: string[] = [];
        for await (const batch of block.batches([], options)) {
          for (const series of batch) {
            const twice = new SampleBuffer(4);
            twice.push(0, 1);
            series.readInto(twice);
            const { length } = twice;
            series.readInto(twice);
            const first = textOf(series.labels, cut(twice, 1, length));
            assert.equal(textOf(series.labels, cut(twice, length, twice.length)), first);
            if (length > 1) found.push(first);
          }
        }
        assert.equal(found.length, expected.length);
        for (const [i, text] of found.entries()) assert.ok(text === expected[i], text.split('\n')[0]);
      }
      await block.close();
    });
  }
});

test('chunks of a directory asked for again, which are not read again, say the same; once closed, nothing is read', async () => {
  const block = await openBlock(basic);
  const { maxTime } = block.meta;
  // Of series and of times, so that chunks lie apart from each other and are kept.
  for (const minTime of [maxTime - 60_000, maxTime - 3_600_000, maxTime - 60_000]) {
    const expected = atHand(basic, [new Matcher('=', '__name__', 'up')], minTime, maxTime);
    for (let round = 0; round < 2; round++) {
      assert.deepEqual(await away(block, [['__name__', '=', 'up']], { minTime, maxTime }), expected);
    }
  }
  await block.close();
  await assert.rejects(() => away(block, []), /before it is closed/);
});

test('a long read at hand lets others have their turn', async () => {
  const block = await openBlock(basic);
  let turns = 0;
  const stop = new AbortController();
  const count = (): void => {
    turns++;
    if (!stop.signal.aborted) setImmediate(count);
  };
  setImmediate(count);
  // Some seconds at most: a block that never gives a turn is read to the end.
  await assert.rejects(
    async () => {
      for (let round = 0; round < 2000; round++) {
        const { signal } = stop;
        for await (const _batch of block.batches([], { signal })) if (turns > 3) stop.abort();
      }
    },
    (thrown) => kindOf(thrown) === 'canceled',
  );
  await block.close();
});

describe('a web server', () => {
  test('is asked little for one series of many', async () => {
    server.asked.length = 0;
    const block = await openBlock(placeOf(basic));
    const opened = server.asked.length;
    assert.ok(opened <= 14, `${opened} requests to open`);
    server.asked.length = 0;
    assert.equal((await away(block, [['__name__', '=', 'up']])).length > 0, true);
    assert.ok(server.asked.length <= 4, server.asked.join('\n'));
    // Everything is in memory now.
    server.asked.length = 0;
    await away(block, [['__name__', '=', 'up']]);
    assert.deepEqual(server.asked, []);
    await block.close();
  });

  test('that hides the size of ranges is asked for the size', async () => {
    server.wrong = 'hides-size';
    const block = await openBlock(placeOf(basic));
    assert.ok(server.asked.some((line) => line.startsWith('HEAD')));
    assert.ok((await away(block, [['__name__', '=', 'up']])).length > 0);
    await block.close();
    server.wrong = 'nothing';
  });

  for (const [wrong, kind] of [
    ['no-ranges', 'unsupported'],
    ['short', 'corrupt'],
    ['changed', 'conflict'],
    ['broken', 'unavailable'],
    ['denied', 'denied'],
  ] as const) {
    test(`that goes wrong (${wrong}) is told by ${kind}`, async () => {
      server.wrong = wrong;
      try {
        await assert.rejects(
          () => openBlock(placeOf(basic)),
          (thrown) => kindOf(thrown) === kind && String(thrown).includes(server.url),
        );
      } finally {
        server.wrong = 'nothing';
      }
    });
  }

  test('that is not there is unavailable', async () => {
    await assert.rejects(
      () => openBlock('http://127.0.0.1:1/block'),
      (thrown) => kindOf(thrown) === 'unavailable',
    );
  });
});

test('a segment that meta.json lists and that is gone is not-found, and damage in a chunk is corrupt', async () => {
  const scratch = mkdtempSync(join(tmpdir(), 'open-block-'));
  try {
    const copy = join(scratch, 'block');
    cpSync(basic, copy, { recursive: true });
    const whole = await openBlock(copy);
    await whole.close();
    const listed = {
      ...whole.meta,
      version: 1,
      thanos: { files: [{ rel_path: 'chunks/000001' }, { rel_path: 'chunks/000002' }] },
    };
    writeFileSync(join(copy, 'meta.json'), JSON.stringify(listed));
    await assert.rejects(
      () => openBlock(copy),
      (thrown) => kindOf(thrown) === 'not-found' && /000002/.test(String(thrown)),
    );
    rmSync(copy, { recursive: true });
    cpSync(basic, copy, { recursive: true });
    const chunks = join(copy, 'chunks', '000001');
    const { readFileSync } = await import('node:fs');
    const bytes = readFileSync(chunks);
    bytes[bytes.length >> 1] ^= 0xff;
    writeFileSync(chunks, bytes);
    const block = await openBlock(copy);
    await assert.rejects(
      () => away(block, []),
      (thrown) => kindOf(thrown) === 'corrupt' && /series \d+/.test(String(thrown)),
    );
    await block.close();
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
});

test.skipIf(golden === undefined)('native histograms and a block of 20 000 series', { timeout: 60_000 }, async () => {
  for (const set of ['histograms', 'large']) {
    const directory = join(golden!, 'blocks', set, readdirSync(join(golden!, 'blocks', set))[0]);
    const block = await openBlock(directory, { cacheBytes: 4 * 1024 * 1024 });
    const found = await away(block, []);
    const expected = atHand(directory, [], MIN_TIME, MAX_TIME);
    assert.equal(found.length, expected.length);
    assert.equal(found.join('\n'), expected.join('\n'));
    await block.close();
  }
});
