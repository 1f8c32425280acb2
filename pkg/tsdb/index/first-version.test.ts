import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'vitest';
import { MemorySource } from '../../bytes/byte-source.ts';
import { kindOf } from '../../errors/fault.ts';
import { Matcher, type MatcherOp } from '../../model/matcher.ts';
import { readJsonLines, testdata } from '../golden-fixture.ts';
import { firstVersionOf } from './first-version-fixture.ts';
import { IndexReader } from './reader.ts';
import { SeriesEntry } from './series-entry.ts';

const [ulid] = readdirSync(join(testdata, 'basic'));
const second = new Uint8Array(readFileSync(join(testdata, 'basic', ulid, 'index')));

describe('an index of version 1', () => {
  for (const [what, padding] of [
    ['whose series lie side by side', 0],
    ['whose series are padded', 11],
  ] as const) {
    test(`${what} reads as the same of version 2`, () => {
      const { bytes, ids } = firstVersionOf(second, padding);
      const expected = new IndexReader(new MemorySource(second));
      const index = new IndexReader(new MemorySource(bytes));
      assert.equal(index.seriesUnit, 1);
      assert.deepEqual(index.labelNames(), expected.labelNames());
      assert.deepEqual([...index.walk()], [...ids.values()]);
      const entry = new SeriesEntry();
      const expectedEntry = new SeriesEntry();
      for (const [id, offset] of ids) {
        expected.series(id, expectedEntry);
        index.series(offset, entry);
        assert.deepEqual([...index.labels(entry)], [...expected.labels(expectedEntry)]);
        const { chunkCount } = expectedEntry;
        assert.equal(entry.chunkCount, chunkCount);
        for (const column of ['minTimes', 'maxTimes', 'segments', 'offsets'] as const) {
          assert.deepEqual(entry[column].slice(0, chunkCount), expectedEntry[column].slice(0, chunkCount));
        }
      }
      for (const name of expected.labelNames()) {
        assert.deepEqual(index.labelValues(name), expected.labelValues(name));
        for (const value of expected.labelValues(name)) {
          assert.deepEqual(
            [...index.postings(name, value)],
            [...expected.postings(name, value)].map((id) => ids.get(id)),
          );
        }
      }
    });
  }

  test('selects what matchers select in version 2', () => {
    const { bytes, ids } = firstVersionOf(second);
    const index = new IndexReader(new MemorySource(bytes));
    const lines = readJsonLines<{ matchers: [string, MatcherOp, string][]; refs: number[] | null }>(
      join(testdata, 'vectors', 'matchers.jsonl.gz'),
    );
    const entry = new SeriesEntry();
    for (const { matchers, refs } of lines) {
      const asked = matchers.map(([name, op, value]) => new Matcher(op, name, value));
      const found = index.match(asked);
      assert.deepEqual(
        [...found],
        (refs ?? []).map((id) => ids.get(id)),
        asked.join(', '),
      );
      index.labelNamesOf(found, entry);
    }
  });

  test('whose symbols are not where series look for them is corrupt', () => {
    const relabelled = Uint8Array.from(second);
    relabelled[4] = 1;
    const index = new IndexReader(new MemorySource(relabelled));
    const entry = new SeriesEntry();
    let refused = 0;
    const ids = [...new IndexReader(new MemorySource(second)).walk()];
    for (const id of ids) {
      try {
        index.series(id * 16, entry);
      } catch (thrown) {
        assert.equal(kindOf(thrown), 'corrupt');
        refused++;
      }
    }
    // Here and there a number happens to be the place of a symbol.
    assert.ok(refused > ids.length * 0.8, `${refused} of ${ids.length}`);
  });
});
