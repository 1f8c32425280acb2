import assert from 'node:assert/strict';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'vitest';
import { peer } from '../../dev/peers.ts';
import { complaintsOfVerify } from '../../e2e/harness/bucket-tool.ts';
import { backgroundRequest } from '../../pkg/async/request.ts';
import { parseMeta, printMeta } from '../../pkg/block/meta.ts';
import { addBlock, samplesOf, withDirectory } from '../../pkg/compact/bucket-fixture.ts';
import { FilesystemBucket } from '../../pkg/objstore/filesystem.ts';
import { type Ran, ran } from '../main-fixture.ts';

const thanos = await peer('thanos');
const request = backgroundRequest();
const ulid = (n: number): string => `01HF7YAT00AAAAAAAAAAAAAA${String(n).padStart(2, '0')}`;
const configText = (directory: string): string => JSON.stringify({ type: 'FILESYSTEM', config: { directory } });

function tool(directory: string, ...argv: readonly string[]): Promise<Ran> {
  return ran('tools', 'bucket', ...argv, `--objstore.config=${configText(directory)}`);
}

/** Blocks of two hours each of one stream, from hour 0 on. */
async function blocks(directory: string, count: number): Promise<FilesystemBucket> {
  const bucket = new FilesystemBucket(join(directory, 'bucket'));
  for (let i = 0; i < count; i++) {
    const block = {
      ulid: ulid(i),
      labels: { a: '1' },
      hours: [2 * i, 2],
      series: ['up', 'x'],
      stepMs: 30_000,
    } as const;
    await addBlock(bucket, block);
  }
  return bucket;
}

function change(directory: string, block: string, by: (meta: ReturnType<typeof parseMeta>) => object): void {
  const path = join(directory, 'bucket', block, 'meta.json');
  const meta = parseMeta(readFileSync(path));
  writeFileSync(path, printMeta({ ...meta, ...by(meta) }));
}

describe('tools bucket verify', () => {
  test('has nothing to say about a bucket that is well', () =>
    withDirectory(async (directory) => {
      await blocks(directory, 2);
      const { code, out, err } = await tool(
        join(directory, 'bucket'),
        'verify',
        '-i',
        'duplicated_compaction',
        '-i',
        'index_known_issues',
      );
      assert.deepEqual([code, out], [0, '']);
      assert.match(err, /verify task completed/);
    }));

  test('names overlaps, and blocks that cannot be read', () =>
    withDirectory(async (directory) => {
      const bucket = await blocks(directory, 3);
      change(directory, ulid(0), () => ({ maxTime: 3 * 3_600_000 }));
      await bucket.delete(request, `${ulid(2)}/index`);
      const { code, out } = await tool(join(directory, 'bucket'), 'verify');
      assert.equal(code, 0);
      const lines = out.trimEnd().split('\n');
      assert.equal(lines.length, 2);
      assert.match(lines[0], new RegExp(`^index_known_issues ${ulid(2)}: the block cannot be read: .*index`));
      assert.match(
        lines[1],
        new RegExp(`^overlapped_blocks ${ulid(1)}: group .* overlaps with block ${ulid(0)} from 7200000 to 10800000`),
      );
    }));

  test('repairs a block with chunks outside of its time, keeping a copy of the old one', () =>
    withDirectory(async (directory) => {
      const bucket = await blocks(directory, 1);
      change(directory, ulid(0), () => ({ maxTime: 1.5 * 3_600_000 }));
      const before = await samplesOf(bucket);
      const backup = join(directory, 'backup');
      const repair = ['--repair', '-i', 'index_known_issues', `--objstore-backup.config=${configText(backup)}`];
      const { code, out } = await tool(join(directory, 'bucket'), 'verify', ...repair);
      assert.equal(code, 0);
      const [, made] = /repaired as (\S+)/.exec(out)!;
      assert.deepEqual(
        readdirSync(join(directory, 'bucket')).filter((name) => !name.startsWith('.')),
        [made],
      );
      assert.deepEqual(
        readdirSync(backup).filter((name) => !name.startsWith('.')),
        [ulid(0)],
      );
      const inTime = before.filter((line) => Number(line.split(' ').at(-2)) < 1.5 * 3_600_000);
      assert.ok(inTime.length > 300 && inTime.length < before.length);
      assert.deepEqual(await samplesOf(bucket), inTime);
      const meta = parseMeta(readFileSync(join(directory, 'bucket', made, 'meta.json')));
      assert.deepEqual([meta.thanos.source, meta.compaction.sources], ['bucket.repair', [ulid(0), made].sort()]);
      assert.equal((await tool(join(directory, 'bucket'), 'verify')).out, '');
      if (thanos === undefined) return;
      assert.equal(await complaintsOfVerify(thanos, configText(join(directory, 'bucket'))), undefined);
    }));

  test('removes one of two blocks made from the same sources, or only marks it', () =>
    withDirectory(async (directory) => {
      const bucket = await blocks(directory, 1);
      const twin = { ulid: ulid(7), labels: { a: '1' }, hours: [0, 2], series: ['up', 'x'], stepMs: 30_000 } as const;
      await addBlock(bucket, twin);
      change(directory, ulid(7), ({ compaction }) => ({ compaction: { ...compaction, sources: [ulid(0)] } }));
      const backup = `--objstore-backup.config=${configText(join(directory, 'backup'))}`;
      const verify = ['verify', '--repair', '-i', 'duplicated_compaction', backup];
      const marked = await tool(join(directory, 'bucket'), ...verify, '--delete-delay=1h');
      assert.match(marked.out, new RegExp(`duplicated_compaction ${ulid(7)}: repaired, removed`));
      assert.equal(await bucket.exists(request, `${ulid(7)}/deletion-mark.json`), true);
      assert.equal(await bucket.exists(request, `${ulid(7)}/meta.json`), true);
      await tool(join(directory, 'bucket'), ...verify);
      assert.equal(await bucket.exists(request, `${ulid(7)}/meta.json`), false);
      assert.equal(await bucket.exists(request, `${ulid(0)}/meta.json`), true);
    }));

  for (const [what, argv, text] of [
    ['an issue nobody knows', ['-i', 'foo'], /no such issue ID foo/],
    ['repair without a bucket for backups', ['--repair'], /--objstore-backup\.config/],
    ['an identifier that is none', ['--id=x'], /not a valid block ULID, got: x/],
  ] as const) {
    test(`refuses ${what}`, () =>
      withDirectory(async (directory) => {
        const { code, err } = await tool(directory, 'verify', ...argv);
        assert.equal(code, 1);
        assert.match(err, text);
      }));
  }
});

test('tools bucket plan prints what the compactor would do, and leaves the bucket as it is', () =>
  withDirectory(async (directory) => {
    await blocks(directory, 6);
    const list = (): string[] => readdirSync(join(directory, 'bucket'), { recursive: true }).map(String).sort();
    const before = list();
    const plan = ['plan', '--consistency-delay=0s', '--retention.resolution-raw=100y'];
    const { code, out } = await tool(join(directory, 'bucket'), ...plan);
    assert.equal(code, 0);
    assert.match(
      out,
      new RegExp(`^compact 0@\\d+ 1970-01-01T00:00:00Z - 1970-01-01T08:00:00Z, \\d+ bytes: ${ulid(0)} `),
    );
    assert.deepEqual(list(), before);
    rmSync(join(directory, 'bucket', ulid(3)), { recursive: true });
    assert.match((await tool(join(directory, 'bucket'), ...plan)).out, /^compact .*1970-01-01T06:00:00Z/);
  }));
