import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'vitest';
import { FakeClock } from '../async/fake-clock.ts';
import { backgroundRequest } from '../async/request.ts';
import { Fault, kindOf, messageOf } from '../errors/fault.ts';
import { Labels } from '../model/labels.ts';
import type { ApiRequest } from '../net/http/api.ts';
import { Parameters } from '../net/http/params.ts';
import { bodyOf } from '../objstore/bucket.ts';
import { MemoryBucket } from '../objstore/memory.ts';
import { silentLogger } from '../telemetry/logger.ts';
import { Metrics } from '../telemetry/metrics.ts';
import { blocksRoutes } from './blocks-api.ts';
import { type BlocksView, emptyBlocksView } from './blocks-view.ts';
import { BlocksViewer } from './blocks-viewer.ts';
import { metaName } from './layout.ts';
import { newMark, writeMark } from './marks.ts';
import { type BlockMeta, parseMeta, printMeta } from './meta.ts';

const NOW = Date.UTC(2026, 0, 1, 12);
const A = '01HF7YAT00AAAAAAAAAAAAAAAA';
const B = '01HF7YAT00BBBBBBBBBBBBBBBB';
const request = backgroundRequest();
const template = parseMeta(
  readFileSync(join(import.meta.dirname, 'testdata', 'metas', '01M825161K2K92BNB3ZDTVS2F2.json')),
);

function metaOf(ulid: string, labels: Record<string, string> = { cluster: '<eu>' }): BlockMeta {
  return { ...template, ulid, thanos: { ...template.thanos, labels: Labels.of(labels) } };
}

async function bucketOf(...metas: readonly BlockMeta[]): Promise<MemoryBucket> {
  const bucket = new MemoryBucket();
  for (const meta of metas) await bucket.upload(request, metaName(meta.ulid), bodyOf(Buffer.from(printMeta(meta))));
  return bucket;
}

function api(bucket: MemoryBucket, view: BlocksView, config = { label: 'cluster', canMark: true }) {
  const routes = blocksRoutes({ bucket, logger: silentLogger, view: () => view, now: () => NOW }, config);
  const call = async (path: string, form: Record<string, string> = {}) => {
    const route = routes.find((one) => one.path === path)!;
    const parameters = new Parameters(new URLSearchParams(form));
    return await route.handle({ parameters, context: request } as ApiRequest);
  };
  return {
    list: async () => {
      const answer = (await call('/api/v1/blocks')) as { chunks: Iterable<string> };
      return JSON.parse([...answer.chunks].join(''));
    },
    text: async () => [...((await call('/api/v1/blocks')) as { chunks: Iterable<string> }).chunks].join(''),
    mark: (form: Record<string, string>) => call('/api/v1/blocks/mark', form),
  };
}

describe('the list of blocks', () => {
  test('is empty with the zero time before anything was looked at', async () => {
    const { list } = api(new MemoryBucket(), emptyBlocksView, { label: '', canMark: false });
    assert.deepEqual(await list(), {
      label: '',
      blocks: [],
      refreshedAt: '0001-01-01T00:00:00Z',
      err: null,
      marks: [],
      partial: [],
      canMark: false,
    });
  });

  test('has meta.json of every block as it stands in the bucket, escaped for a page', async () => {
    const metas = [metaOf(A), metaOf(B)];
    const { list, text } = api(await bucketOf(...metas), {
      ...emptyBlocksView,
      metas,
      refreshedAtMs: NOW,
      error: 'slow',
    });
    const { blocks, refreshedAt, err, label } = await list();
    assert.deepEqual(
      blocks,
      metas.map((meta) => JSON.parse(printMeta(meta))),
    );
    assert.deepEqual([refreshedAt, err, label], ['2026-01-01T12:00:00.000Z', 'slow', 'cluster']);
    assert.ok(!(await text()).includes('<'));
  });

  test('tells marks and what is no block', async () => {
    const marks = [newMark('no-compact', A, { details: 'broken', nowMs: NOW })];
    const partial = new Map([[B, new Fault('not-found', 'there is no meta.json')]]);
    const { list } = api(await bucketOf(), { ...emptyBlocksView, metas: [metaOf(A)], marks, partial });
    const answer = await list();
    assert.deepEqual(answer.marks, [{ id: A, kind: 'no-compact', timeMs: NOW, details: 'broken', reason: 'manual' }]);
    assert.deepEqual(answer.partial, [{ id: B, kind: 'not-found', error: 'there is no meta.json' }]);
  });
});

describe('marking a block', () => {
  for (const [action, file, kind] of [
    ['DELETION', 'deletion-mark.json', 'deletion'],
    ['NO_COMPACTION', 'no-compact-mark.json', 'no-compact'],
  ] as const) {
    test(`${action} writes ${file} and shows at once`, async () => {
      const meta = metaOf(A);
      const bucket = await bucketOf(meta);
      const { mark, list } = api(bucket, { ...emptyBlocksView, metas: [meta] });
      assert.deepEqual(await mark({ id: A, action, detail: 'by hand' }), {
        plain: { status: 204, headers: {}, body: '' },
      });
      assert.ok(await bucket.exists(request, `${A}/${file}`));
      const [{ id, kind: shown, timeMs, details }] = (await list()).marks;
      assert.deepEqual([id, shown, timeMs, details], [A, kind, NOW, 'by hand']);
    });
  }

  test('a second time leaves the first mark and is no failure', async () => {
    const bucket = await bucketOf(metaOf(A));
    await writeMark(
      request,
      { bucket, logger: silentLogger },
      newMark('deletion', A, { details: 'first', nowMs: 1000 }),
    );
    const { mark, list } = api(bucket, { ...emptyBlocksView, metas: [metaOf(A)] });
    await mark({ id: A, action: 'DELETION', detail: 'second' });
    assert.deepEqual(
      (await list()).marks.map(({ details }: { details: string }) => details),
      ['first'],
    );
  });

  for (const [what, form, kind, text] of [
    ['no id', { action: 'DELETION' }, 'invalid', /^ID cannot be empty$/],
    ['no action', { id: A }, 'invalid', /^Action cannot be empty$/],
    ['an id that is none', { id: '../x', action: 'DELETION' }, 'invalid', /^ULID "..\/x" is not valid: /],
    ['an action there is not', { id: A, action: 'constructor' }, 'invalid', /^not supported marker constructor$/],
    ['a block that is not there', { id: B, action: 'DELETION' }, 'not-found', /is not in the bucket/],
  ] as const) {
    test(`is refused with ${what}`, async () => {
      const bucket = await bucketOf(metaOf(A));
      const { mark } = api(bucket, emptyBlocksView);
      await assert.rejects(mark(form), (thrown) => {
        assert.equal(kindOf(thrown), kind);
        assert.match(messageOf(thrown), text);
        return true;
      });
    });
  }

  test('is refused when administration is disabled, and nothing is written', async () => {
    const bucket = await bucketOf(metaOf(A));
    const { mark } = api(bucket, emptyBlocksView, { label: '', canMark: false });
    await assert.rejects(
      mark({ id: A, action: 'DELETION' }),
      /^Fault: Admin operations are disabled$|Admin operations/,
    );
    assert.ok(!(await bucket.exists(request, `${A}/deletion-mark.json`)));
  });
});

describe('the view of a whole bucket', () => {
  const config = { intervalMs: 60_000, timeoutMs: 5_000, concurrency: 4 };

  test('shows marked and partial blocks, and keeps what it saw when a look fails', async () => {
    const bucket = await bucketOf(metaOf(A));
    const logger = silentLogger;
    await writeMark(request, { bucket, logger }, newMark('deletion', A, { details: 'old', nowMs: 0 }));
    await writeMark(request, { bucket, logger }, newMark('no-compact', A, { details: 'old', nowMs: 0 }));
    await bucket.upload(request, `${B}/index`, bodyOf(Buffer.from('x')));
    const failing = { isDown: false };
    const watched = new Proxy(bucket, {
      get(target, key) {
        if (key === 'list' && failing.isDown) throw new Fault('unavailable', 'no route to the bucket');
        const value: unknown = Reflect.get(target, key, target);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
    const viewer = new BlocksViewer(
      { bucket: watched, logger, metrics: new Metrics(), clock: new FakeClock(NOW) },
      config,
    );
    assert.equal(viewer.view().refreshedAtMs, undefined);
    await viewer.refresh(request.signal);
    const seen = viewer.view();
    assert.deepEqual(
      [seen.metas.map(({ ulid }) => ulid), seen.marks.map(({ kind }) => kind), [...seen.partial.keys()], seen.error],
      [[A], ['deletion', 'no-compact'], [B], undefined],
    );
    failing.isDown = true;
    await viewer.refresh(request.signal);
    assert.deepEqual({ ...viewer.view(), error: undefined }, seen);
    assert.match(viewer.view().error ?? '', /no route to the bucket/);
  });
});
