import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'vitest';
import { type Ran, ran } from '../main-fixture.ts';

const ULIDS = ['01HF7YAT00AAAAAAAAAAAAAAA1', '01HF7YAT00AAAAAAAAAAAAAAA2'];

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'tools-'));
  ULIDS.forEach((ulid, i) => {
    mkdirSync(join(directory, ulid));
    const minTime = i * 7_200_000;
    const thanos = { version: 1, labels: { a: '1' }, downsample: { resolution: 0 }, source: '', index_stats: {} };
    const meta = {
      ulid,
      minTime,
      maxTime: minTime + 7_200_000,
      stats: {},
      compaction: { level: 1 },
      version: 1,
      thanos,
    };
    writeFileSync(join(directory, ulid, 'meta.json'), JSON.stringify(meta));
  });
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

function tributary(...argv: readonly string[]): Promise<Ran> {
  return ran(...argv, `--objstore.config=${JSON.stringify({ type: 'FILESYSTEM', config: { directory } })}`);
}

const markOf = (ulid: string, file: string) => JSON.parse(readFileSync(join(directory, ulid, file), 'utf8'));

describe('tools bucket mark', () => {
  const mark = (...argv: readonly string[]) => tributary('tools', 'bucket', 'mark', ...argv);

  for (const [file, time, reason] of [
    ['deletion-mark.json', 'deletion_time', undefined],
    ['no-compact-mark.json', 'no_compact_time', 'manual'],
    ['no-downsample-mark.json', 'no_downsample_time', 'manual'],
  ] as const) {
    test(`puts ${file} on every block given, keeps the first of two, and takes it away`, async () => {
      const ids = ULIDS.map((ulid) => `--id=${ulid}`);
      assert.equal((await mark(...ids, `--marker=${file}`, '--details=why not')).code, 0);
      for (const id of ULIDS) {
        const { [time]: seconds, ...rest } = markOf(id, file);
        assert.deepEqual(rest, { id, version: 1, details: 'why not', ...(reason === undefined ? {} : { reason }) });
        assert.ok(Math.abs(Date.now() / 1000 - seconds) < 60);
      }
      assert.equal((await mark(ids[0], `--marker=${file}`, '--details=another')).code, 0);
      assert.equal(markOf(ULIDS[0], file).details, 'why not');
      assert.equal((await mark(ids[0], `--marker=${file}`, '--remove')).code, 0);
      assert.ok(!existsSync(join(directory, ULIDS[0], file)));
      assert.ok(existsSync(join(directory, ULIDS[1], file)));
    });
  }

  for (const [what, argv, code, message] of [
    ['no block', ['--marker=deletion-mark.json', '--details=x'], 2, /required flag --id not provided/],
    ['no marker', [`--id=${ULIDS[0]}`, '--details=x'], 2, /required flag --marker not provided/],
    ['an unknown marker', [`--id=${ULIDS[0]}`, '--marker=x.json', '--details=x'], 2, /must be one of/],
    ['no reason', [`--id=${ULIDS[0]}`, '--marker=deletion-mark.json'], 1, /--details or --remove/],
    ['what is no identifier', ['--id=x', '--marker=deletion-mark.json', '--details=x'], 1, /not a valid block ULID/],
    [
      'a block that is not there',
      ['--id=01HF7YAT00AAAAAAAAAAAAAAA9', '--marker=deletion-mark.json', '--details=x'],
      1,
      /is not in the bucket/,
    ],
  ] as const) {
    test(`refuses ${what}`, async () => {
      const before = readdirSync(directory, { recursive: true }).sort();
      const ran = await mark(...argv);
      assert.equal(ran.code, code, ran.err);
      assert.match(ran.err, message);
      assert.deepEqual(readdirSync(directory, { recursive: true }).sort(), before);
    });
  }
});

test('tools bucket retention marks what is too old, and tools bucket cleanup deletes it', async () => {
  const hours = Math.round(Date.now() / 3_600_000) - 3;
  const { code, err } = await tributary(
    'tools',
    'bucket',
    'retention',
    '--consistency-delay=0s',
    `--retention.resolution-raw=${hours}h`,
  );
  assert.equal(code, 0, err);
  assert.match(markOf(ULIDS[0], 'deletion-mark.json').details, /past its retention/);
  assert.ok(!existsSync(join(directory, ULIDS[1], 'deletion-mark.json')));
  assert.equal((await tributary('tools', 'bucket', 'cleanup', '--consistency-delay=0s')).code, 0);
  assert.deepEqual(readdirSync(directory), ULIDS);
  assert.equal((await tributary('tools', 'bucket', 'cleanup', '--consistency-delay=0s', '--delete-delay=0s')).code, 0);
  assert.deepEqual(readdirSync(directory), [ULIDS[1]]);
});

describe('compact', () => {
  for (const [what, argv, message] of [
    ['to drop raw data before it can be downsampled', ['--retention.resolution-raw=1d'], /raw must be kept .* 40h/],
    ['to drop 5m data before it can be downsampled', ['--retention.resolution-5m=9d'], /5m must be kept .* 240h/],
    [
      'a function without a label',
      ['--downsampling.disable', '--deduplication.func=penalty'],
      /--deduplication\.replica-label/,
    ],
    ['a level there is not', ['--downsampling.disable', '--debug.max-compaction-level=5'], /must be 0 to 4/],
  ] as const) {
    test(`refuses ${what}`, async () => {
      const ran = await tributary('compact', '--http-address=127.0.0.1:0', `--data-dir=${directory}/data`, ...argv);
      assert.equal(ran.code, 1);
      assert.match(ran.err, message);
    });
  }

  test('--dry-run prints what it would do', async () => {
    const before = readdirSync(directory, { recursive: true }).sort();
    const dry = [
      'compact',
      '--dry-run',
      '--downsampling.disable',
      '--consistency-delay=0s',
      '--retention.resolution-raw=1h',
    ];
    const { code, out } = await tributary(...dry, `--data-dir=${join(directory, 'data')}`);
    assert.equal(code, 0);
    assert.match(out, new RegExp(`^mark for deletion ${ULIDS[0]}: .*\nmark for deletion ${ULIDS[1]}: .*\n$`));
    const after = readdirSync(directory, { recursive: true }).sort();
    assert.deepEqual(
      after.filter((name) => !String(name).startsWith('data')),
      before,
    );
  });
});
