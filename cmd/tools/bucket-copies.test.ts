import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, test } from 'vitest';
import { goldenDir } from '../../dev/golden.ts';
import { peer, type RunningMinio, startMinio } from '../../dev/peers.ts';
import { listFiles } from '../../pkg/objstore/directory.ts';
import { type Ran, ran as tributary } from '../main-fixture.ts';

const yamlOf = (directory: string): string => JSON.stringify({ type: 'FILESYSTEM', config: { directory } });
const golden = goldenDir();
const thanos = await peer('thanos');
const minioProgram = await peer('minio');
const after = join(golden ?? '', 'bucket', 'main', 'after');

let scratch: string;
beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), 'copies-'));
});
afterEach(() => rmSync(scratch, { recursive: true, force: true }));

/** Every file below a directory with its bytes; the upload time, which is now, taken out of metas where told to. */
async function contentOf(directory: string, withoutTime = false): Promise<Map<string, string>> {
  const files = await listFiles(directory);
  return new Map(
    files.map(({ relPath }) => {
      const bytes = readFileSync(join(directory, relPath));
      if (!withoutTime || !relPath.endsWith('meta.json')) return [relPath, bytes.toString('base64')];
      return [relPath, bytes.toString().replace(/"upload_time": "[^"]*"/, '"upload_time": "now"')];
    }),
  );
}

describe.skipIf(golden === undefined)('tools bucket replicate (needs golden data)', () => {
  const replicate = (to: string, ...flags: readonly string[]): Promise<Ran> =>
    tributary(
      ...['tools', 'bucket', 'replicate', '--http-address=127.0.0.1:0', '--single-run'],
      ...[`--objstore.config=${yamlOf(after)}`, `--objstore-to.config=${yamlOf(to)}`, ...flags],
    );

  test('copies every block once, and what a killed run left out', async () => {
    const to = join(scratch, 'to');
    const first = await replicate(to);
    assert.equal(first.code, 0, first.err);
    const all = await contentOf(to);
    assert.match(first.err, /copied=21 present=0/);
    const [ulid] = readdirSync(to);
    rmSync(join(to, ulid, 'meta.json'));
    rmSync(join(to, ulid, 'index'));
    writeFileSync(join(to, ulid, 'chunks', '000001'), 'half');
    assert.match((await replicate(to)).err, /copied=1 present=20/);
    assert.deepEqual(await contentOf(to), all);
    assert.match((await replicate(to)).err, /copied=0 present=21/);
  });

  test('goes on past a block that cannot be copied, and says so in its exit code', async () => {
    const from = join(scratch, 'from');
    cpSync(after, from, { recursive: true });
    rmSync(join(from, '01M825161K2K92BNB3ZDTVS2F2', 'index'));
    const ran = await tributary(
      ...['tools', 'bucket', 'replicate', '--http-address=127.0.0.1:0', '--single-run'],
      ...[`--objstore.config=${yamlOf(from)}`, `--objstore-to.config=${yamlOf(join(scratch, 'to'))}`],
    );
    assert.equal(ran.code, 1);
    assert.match(ran.err, /block is not copied, others go on/);
    assert.equal(existsSync(join(scratch, 'to', '01M825161K2K92BNB3ZDTVS2F2', 'meta.json')), false);
    const whole = readdirSync(join(scratch, 'to')).filter((name) => existsSync(join(scratch, 'to', name, 'meta.json')));
    assert.equal(whole.length, 20);
  });

  for (const [what, flag, message] of [
    ['a matcher', '--matcher=a=b', /--matcher/],
    ['an identifier', '--id=x', /not a valid block ULID/],
    ['a level', '--compaction=high', /--compaction: expected a number/],
    ['a resolution', '--resolution=low', /low/],
  ] as const) {
    test(`refuses ${what} that is none`, async () => {
      const ran = await replicate(join(scratch, 'to'), flag);
      assert.notEqual(ran.code, 0);
      assert.match(ran.err, message);
    });
  }

  for (const flags of [
    [],
    ['--matcher=cluster="long",replica=~"A|C"'],
    ['--matcher={cluster!="long"}', '--compaction-max=1'],
    ['--resolution=5m', '--compaction=2', '--compaction=4'],
    ['--min-time=2024-06-18T02:00:00Z', '--max-time=2024-06-18T03:00:00Z'],
    ['--id=01M8251EPPED459ER7YFSFFC64', '--matcher=cluster="none"'],
    ['--ignore-marked-for-deletion'],
  ]) {
    test.skipIf(thanos === undefined)(
      `copies what a real Thanos copies with ${flags.join(' ') || 'no flags'}`,
      async () => {
        const from = join(scratch, 'from');
        cpSync(after, from, { recursive: true });
        const ulid = '01M8251DWNCJPE0HRMKY2S9BA5';
        writeFileSync(join(from, ulid, 'deletion-mark.json'), `{"id":"${ulid}","version":1,"deletion_time":1}`);
        const run = ['tools', 'bucket', 'replicate', '--http-address=127.0.0.1:0', '--single-run', ...flags];
        const between = (to: string) => [`--objstore.config=${yamlOf(from)}`, `--objstore-to.config=${yamlOf(to)}`];
        execFileSync(thanos ?? '', [...run, ...between(join(scratch, 'theirs'))], { stdio: 'ignore' });
        const ran = await tributary(...run, ...between(join(scratch, 'ours')));
        assert.equal(ran.code, 0, ran.err);
        const theirs = await contentOf(join(scratch, 'theirs'));
        assert.ok(theirs.size > 0);
        assert.deepEqual(await contentOf(join(scratch, 'ours')), theirs);
      },
    );
  }
});

describe.skipIf(golden === undefined)('tools bucket upload-blocks (needs golden data)', () => {
  const local = (): string => {
    const directory = join(scratch, 'local');
    // A few are enough: one of each stream, and one that was compacted.
    const before = join(golden ?? '', 'bucket', 'main', 'before');
    for (const ulid of readdirSync(before).slice(0, 5))
      cpSync(join(before, ulid), join(directory, ulid), { recursive: true });
    const compacted = '01M8251DGMGWV52KQES95XWSGT';
    cpSync(join(after, compacted), join(directory, compacted), { recursive: true });
    return directory;
  };
  const LABELS = ['--label=cluster="copied"', '--label=replica="0"'];

  test.skipIf(thanos === undefined)('brings the same objects as a real Thanos does', async () => {
    for (const flags of [[], ['--shipper.upload-compacted']]) {
      const sets: Map<string, string>[] = [];
      for (const who of ['theirs', 'ours']) {
        const directory = local();
        const to = join(scratch, `${who}${flags.length}`);
        const argv = ['tools', 'bucket', 'upload-blocks', `--path=${directory}`, ...LABELS, ...flags];
        argv.push(`--objstore.config=${yamlOf(to)}`);
        if (who === 'theirs') execFileSync(thanos ?? '', argv, { stdio: 'ignore' });
        else {
          const ran = await tributary(...argv);
          assert.equal(ran.code, 0, ran.err);
        }
        sets.push(await contentOf(to, true));
        rmSync(directory, { recursive: true });
      }
      assert.ok(sets[0].size > 0);
      assert.deepEqual(sets[1], sets[0]);
    }
  });

  test('needs labels', async () => {
    const ran = await tributary('tools', 'bucket', 'upload-blocks', `--objstore.config=${yamlOf(scratch)}`);
    assert.notEqual(ran.code, 0);
    assert.match(ran.err, /label/);
  });
});

describe('tools bucket check', () => {
  test('finds a directory good, and leaves it as it was', async () => {
    const ran = await tributary('tools', 'bucket', 'check', `--objstore.config=${yamlOf(scratch)}`);
    assert.equal(ran.code, 0, ran.out);
    assert.equal(ran.out.split('\n').length, 11);
    for (const line of ran.out.trim().split('\n')) assert.match(line, /^ok {7}\S.*\d+ms$/);
    assert.deepEqual(readdirSync(scratch), []);
  });
});

describe.skipIf(minioProgram === undefined || golden === undefined)(
  'against a real MinIO (needs minio, golden data)',
  () => {
    let minio: RunningMinio;
    beforeAll(async () => {
      minio = await startMinio(minioProgram ?? '', ['copies']);
    });
    afterAll(async () => minio?.stop());
    const s3 = (more: Record<string, unknown> = {}): string =>
      JSON.stringify({
        type: 'S3',
        config: {
          ...{ bucket: 'copies', endpoint: minio.endpoint, insecure: true },
          ...{ access_key: minio.accessKey, secret_key: minio.secretKey, ...more },
        },
      });

    test('blocks go there and back and are the same', async () => {
      const run = ['tools', 'bucket', 'replicate', '--http-address=127.0.0.1:0', '--single-run', '--resolution=1h'];
      const there = await tributary(...run, `--objstore.config=${yamlOf(after)}`, `--objstore-to.config=${s3()}`);
      assert.equal(there.code, 0, there.err);
      const to = join(scratch, 'back');
      const back = await tributary(...run, `--objstore.config=${s3()}`, `--objstore-to.config=${yamlOf(to)}`);
      assert.equal(back.code, 0, back.err);
      assert.equal(readdirSync(to).length, 3);
      for (const [path, bytes] of await contentOf(to)) {
        assert.equal(bytes, readFileSync(join(after, path)).toString('base64'), path);
      }
    });

    test('check finds it good, and says what is missing with a wrong key or bucket', async () => {
      const check = (config: string): Promise<Ran> =>
        tributary('tools', 'bucket', 'check', '--output=json', `--objstore.config=${config}`);
      const good = await check(s3());
      assert.equal(good.code, 0, good.out);
      assert.equal(good.out.match(/"result":"ok"/g)?.length, 10);
      const wrong = await check(s3({ secret_key: 'wrong' }));
      assert.equal(wrong.code, 1);
      assert.match(wrong.out, /"name":"list","result":"failed".*SignatureDoesNotMatch.*correct secret_key/);
      const none = await check(s3({ bucket: 'none-such' }));
      assert.match(none.out, /does the bucket exist/);
    });
  },
);
