// What every Bucket must do, as tests. A provider's or decorator's test file calls `testBucket` with a way to open an
// empty one.

import assert from 'node:assert/strict';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { backgroundRequest, type RequestContext } from '../async/request.ts';
import { compareUtf8 } from '../bytes/compare.ts';
import { type FaultKind, kindOf } from '../errors/fault.ts';
import { type Bucket, bodyOf, type ListedObject, type ListOptions, readAll } from './bucket.ts';
import { keepsConditions } from './conditional-writes.ts';

export interface OpenedBucket {
  readonly bucket: Bucket;
  /** Removes what the test made. The bucket is closed before. */
  cleanUp?(): Promise<void>;
}

/** Names that providers are known to trip over. */
const oddNames = [
  'plain',
  '000123',
  '1e5',
  'with space',
  'plus+sign',
  'percent%41',
  'ünï/çødé',
  'emoji-😀',
  'a&b<c>"d\'e',
  '.hidden',
  'trailing.',
  'q?x=1#y',
  'a=b,c;d:e@f(g)!*~$',
];

export function testBucket(what: string, open: () => Promise<OpenedBucket>): void {
  describe(`${what} keeps the bucket contract`, () => {
    const request = backgroundRequest();
    let opened: OpenedBucket;
    let bucket: Bucket;

    beforeAll(async () => {
      opened = await open();
      bucket = opened.bucket;
    });
    afterAll(async () => {
      await opened?.bucket.close();
      await opened?.cleanUp?.();
    });

    const put = (name: string, text: string): Promise<void> => bucket.upload(request, name, bodyOf(Buffer.from(text)));
    const text = async (name: string): Promise<string> => Buffer.from(await readAll(request, bucket, name)).toString();
    const names = async (directory: string, options?: ListOptions): Promise<string[]> =>
      (await listed(bucket, request, directory, options)).map(({ name }) => name).sort(compareUtf8);

    test('a missing directory is empty', async () => {
      assert.deepEqual(await names('never/made'), []);
      assert.deepEqual(await names('never/made', { recursive: true }), []);
    });

    test('an object reads back as it was uploaded', async () => {
      await put('read/back', 'some bytes');
      assert.equal(await text('read/back'), 'some bytes');
    });

    test('an empty object is an object', async () => {
      await put('empty/object', '');
      assert.equal(await bucket.exists(request, 'empty/object'), true);
      assert.equal(await text('empty/object'), '');
      assert.equal((await bucket.attributes(request, 'empty/object')).sizeBytes, 0);
      assert.equal((await bucket.getRange(request, 'empty/object', 0, 10)).length, 0);
    });

    test('an upload replaces what is there', async () => {
      await put('replaced', 'the first and longer one');
      await put('replaced', 'second');
      assert.equal(await text('replaced'), 'second');
    });

    test('a large object of many pieces keeps every byte', async () => {
      const size = 3 * 1024 * 1024 + 17;
      const bytes = Buffer.alloc(size);
      for (let i = 0; i < size; i++) bytes[i] = (i * 31 + (i >> 8)) & 255;
      await bucket.upload(request, 'large', pieces(bytes, 100_003), { sizeBytes: size });
      assert.ok(Buffer.from(await readAll(request, bucket, 'large')).equals(bytes));
      const range = await bucket.getRange(request, 'large', 1_000_000, 70_000);
      assert.ok(Buffer.from(range).equals(bytes.subarray(1_000_000, 1_070_000)));
    });

    test('a body may use one buffer for all its pieces', async () => {
      const expected = Buffer.alloc(700_001);
      for (let i = 0; i < expected.length; i++) expected[i] = (i * 7 + (i >> 10)) & 255;
      const body: AsyncIterable<Uint8Array> = {
        async *[Symbol.asyncIterator]() {
          const held = Buffer.alloc(100_000);
          for (let at = 0; at < expected.length; at += held.length) {
            const size = expected.copy(held, 0, at);
            yield held.subarray(0, size);
            held.fill(0xee);
          }
        },
      };
      await bucket.upload(request, 'reused', body, { sizeBytes: expected.length });
      assert.ok(Buffer.from(await readAll(request, bucket, 'reused')).equals(expected));
    });

    test('a body of another size than promised fails and leaves what was there', async () => {
      await put('promised', 'old');
      for (const sizeBytes of [2, 4]) {
        await rejects('invalid', bucket.upload(request, 'promised', bodyOf(Buffer.from('new')), { sizeBytes }));
      }
      assert.equal(await text('promised'), 'old');
    });

    test('a body that breaks leaves nothing, or what was there', async () => {
      await put('kept', 'old');
      for (const name of ['kept', 'broken/body']) {
        await assert.rejects(bucket.upload(request, name, brokenBody()), /body broke/);
      }
      assert.equal(await text('kept'), 'old');
      assert.equal(await bucket.exists(request, 'broken/body'), false);
      assert.deepEqual(await names('broken'), []);
    });

    for (const [offset, length, expected] of [
      [0, 4, '0123'],
      [3, 4, '3456'],
      [8, 2, '89'],
      [8, 100, '89'],
      [10, 5, ''],
      [50, 5, ''],
      [4, 0, ''],
    ] as const) {
      test(`the range of ${length} from ${offset} of ten bytes is '${expected}'`, async () => {
        await put('ten', '0123456789');
        assert.equal(Buffer.from(await bucket.getRange(request, 'ten', offset, length)).toString(), expected);
      });
    }

    test('a missing object is not-found', async () => {
      await rejects('not-found', readAll(request, bucket, 'missing'));
      await rejects('not-found', bucket.getRange(request, 'missing', 0, 1));
      await rejects('not-found', bucket.attributes(request, 'missing'));
      assert.equal(await bucket.exists(request, 'missing'), false);
    });

    test('a directory does not exist as an object', async () => {
      await put('dir/file', 'x');
      assert.equal(await bucket.exists(request, 'dir'), false);
      await rejects('not-found', readAll(request, bucket, 'dir'));
    });

    test('attributes tell size and time', async () => {
      const before = Date.now();
      await put('told', '12345');
      const { sizeBytes, lastModified } = await bucket.attributes(request, 'told');
      assert.equal(sizeBytes, 5);
      // Some providers cut times to seconds.
      assert.ok(lastModified >= before - 2000 && lastModified <= Date.now() + 2000, `${lastModified}`);
    });

    test('deleting removes an object, and a missing one quietly', async () => {
      await put('gone/soon', 'x');
      await bucket.delete(request, 'gone/soon');
      await bucket.delete(request, 'gone/soon');
      assert.equal(await bucket.exists(request, 'gone/soon'), false);
      assert.deepEqual(await names('gone'), []);
      assert.ok(!(await names('')).includes('gone/'));
    });

    test('a listing has direct children, directories with a slash, full names', async () => {
      for (const name of ['tree/a', 'tree/b/c', 'tree/b/d', 'tree/b/e/f', 'treetop/x']) await put(name, name);
      assert.deepEqual(await names('tree'), ['tree/a', 'tree/b/']);
      assert.deepEqual(await names('tree/'), ['tree/a', 'tree/b/']);
      assert.deepEqual(await names('tree/b'), ['tree/b/c', 'tree/b/d', 'tree/b/e/']);
      const root = await names('');
      assert.ok(root.includes('tree/') && root.includes('treetop/'));
      assert.equal(new Set(root).size, root.length);
    });

    test('a recursive listing has every object below and no directory', async () => {
      for (const name of ['deep/a', 'deep/b/c', 'deep/b/d/e']) await put(name, name);
      assert.deepEqual(await names('deep', { recursive: true }), ['deep/a', 'deep/b/c', 'deep/b/d/e']);
    });

    test('a listing can start after a name', async () => {
      for (const name of ['page/1', 'page/2/x', 'page/3', 'page/4/y']) await put(name, name);
      assert.deepEqual(await names('page', { startAfter: 'page/1' }), ['page/2/', 'page/3', 'page/4/']);
      assert.deepEqual(await names('page', { startAfter: 'page/2/' }), ['page/3', 'page/4/']);
      assert.deepEqual(await names('page', { startAfter: 'page/2/x', recursive: true }), ['page/3', 'page/4/y']);
    });

    test('a listing tells attributes of objects when asked', async () => {
      await put('sized/one', '1');
      await put('sized/three', '333');
      await put('sized/sub/x', 'x');
      const items = await listed(bucket, request, 'sized', { attributes: true });
      const sizes = new Map(items.map(({ name, attributes }) => [name, attributes?.sizeBytes]));
      assert.deepEqual(
        [...sizes].sort(([a], [b]) => compareUtf8(a, b)),
        [
          ['sized/one', 1],
          ['sized/sub/', undefined],
          ['sized/three', 3],
        ],
      );
    });

    test('odd names are stored, listed and deleted as they are', async () => {
      for (const name of oddNames) await put(`odd/${name}`, name);
      for (const name of oddNames) assert.equal(await text(`odd/${name}`), name);
      const expected = oddNames.map((name) => `odd/${name}`).sort(compareUtf8);
      assert.deepEqual(await names('odd', { recursive: true }), expected);
      for (const name of oddNames) await bucket.delete(request, `odd/${name}`);
      assert.deepEqual(await names('odd', { recursive: true }), []);
    });

    for (const name of ['', '/absolute', '../outside', 'a/../../b', 'a//b', './a', 'a/']) {
      test(`an upload to ${JSON.stringify(name)} is refused`, async () => {
        await rejects('invalid', put(name, 'x'));
      });
    }

    test('a reader may leave a stream early, or never start it', async () => {
      await put('left', 'x'.repeat(2_000_000));
      for await (const part of await bucket.get(request, 'left')) {
        assert.ok(part.length > 0);
        break;
      }
      const stream = (await bucket.get(request, 'left')) as AsyncIterableIterator<Uint8Array>;
      await stream.return?.();
    });

    test('many objects at once do not disturb each other', async () => {
      await Promise.all(Array.from({ length: 40 }, (_, i) => put(`many/${i % 4}/${i}`, `object ${i}`)));
      const read = await Promise.all(Array.from({ length: 40 }, (_, i) => text(`many/${i % 4}/${i}`)));
      assert.deepEqual(
        read,
        read.map((_, i) => `object ${i}`),
      );
      await Promise.all(Array.from({ length: 40 }, (_, i) => bucket.delete(request, `many/${i % 4}/${i}`)));
      assert.deepEqual(await names('many'), []);
    });

    test('a conditional write goes through once, and its loser is told so', async ({ skip }) => {
      const { conditional } = bucket;
      if (conditional === undefined) return skip();
      const name = 'lease/of-all';
      assert.equal(await conditional.read(request, name), undefined);
      await rejects('conflict', conditional.write(request, name, Buffer.from('a'), '"0123"'));
      const first = await conditional.write(request, name, Buffer.from('a'), undefined);
      await rejects('conflict', conditional.write(request, name, Buffer.from('b'), undefined));
      const second = await conditional.write(request, name, Buffer.from('b'), first);
      assert.notEqual(second, first);
      await rejects('conflict', conditional.write(request, name, Buffer.from('c'), first));
      const found = await conditional.read(request, name);
      assert.equal(found?.version, second);
      assert.equal(Buffer.from(found?.bytes ?? []).toString(), 'b');
      assert.equal(await text(name), 'b');
      await put(name, 'by an ordinary upload');
      await rejects('conflict', conditional.write(request, name, Buffer.from('d'), second));
      await bucket.delete(request, name);
      await rejects('conflict', conditional.write(request, name, Buffer.from('d'), second));
      assert.equal(await conditional.read(request, name), undefined);
      assert.equal(await keepsConditions(request, bucket), true);
      assert.deepEqual(await names('tributary', { recursive: true }), []);
    });

    test('of many that write on one condition at once, one wins', async ({ skip }) => {
      const { conditional } = bucket;
      if (conditional === undefined) return skip();
      let version: string | undefined;
      for (let round = 0; round < 3; round++) {
        const written: PromiseSettledResult<string>[] = await Promise.allSettled(
          Array.from({ length: 8 }, (_, i) =>
            conditional.write(request, 'lease/raced', Buffer.from(`${round} ${i}`), version),
          ),
        );
        const won = written.flatMap((one, i) => (one.status === 'fulfilled' ? [{ i, version: one.value }] : []));
        assert.equal(won.length, 1, `round ${round}`);
        for (const one of written) if (one.status === 'rejected') assert.equal(kindOf(one.reason), 'conflict');
        version = won[0].version;
        assert.equal(await text('lease/raced'), `${round} ${won[0].i}`);
      }
      await bucket.delete(request, 'lease/raced');
    });

    test('every call gives up when its signal has aborted', async () => {
      await put('aborted', 'x');
      const aborted = backgroundRequest(AbortSignal.abort());
      const calls: Record<string, () => Promise<unknown>> = {
        list: () => listed(bucket, aborted, ''),
        get: () => readAll(aborted, bucket, 'aborted'),
        getRange: () => bucket.getRange(aborted, 'aborted', 0, 1),
        exists: () => bucket.exists(aborted, 'aborted'),
        attributes: () => bucket.attributes(aborted, 'aborted'),
        upload: () => bucket.upload(aborted, 'aborted', bodyOf(Buffer.from('y'))),
        delete: () => bucket.delete(aborted, 'aborted'),
      };
      for (const [call, run] of Object.entries(calls)) {
        await assert.rejects(run(), (thrown) => kindOf(thrown) === 'canceled', call);
      }
      assert.equal(await text('aborted'), 'x');
    });

    test('a stream gives up in the middle when its signal aborts', async () => {
      await put('cut', 'x'.repeat(8_000_000));
      const controller = new AbortController();
      const stream = await bucket.get(backgroundRequest(controller.signal), 'cut');
      const read = async (): Promise<void> => {
        for await (const _ of stream) controller.abort();
      };
      // What fits in one piece may be read to its end.
      if (what !== 'memory' && !what.startsWith('memory')) await rejects('canceled', read());
      else await read().catch((thrown) => assert.equal(kindOf(thrown), 'canceled'));
    });

    test('an upload gives up in the middle when its signal aborts', async () => {
      const controller = new AbortController();
      async function* endless(): AsyncIterable<Uint8Array> {
        for (let i = 0; ; i++) {
          if (i === 3) controller.abort();
          yield new Uint8Array(1000);
        }
      }
      await rejects('canceled', bucket.upload(backgroundRequest(controller.signal), 'cut/short', endless()));
      assert.equal(await bucket.exists(request, 'cut/short'), false);
    });
  });
}

async function listed(
  bucket: Bucket,
  request: RequestContext,
  directory: string,
  options?: ListOptions,
): Promise<ListedObject[]> {
  const items: ListedObject[] = [];
  for await (const item of bucket.list(request, directory, options)) items.push(item);
  return items;
}

async function rejects(kind: FaultKind, promise: Promise<unknown>): Promise<void> {
  await assert.rejects(promise, (thrown) => {
    assert.equal(kindOf(thrown), kind, String(thrown));
    return true;
  });
}

async function* pieces(bytes: Uint8Array, size: number): AsyncIterable<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function* brokenBody(): AsyncIterable<Uint8Array> {
  yield new Uint8Array(1000);
  throw new Error('the body broke');
}
