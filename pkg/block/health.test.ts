import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'vitest';
import { goldenDir } from '../../dev/golden.ts';
import { ByteWriter } from '../bytes/writer.ts';
import { kindOf } from '../errors/fault.ts';
import { Block } from '../tsdb/block.ts';
import { printBlockMeta } from '../tsdb/block-meta.ts';
import { INDEX_MAGIC, INDEX_VERSION } from '../tsdb/index/format.ts';
import { writeToc } from '../tsdb/index/toc.ts';
import { checkIndex, type Defect, describeDefects } from './health.ts';

/** Labels by symbol, and chunks by their times. References are 100 apart. */
interface Series {
  readonly labels: readonly number[];
  readonly chunks: readonly (readonly [minTime: number, maxTime: number])[];
  /** Damages the entry's checksum. */
  readonly isDamaged?: boolean;
}

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'health-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

/** A block from 0 to 1000 with an index that no writer would write; symbols are a, b, c, d. */
function write(series: readonly Series[]): Block {
  const out = new ByteWriter();
  out.be32(INDEX_MAGIC);
  out.u8(INDEX_VERSION);
  const symbols = out.openSection();
  out.be32(4);
  for (const symbol of ['a', 'b', 'c', 'd']) out.str(symbol);
  out.closeSection(symbols);
  const seriesAt = out.length;
  let ref = 8;
  for (const { labels, chunks, isDamaged } of series) {
    out.pad(16);
    const body = new ByteWriter();
    body.uvarint(labels.length / 2);
    for (const label of labels) body.uvarint(label);
    body.uvarint(chunks.length);
    chunks.forEach(([minTime, maxTime], i) => {
      if (i === 0) body.varint(minTime);
      else body.uvarintBig(BigInt(minTime - chunks[i - 1][1]));
      body.uvarint(maxTime - minTime);
      if (i === 0) body.uvarint(ref);
      else body.varint(100);
      ref += 100;
    });
    out.uvarint(body.length);
    const from = out.length;
    out.bytes(body.written);
    if (isDamaged === true) out.be32(0);
    else out.checksum(from);
  }
  const seriesEnd = out.length;
  const table = out.openSection();
  out.be32(0);
  out.closeSection(table);
  writeToc(out, {
    symbols: 5,
    series: seriesAt,
    labelIndices: seriesEnd,
    labelOffsetTable: seriesEnd,
    postings: seriesEnd,
    postingOffsetTable: seriesEnd,
  });
  mkdirSync(join(directory, 'chunks'));
  writeFileSync(join(directory, 'index'), out.written);
  const stats = {
    numSamples: 0,
    numFloatSamples: 0,
    numHistogramSamples: 0,
    numSeries: 0,
    numChunks: 0,
    numTombstones: 0,
  };
  const compaction = { level: 1, sources: [], deletable: false, parents: [], failed: false, hints: [] };
  const meta = { ulid: '01HF7YAT00AAAAAAAAAAAAAAAA', minTime: 0, maxTime: 1000, stats, compaction, others: {} };
  writeFileSync(join(directory, 'meta.json'), printBlockMeta(meta));
  return Block.open(directory);
}

const good: Series = {
  labels: [0, 1],
  chunks: [
    [0, 10],
    [11, 20],
  ],
};

describe('the check of an index', () => {
  for (const [what, series, defect, offender] of [
    ['a chunk before the block', [{ ...good, chunks: [[-5, 10]] }], 'outside', /\{a="b"\}, chunk 0 from -5 to 10/],
    [
      'a chunk after the block',
      [
        {
          ...good,
          chunks: [
            [0, 10],
            [900, 1001],
          ],
        },
      ],
      'outside',
      /chunk 1 from 900/,
    ],
    [
      'a chunk that starts at its end',
      [
        {
          ...good,
          chunks: [
            [0, 10],
            [1000, 1001],
          ],
        },
      ],
      'late',
      /chunk 1 from 1000/,
    ],
    [
      'chunks that overlap',
      [
        {
          ...good,
          chunks: [
            [0, 10],
            [10, 20],
          ],
        },
      ],
      'disordered',
      /chunk 1 from 10 to 20/,
    ],
    [
      'chunks out of order',
      [
        {
          ...good,
          chunks: [
            [50, 60],
            [0, 10],
          ],
        },
      ],
      'disordered',
      /chunk 1 from 0 to 10/,
    ],
    ['labels out of order', [{ ...good, labels: [2, 1, 0, 1] }], 'labelOrder', /series \d+ \{c="b", a="b"\}/],
    ['a label twice', [{ ...good, labels: [0, 1, 0, 2] }], 'labelOrder', /a="b", a="c"/],
    ['series out of order', [{ ...good, labels: [2, 1] }, good], 'seriesOrder', /\{a="b"\}/],
    ['a series twice', [good, good], 'seriesOrder', /\{a="b"\}/],
    ['a series without labels', [{ ...good, labels: [] }], 'unlabelled', /series \d+/],
    ['a series without chunks', [{ ...good, chunks: [] }], 'chunkless', /\{a="b"\}/],
    [
      'an entry whose checksum is wrong',
      [
        { ...good, isDamaged: true },
        { ...good, labels: [2, 3] },
      ],
      'undecodable',
      /checksum/,
    ],
  ] as const satisfies readonly (readonly [string, readonly Series[], Defect, RegExp])[]) {
    test(`counts ${what}, and names the first`, () => {
      const block = write(series);
      const health = checkIndex(block);
      block.close();
      assert.equal(health.counts[defect], 1);
      assert.match(health.firstOffenders[defect] ?? '', offender);
      assert.equal(
        Object.values(health.counts).reduce((sum, count) => sum + count),
        1,
      );
      assert.match(describeDefects(health) ?? '', /^1 .*\(first: /);
      assert.equal(describeDefects(health, new Set([defect])), undefined);
      assert.equal(health.seriesCount, series.length);
    });
  }

  for (const [what, series] of [
    ['two good series', [good, { ...good, labels: [0, 2] }]],
    ['a sample right at the end', [{ ...good, chunks: [[0, 1000]] }]],
  ] as const) {
    test(`finds nothing in ${what}`, () => {
      const block = write(series);
      assert.equal(describeDefects(checkIndex(block)), undefined);
      block.close();
    });
  }

  test('tolerates chunks of the same time, and counts them', () => {
    const block = write([
      {
        ...good,
        chunks: [
          [0, 10],
          [0, 10],
        ],
      },
    ]);
    const health = checkIndex(block);
    block.close();
    assert.equal(describeDefects(health), undefined);
    assert.equal(health.duplicateChunkCount, 1);
  });

  test('says that entries cannot be walked', () => {
    const block = write([good]);
    const [id] = block.index.walk();
    block.close();
    const index = readFileSync(join(directory, 'index'));
    index.fill(0xff, id * 16, id * 16 + 5); // A size that does not end.
    writeFileSync(join(directory, 'index'), index);
    const damaged = Block.open(directory);
    assert.throws(
      () => checkIndex(damaged),
      (thrown) => kindOf(thrown) === 'corrupt',
    );
    damaged.close();
  });

  test.skipIf(goldenDir() === undefined)('gives the sizes that the reference records (needs golden data)', () => {
    let compared = 0;
    for (const bucket of ['main/after', 'dedup/after-default', 'dedup/after-penalty']) {
      const folder = join(goldenDir() ?? '', 'bucket', bucket);
      for (const ulid of readdirSync(folder)) {
        const meta = JSON.parse(readFileSync(join(folder, ulid, 'meta.json'), 'utf8'));
        const block = Block.open(join(folder, ulid));
        const health = checkIndex(block);
        block.close();
        assert.equal(describeDefects(health), undefined, ulid);
        assert.equal(health.chunkCount, meta.stats.numChunks);
        if (meta.compaction.level === 1) continue;
        const { series_max_size, chunk_max_size } = meta.thanos.index_stats;
        assert.deepEqual(
          [health.seriesMaxSizeBytes, health.chunkMaxSizeBytes],
          [series_max_size, chunk_max_size],
          ulid,
        );
        compared++;
      }
    }
    assert.ok(compared >= 15);
  });
});
