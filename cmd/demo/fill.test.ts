import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { backgroundRequest } from '../../pkg/async/request.ts';
import { parseMeta } from '../../pkg/block/meta.ts';
import { isUlid } from '../../pkg/model/ulid.ts';
import type { Bucket } from '../../pkg/objstore/bucket.ts';
import { readAll } from '../../pkg/objstore/bucket.ts';
import { FilesystemBucket } from '../../pkg/objstore/filesystem.ts';
import { SampleBuffer } from '../../pkg/storage/sample-columns.ts';
import { Block } from '../../pkg/tsdb/block.ts';
import { SeriesEntry } from '../../pkg/tsdb/index/series-entry.ts';
import { DemoHistory } from './fill.ts';
import { DEMO_REPLICAS, demoSeries } from './history.ts';

const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;
/** Long enough for two blocks of each replica: one that is over, one that grows. */
const DAYS = 1 / 24;
const startMs = Date.UTC(2026, 2, 1, 10, 10);
const request = backgroundRequest();

let directory: string;
let bucket: Bucket;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'demo-fill-'));
  bucket = new FilesystemBucket(join(directory, 'bucket'));
});

afterEach(async () => {
  await bucket.close();
  rmSync(directory, { recursive: true, force: true });
});

function begin(over: Bucket = bucket): DemoHistory {
  return new DemoHistory(over, { stagingDir: join(directory, 'staging'), days: DAYS });
}

function blocks(): string[] {
  return readdirSync(join(directory, 'bucket')).filter(isUlid);
}

/** Series that are looked at: one process has them all, and what holds for them holds for the others. */
const LOOKED_AT = /shop-0.*(queue_length|checkout)|(queue_length|up).*shop-0/;

/** `replica labels time value` of every sample in the bucket, each once: what a querier would make of it. */
async function contents(): Promise<Set<string>> {
  const out = new Set<string>();
  const entry = new SeriesEntry();
  for (const ulid of blocks()) {
    const meta = parseMeta(await readAll(request, bucket, `${ulid}/meta.json`));
    const block = Block.open(join(directory, 'bucket', ulid));
    try {
      for (const id of block.match([])) {
        const labels = block.series(id, entry);
        if (!LOOKED_AT.test(labels.toString())) continue;
        const samples = new SampleBuffer();
        block.readSamples(id, entry, 0, Number.MAX_SAFE_INTEGER, samples, []);
        addSamples(out, `${meta.thanos.labels.get('replica')} ${labels}`, samples);
      }
    } finally {
      block.close();
    }
  }
  return out;
}

function addSamples(out: Set<string>, key: string, { times, values, length }: SampleBuffer): void {
  for (let i = 0; i < length; i++) out.add(`${key} ${times[i]} ${values[i]}`);
}

/** What the history is from the first block on until then. */
function expected(nowMs: number): Set<string> {
  const out = new Set<string>();
  const blockMs = 2 * HOUR_MS;
  const fromMs = Math.floor((nowMs - DAYS * 24 * HOUR_MS) / blockMs) * blockMs;
  for (const replica of DEMO_REPLICAS) {
    for (const { labels, samples } of demoSeries(replica, fromMs, nowMs)) {
      if (LOOKED_AT.test(labels.toString())) addSamples(out, `${replica} ${labels}`, samples);
    }
  }
  return out;
}

describe('the demonstration bucket', () => {
  test('holds the same when it is extended in steps as when it is filled at once', async () => {
    const endMs = startMs + 3 * HOUR_MS;
    const history = begin();
    for (const afterMs of [0, MINUTE_MS, 50 * MINUTE_MS, 55 * MINUTE_MS]) {
      await history.extend(request, startMs + afterMs, () => {});
    }
    // Another start of the program, after the block's end.
    const later = begin();
    await later.extend(request, endMs, () => {});
    await later.dropReplaced(request);
    expect(await contents()).toEqual(expected(endMs));
    const inSteps = blocks().length;

    rmSync(join(directory, 'bucket'), { recursive: true });
    const counts: string[] = [];
    const written = await begin().extend(request, endMs, (done, wanted) => counts.push(`${done}/${wanted}`));
    expect(await contents()).toEqual(expected(endMs));
    expect(blocks()).toHaveLength(written);
    expect(inSteps).toBe(written);
    expect(counts.at(-1)).toBe(`${written}/${written}`);
  });

  test('is left alone when nothing new is worth a block', async () => {
    const history = begin();
    await history.extend(request, startMs, () => {});
    const before = blocks();
    expect(await history.extend(request, startMs + 20_000, () => {})).toBe(0);
    expect(blocks()).toEqual(before);
  });

  test('keeps a block that is replaced for one more round, while a gateway may still read it', async () => {
    const history = begin();
    await history.extend(request, startMs, () => {});
    const before = blocks();
    await history.extend(request, startMs + MINUTE_MS, () => {});
    expect(blocks()).toEqual(expect.arrayContaining(before));
    expect(blocks()).toHaveLength(before.length + DEMO_REPLICAS.length);
    await history.extend(request, startMs + MINUTE_MS + 1, () => {});
    expect(blocks()).toHaveLength(before.length);
    expect(await contents()).toEqual(expected(startMs + MINUTE_MS));
  });

  test('has no hole when a crash comes between writing a block and deleting the one it replaces', async () => {
    await begin().extend(request, startMs, () => {});
    const count = blocks().length;
    await begin().extend(request, startMs + 10 * MINUTE_MS, () => {});
    expect(blocks()).toHaveLength(count + DEMO_REPLICAS.length);
    const next = begin();
    expect(await next.extend(request, startMs + 10 * MINUTE_MS, () => {})).toBe(0);
    await next.dropReplaced(request);
    expect(blocks()).toHaveLength(count);
    expect(await contents()).toEqual(expected(startMs + 10 * MINUTE_MS));
  });

  test('loses nothing when a block cannot be written, and has it at the next round', async () => {
    let isFull = false;
    const failing: Bucket = new Proxy(bucket, {
      get(target, name) {
        if (name === 'upload' && isFull) return () => Promise.reject(new Error('no space left'));
        const value: unknown = Reflect.get(target, name, target);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
    const history = begin(failing);
    await history.extend(request, startMs, () => {});
    const before = await contents();
    isFull = true;
    for (let round = 1; round <= 2; round++) {
      await expect(history.extend(request, startMs + round * 10 * MINUTE_MS, () => {})).rejects.toThrow(/no space/);
      expect(await contents()).toEqual(before);
    }
    isFull = false;
    await history.extend(request, startMs + 30 * MINUTE_MS, () => {});
    expect(await contents()).toEqual(expected(startMs + 30 * MINUTE_MS));
  });

  test('lets go of what is older than its days, and leaves blocks of others alone', async () => {
    const history = begin();
    await history.extend(request, startMs, () => {});
    const [theirs] = blocks();
    const metaFile = join(directory, 'bucket', theirs, 'meta.json');
    const meta = readFileSync(metaFile, 'utf8');
    expect(meta).toContain('"demo"');
    writeFileSync(metaFile, meta.replace(/("source":\s*)"demo"/, '$1"sidecar"'));
    await history.extend(request, startMs + 24 * HOUR_MS, () => {});
    await history.dropReplaced(request);
    const left = blocks();
    expect(left).toContain(theirs);
    rmSync(join(directory, 'bucket', theirs), { recursive: true });
    expect(await contents()).toEqual(expected(startMs + 24 * HOUR_MS));
  });
});
