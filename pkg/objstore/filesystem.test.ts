import assert from 'node:assert/strict';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'vitest';
import { collectAll } from '../async/batches.ts';
import { backgroundRequest } from '../async/request.ts';
import { bodyOf, readAll } from './bucket.ts';
import { testBucket } from './conformance.ts';
import { FilesystemBucket } from './filesystem.ts';
import { PrefixedBucket } from './prefixed.ts';

testBucket('a directory', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'bucket-'));
  return {
    bucket: new FilesystemBucket(directory),
    cleanUp: async () => rmSync(directory, { recursive: true, force: true }),
  };
});

describe('a bucket in a directory', () => {
  const request = backgroundRequest();
  let directory: string;
  let bucket: FilesystemBucket;

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'bucket-'));
    bucket = new FilesystemBucket(join(directory, 'made', 'later'));
  });
  afterEach(async () => {
    await bucket.close();
    rmSync(directory, { recursive: true, force: true });
  });

  const root = () => join(directory, 'made', 'later');
  const names = async (at: string) => (await collectAll(bucket.list(request, at))).map(({ name }) => name);

  test('is empty while the directory is missing, and made by the first upload', async () => {
    assert.deepEqual(await names(''), []);
    await bucket.upload(request, 'a/b', bodyOf(Buffer.from('x')));
    assert.equal(readFileSync(join(root(), 'a', 'b'), 'utf8'), 'x');
    assert.deepEqual(readdirSync(root()), ['a'], 'nothing else is left behind');
  });

  for (const length of [0, 1, 4096, 64 * 1024, 64 * 1024 + 1, 3 * 1024 * 1024]) {
    test(`a range of ${length} bytes is read as it was written, and short at the end`, async () => {
      const bytes = Buffer.alloc(4 * 1024 * 1024);
      for (let i = 0; i < bytes.length; i += 4) bytes.writeUInt32BE(i, i);
      await bucket.upload(request, 'large', bodyOf(bytes));
      const equal = async (offset: number): Promise<void> => {
        const got = await bucket.getRange(request, 'large', offset, length);
        assert.ok(bytes.subarray(offset, offset + length).equals(got));
      };
      for (const offset of [0, 17, 1_000_000, bytes.length - 5, bytes.length]) await equal(offset);
    });
  }

  test('gives an object a second name where that can be, also below a prefix, and says so where it cannot', async () => {
    await bucket.upload(request, 'below/a', bodyOf(Buffer.from('x')));
    const [first, second] = [join(directory, 'first'), join(directory, 'second')];
    assert.equal(await bucket.linkTo(request, 'below/a', first), true);
    assert.equal(await new PrefixedBucket(bucket, 'below').linkTo?.(request, 'a', second), true);
    await bucket.delete(request, 'below/a');
    assert.deepEqual([readFileSync(first, 'utf8'), readFileSync(second, 'utf8')], ['x', 'x']);
    assert.equal(await bucket.linkTo(request, 'below/a', join(directory, 'third')), false);
    await bucket.upload(request, 'below/a', bodyOf(Buffer.from('y')));
    assert.equal(await bucket.linkTo(request, 'below/a', first), false, 'there is a file already');
    assert.equal(await bucket.linkTo(request, 'below', join(directory, 'third')), false, 'a directory is no object');
    symlinkSync(join(root(), 'below', 'a'), join(root(), 'pointer'));
    assert.equal(await bucket.linkTo(request, 'pointer', join(directory, 'third')), false);
  });

  test('takes a file that nobody writes into any more by a second name, and copies what cannot be linked', async () => {
    const path = join(directory, 'done');
    writeFileSync(path, 'done');
    let isRead = false;
    const body = {
      async *[Symbol.asyncIterator]() {
        isRead = true;
        yield Buffer.from('done');
      },
    };
    await bucket.upload(request, 'linked', body, { sizeBytes: 4, ownFile: path });
    assert.equal(isRead, false);
    assert.equal(statSync(join(root(), 'linked')).ino, statSync(path).ino);
    symlinkSync(path, join(directory, 'pointer'));
    for (const [name, ownFile] of [
      ['missing', join(directory, 'no-such-file')],
      ['pointed-to', join(directory, 'pointer')],
    ] as const) {
      await bucket.upload(request, name, body, { sizeBytes: 4, ownFile });
      assert.equal(readFileSync(join(root(), name), 'utf8'), 'done');
      assert.notEqual(statSync(join(root(), name)).ino, statSync(path).ino);
    }
    await assert.rejects(bucket.upload(request, 'linked', body, { sizeBytes: 5, ownFile: path }), /5 were promised/);
    rmSync(path);
    assert.equal(readFileSync(join(root(), 'linked'), 'utf8'), 'done');
  });

  test('lists by name and skips directories without any file', async () => {
    for (const name of ['b', 'a/x', '\u{1f600}', '\uffee', 'B'])
      await bucket.upload(request, name, bodyOf(Buffer.from('x')));
    mkdirSync(join(root(), 'hollow', 'inside'), { recursive: true });
    assert.deepEqual(await names(''), ['B', 'a/', 'b', '\uffee', '\u{1f600}']);
    assert.deepEqual(await names('hollow'), []);
  });

  test('removes parents that a delete made empty, and no others', async () => {
    for (const name of ['p/q/r/one', 'p/two']) await bucket.upload(request, name, bodyOf(Buffer.from('x')));
    await bucket.delete(request, 'p/q/r/one');
    assert.deepEqual(readdirSync(join(root(), 'p')), ['two']);
    await bucket.delete(request, 'p/two');
    assert.deepEqual(readdirSync(root()), []);
  });

  test('neither lists nor keeps what a crash left, but leaves an upload under way alone', async () => {
    await bucket.upload(request, 'x', bodyOf(Buffer.from('x')));
    const uploads = join(root(), '.tributary-uploads');
    mkdirSync(uploads);
    writeFileSync(join(uploads, 'old'), 'half');
    writeFileSync(join(uploads, 'fresh'), 'half');
    const longAgo = Date.now() / 1000 - 7200;
    utimesSync(join(uploads, 'old'), longAgo, longAgo);
    const later = new FilesystemBucket(root());
    assert.deepEqual(
      (await collectAll(later.list(request, ''))).map(({ name }) => name),
      ['x'],
    );
    assert.deepEqual(
      (await collectAll(later.list(request, '', { recursive: true }))).map(({ name }) => name),
      ['x'],
    );
    await later.upload(request, 'y', bodyOf(Buffer.from('y')));
    assert.deepEqual(readdirSync(uploads), ['fresh']);
  });

  test('a reader never sees half an object while it is replaced', async () => {
    const versions = ['a'.repeat(500_000), 'b'.repeat(500_000)];
    await bucket.upload(request, 'm', bodyOf(Buffer.from(versions[0])));
    const writing = (async () => {
      for (let i = 1; i <= 20; i++) await bucket.upload(request, 'm', bodyOf(Buffer.from(versions[i % 2])));
    })();
    for (let i = 0; i < 40; i++) {
      const read = Buffer.from(await readAll(request, bucket, 'm')).toString();
      assert.ok(versions.includes(read), `${read.length} bytes starting with ${read[0]}`);
    }
    await writing;
  });

  test('a delete beside uploads into the same directory loses none', async () => {
    await Promise.all(
      Array.from({ length: 30 }, async (_, i) => {
        await bucket.upload(request, `shared/${i}`, bodyOf(Buffer.from('x')));
        if (i % 2 === 0) await bucket.delete(request, `shared/${i}`);
      }),
    );
    assert.equal((await names('shared')).length, 15);
  });

  test('thousands of small objects are read without keeping everybody else waiting', async () => {
    await bucket.upload(request, 'small', bodyOf(Buffer.from('x')));
    let turns = 0;
    const timer = setInterval(() => turns++, 1);
    try {
      // Whatever the machine: as many as take a good while.
      const end = performance.now() + 300;
      while (performance.now() < end) {
        assert.equal((await readAll(request, bucket, 'small')).length, 1);
        assert.equal(await bucket.exists(request, 'missing'), false);
      }
    } finally {
      clearInterval(timer);
    }
    assert.ok(turns >= 4, `${turns} turns`);
  });
});
