import assert from 'node:assert/strict';
import { describe, test } from 'vitest';
import { Matcher } from '../model/matcher.ts';
import { Metrics } from '../telemetry/metrics.ts';
import { IndexCache } from './index-cache.ts';
import { expandedPostingsKey, postingsKey } from './keys.ts';
import { MemoryCache } from './memory.ts';

describe('a cache in memory', () => {
  test('keeps within its bytes and drops the least recently used', () => {
    const evicted: string[] = [];
    const cache = new MemoryCache({
      name: 'test',
      maxBytes: 4000,
      maxItemBytes: 2000,
      onEvict: (key) => evicted.push(key),
    });
    for (const key of ['a', 'b', 'c']) cache.set(key, new Uint8Array(1000));
    assert.ok(cache.get('a') !== undefined);
    cache.set('d', new Uint8Array(1000));
    assert.deepEqual(evicted, ['b']);
    assert.ok(cache.sizeBytes <= 4000);
    assert.equal(cache.itemCount, 3);
    assert.equal(cache.get('b'), undefined);
  });

  test('counts the whole buffer that a view keeps alive, and refuses what is too large', () => {
    const tooLarge: string[] = [];
    const cache = new MemoryCache({
      name: 'test',
      maxBytes: 10_000,
      maxItemBytes: 2000,
      onTooLarge: (key) => tooLarge.push(key),
    });
    cache.set('view', new Uint8Array(new ArrayBuffer(5000), 0, 10));
    cache.set('large', new Uint8Array(2000));
    assert.deepEqual(tooLarge, ['view', 'large']);
    assert.equal(cache.itemCount, 0);
  });

  test('of no bytes keeps nothing', () => {
    const cache = new MemoryCache({ name: 'test', maxBytes: 0, maxItemBytes: 0 });
    cache.set('a', new Uint8Array(1));
    assert.equal(cache.get('a'), undefined);
  });
});

describe('keys', () => {
  test('tell apart pairs that read the same when put together', () => {
    assert.notEqual(postingsKey('U', 'a', ':b'), postingsKey('U', 'a:', 'b'));
    assert.notEqual(postingsKey('U', 'a', 'b'), postingsKey('V', 'a', 'b'));
  });

  test('of matchers do not depend on their order, and on everything else', () => {
    const key = (...all: readonly (readonly ['=' | '!=' | '=~', string, string])[]) =>
      expandedPostingsKey(
        'U',
        all.map(([op, name, value]) => new Matcher(op, name, value)),
      );
    assert.equal(key(['=', 'a', '1'], ['=~', 'b', 'x']), key(['=~', 'b', 'x'], ['=', 'a', '1']));
    assert.notEqual(key(['=', 'a', '1']), key(['!=', 'a', '1']));
    assert.notEqual(key(['=', 'a', '1";1:b="2']), key(['=', 'a', '1'], ['=', 'b', '2']));
    assert.notEqual(key(['=', 'a="1";b', '2']), key(['=', 'a', '1'], ['=', 'b', '2']));
  });
});

describe('the index cache', () => {
  test('gives lists back as they were, empty ones too, and counts', async () => {
    const metrics = new Metrics();
    const cache = new IndexCache({ maxBytes: 100_000, maxItemBytes: 50_000 }, metrics);
    const matchers = [new Matcher('=', 'a', 'b')];
    assert.equal(cache.postings('U', 'a', 'b'), undefined);
    const many = new Uint32Array(10_000).fill(7);
    cache.storePostings('U', 'a', 'b', many.subarray(5, 8));
    assert.deepEqual(cache.postings('U', 'a', 'b'), Uint32Array.of(7, 7, 7));
    cache.storeExpanded('U', matchers, new Uint32Array(0));
    assert.deepEqual(cache.expanded('U', matchers), new Uint32Array(0));
    assert.equal(cache.expanded('V', matchers), undefined);
    cache.storePostings('U', 'large', '', new Uint32Array(20_000));
    assert.equal(cache.postings('U', 'large', ''), undefined);
    const text = await metrics.text();
    assert.match(text, /thanos_store_index_cache_requests_total\{item_type="Postings",tenant="default-tenant"\} 3/);
    assert.match(text, /thanos_store_index_cache_hits_total\{item_type="Postings",tenant="default-tenant"\} 1/);
    assert.match(text, /thanos_store_index_cache_items_overflowed_total\{item_type="Postings"\} 1/);
  });
});
