// What was read of block indexes: posting lists, and the series that a set of matchers came to.
//
// Lists are kept as they are used, four bytes a series: a hit costs a look-up and nothing is decoded.

import { DEFAULT_TENANT } from '../async/request.ts';
import type { Matcher } from '../model/matcher.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import type { Cache } from './cache.ts';
import { expandedPostingsKey, type IndexItem, itemOf, postingsKey } from './keys.ts';
import { MemoryCache } from './memory.ts';

export interface IndexCacheConfig {
  readonly maxBytes: number;
  readonly maxItemBytes: number;
}

export class IndexCache {
  readonly #cache: Cache;
  readonly #count: (what: 'requests' | 'hits' | 'added', item: IndexItem) => void;

  constructor(config: IndexCacheConfig, metrics: Metrics) {
    const item = ['item_type'] as const;
    const requests = metrics.counter('thanos_store_index_cache_requests_total', 'Requests to the index cache.', [
      'item_type',
      'tenant',
    ]);
    const hits = metrics.counter('thanos_store_index_cache_hits_total', 'Requests the index cache had an answer to.', [
      'item_type',
      'tenant',
    ]);
    const added = metrics.counter(
      'thanos_store_index_cache_items_added_total',
      'Items added to the index cache.',
      item,
    );
    const evicted = metrics.counter(
      'thanos_store_index_cache_items_evicted_total',
      'Items dropped from the index cache for room.',
      item,
    );
    const tooLarge = metrics.counter(
      'thanos_store_index_cache_items_overflowed_total',
      'Items too large for the index cache.',
      item,
    );
    // Children are looked up once: a request may ask for thousands of lists.
    const children = (name: IndexItem) => {
      evicted.inc({ item_type: name }, 0);
      tooLarge.inc({ item_type: name }, 0);
      const labels = { item_type: name, tenant: DEFAULT_TENANT };
      return { requests: requests.labels(labels), hits: hits.labels(labels), added: added.labels({ item_type: name }) };
    };
    const counters = { Postings: children('Postings'), ExpandedPostings: children('ExpandedPostings') };
    this.#count = (what, name) => counters[name][what].inc();
    this.#cache = new MemoryCache({
      name: 'index-cache',
      ...config,
      onEvict: (key) => evicted.inc({ item_type: itemOf(key) }),
      onTooLarge: (key) => tooLarge.inc({ item_type: itemOf(key) }),
    });
  }

  /** The list of a label pair, shared: do not change it. */
  postings(ulid: string, name: string, value: string): Uint32Array | undefined {
    return this.#get('Postings', postingsKey(ulid, name, value));
  }

  storePostings(ulid: string, name: string, value: string, list: Uint32Array): void {
    this.#set('Postings', postingsKey(ulid, name, value), list);
  }

  /** The series of a set of matchers, shared: do not change it. */
  expanded(ulid: string, matchers: readonly Matcher[]): Uint32Array | undefined {
    return this.#get('ExpandedPostings', expandedPostingsKey(ulid, matchers));
  }

  storeExpanded(ulid: string, matchers: readonly Matcher[], list: Uint32Array): void {
    this.#set('ExpandedPostings', expandedPostingsKey(ulid, matchers), list);
  }

  #get(item: IndexItem, key: string): Uint32Array | undefined {
    this.#count('requests', item);
    const bytes = this.#cache.get(key);
    if (bytes === undefined) return undefined;
    this.#count('hits', item);
    return new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
  }

  #set(item: IndexItem, key: string, list: Uint32Array): void {
    this.#count('added', item);
    // A view would keep all of a larger array alive.
    const own = list.byteLength < list.buffer.byteLength ? list.slice() : list;
    this.#cache.set(key, new Uint8Array(own.buffer, own.byteOffset, own.byteLength));
  }
}
