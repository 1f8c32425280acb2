import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'vitest';
import { goldenDir } from '../../dev/golden.ts';
import { kindOf } from '../errors/fault.ts';
import { Labels } from '../model/labels.ts';
import { emptyThanos, parseMeta, printMeta, uploadTimeMs } from './meta.ts';

const minimum =
  '{"ulid":"01HF7YAT00AAAAAAAAAAAAAAAA","minTime":0,"maxTime":0,"stats":{},"compaction":{"level":0},"version":1,"thanos":{"version":1,"labels":{"a":"b"},"downsample":{"resolution":0},"source":"","index_stats":{},"upload_time":"0001-01-01T00:00:00Z"}}';

const bytes = (text: string): Uint8Array => Buffer.from(text, 'utf8');
const withThanos = (section: string): Uint8Array =>
  bytes(minimum.replace(/"thanos":\{.*\}\}$/, `"thanos":${section}}`));

describe('meta.json', () => {
  const here = join(import.meta.dirname, 'testdata', 'metas');
  for (const name of readdirSync(here)) {
    test(`${name} of the reference prints as it was read`, () => {
      const text = readFileSync(join(here, name), 'utf8');
      assert.equal(printMeta(parseMeta(bytes(text))), text);
    });
  }

  test.skipIf(goldenDir() === undefined)('every meta.json of the golden buckets prints as it was read', () => {
    const root = join(goldenDir() ?? '', 'bucket');
    const paths = readdirSync(root, { recursive: true })
      .map(String)
      .filter((path) => path.endsWith('meta.json'));
    assert.ok(paths.length > 50, `${paths.length}`);
    for (const path of paths) {
      const text = readFileSync(join(root, path), 'utf8');
      assert.equal(printMeta(parseMeta(bytes(text))), text, path);
    }
  });

  test('the smallest one has every key that is always there, and no other', () => {
    const meta = parseMeta(bytes(minimum));
    assert.equal(JSON.stringify(JSON.parse(printMeta(meta))), minimum);
    assert.equal(meta.thanos.labels.get('a'), 'b');
    assert.equal(uploadTimeMs(meta), undefined);
  });

  test('everything the section can hold survives, in the order of the reference', () => {
    const section =
      '{"version":1,"labels":{"a":"b"},"downsample":{"resolution":300000},"source":"compactor","segment_files":["000001","000002"],"files":[{"rel_path":"chunks/000001","size_bytes":5,"hash":{"hashFunc":"SHA256","value":"ab"}},{"rel_path":"meta.json"}],"rewrites":[{"sources":["x"],"deletions_applied":[]}],"index_stats":{"series_max_size":7,"chunk_max_size":9},"extensions":{"k":[1,{"z":null}]},"upload_time":"2026-11-22T17:32:06.178637383Z"}';
    const meta = parseMeta(withThanos(section));
    assert.equal(JSON.stringify(JSON.parse(printMeta(meta)).thanos), section);
    assert.equal(uploadTimeMs(meta), Date.parse('2026-11-22T17:32:06.178Z'));
    assert.equal(meta.thanos.chunkMaxSizeBytes, 9);
  });

  test('unknown keys are dropped, null is empty', () => {
    const meta = parseMeta(withThanos('{"labels":null,"files":null,"surprise":1,"extensions":null}'));
    assert.deepEqual(meta.thanos, emptyThanos);
    assert.ok(!printMeta(meta).includes('surprise'));
  });

  test('a block of a Prometheus has an empty section', () => {
    assert.deepEqual(parseMeta(bytes(minimum.replace(/,"thanos":.*$/, '}'))).thanos, emptyThanos);
  });

  test('characters the reference escapes are escaped', () => {
    const meta = parseMeta(bytes(minimum));
    const labels = Labels.of({ a: '<b>&\u2028\t"\u{1f600}' });
    const text = printMeta({ ...meta, thanos: { ...meta.thanos, labels } });
    assert.ok(text.includes('"a": "\\u003cb\\u003e\\u0026\\u2028\\t\\"\u{1f600}"'), text);
    assert.ok(parseMeta(bytes(text)).thanos.labels.equals(labels));
  });

  for (const [what, text] of [
    ['nothing', ''],
    ['half of it', minimum.slice(0, 90)],
    ['a list', '[]'],
    ['null', 'null'],
    ['bytes that are no text', '\xff\xfe{'],
    ['no version', minimum.replace('"version":1,"thanos"', '"thanos"')],
    ['another version', minimum.replace('"version":1,"thanos"', '"version":2,"thanos"')],
    ['no identifier', minimum.replace('01HF7YAT00AAAAAAAAAAAAAAAA', '../../etc/passwd')],
    ['labels that are numbers', minimum.replace('{"a":"b"}', '{"a":1}')],
    ['labels that are a list', minimum.replace('{"a":"b"}', '["a"]')],
    ['a resolution below zero', minimum.replace('"resolution":0', '"resolution":-1')],
    ['a fraction as resolution', minimum.replace('"resolution":0', '"resolution":0.5')],
    ['an upload time that is none', minimum.replace('0001-01-01T00:00:00Z', 'yesterday')],
    ['a section of another version', minimum.replace('{"version":1,', '{"version":2,')],
    ['segment files that are no list', minimum.replace('"source":""', '"source":"","segment_files":{}')],
  ] as const) {
    test(`a file with ${what} is refused`, () => {
      assert.throws(
        () => parseMeta(Buffer.from(text, 'latin1')),
        (thrown) => ['corrupt', 'unsupported'].includes(kindOf(thrown)),
      );
    });
  }
});
