import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'vitest';
import { kindOf } from '../errors/fault.ts';
import { parseBlockMeta, printBlockMeta } from './block-meta.ts';
import { testdata } from './golden-fixture.ts';

describe('meta.json', () => {
  for (const set of ['basic', 'tombstones']) {
    test(`of block ${set} is printed back byte for byte`, () => {
      const [ulid] = readdirSync(join(testdata, set));
      const text = readFileSync(join(testdata, set, ulid, 'meta.json'), 'utf8');
      assert.equal(printBlockMeta(parseBlockMeta(text)), text);
    });
  }

  test('keeps keys it does not know and everything a merge leaves', () => {
    const text = JSON.stringify({
      ulid: '01M825161K2K92BNB3ZDTVS2F2',
      minTime: -5,
      maxTime: 10,
      stats: {},
      compaction: {
        level: 3,
        sources: ['01M825161K2K92BNB3ZDTVS2F2'],
        deletable: true,
        parents: [{ ulid: '01M82519Z2YZ3DNNZEVK0WV051', minTime: 0, maxTime: 5 }],
        failed: true,
        hints: ['from-out-of-order'],
      },
      version: 1,
      thanos: { labels: { a: 'b' }, downsample: { resolution: 0 } },
    });
    const meta = parseBlockMeta(Buffer.from(text));
    assert.deepEqual(meta.others, { thanos: { labels: { a: 'b' }, downsample: { resolution: 0 } } });
    assert.deepEqual(JSON.parse(printBlockMeta(meta)), JSON.parse(text));
  });

  const good = { ulid: 'x', minTime: 0, maxTime: 1, version: 1 };
  for (const [what, text, kind] of [
    ['nothing', '', 'corrupt'],
    ['only blanks', ' \n', 'corrupt'],
    ['half a file', '{"ulid": "01', 'corrupt'],
    ['a list', '[]', 'corrupt'],
    ['no version', JSON.stringify({ ...good, version: undefined }), 'unsupported'],
    ['another version', JSON.stringify({ ...good, version: 2 }), 'unsupported'],
    ['no ulid', JSON.stringify({ ...good, ulid: 7 }), 'corrupt'],
    ['a time that is text', JSON.stringify({ ...good, minTime: '0' }), 'corrupt'],
    ['times the wrong way round', JSON.stringify({ ...good, minTime: 5 }), 'corrupt'],
    ['sources that are no list', JSON.stringify({ ...good, compaction: { sources: 'x' } }), 'corrupt'],
  ] as const) {
    test(`with ${what} is ${kind}`, () => {
      assert.throws(
        () => parseBlockMeta(text),
        (thrown) => kindOf(thrown) === kind,
      );
    });
  }
});
