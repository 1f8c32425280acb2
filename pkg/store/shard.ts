// Which shard of a sharded request a series belongs to: the hash of its final labels, or of some of them.
//
//   for each label taken, in order:  name FF value FF        then xxHash64, modulo the number of shards

import { writeUtf8 } from '../bytes/utf8.ts';
import { xxhash64 } from '../bytes/xxhash.ts';
import type { Labels } from '../model/labels.ts';
import type { ShardInfo } from './store.ts';

const SEPARATOR = 0xff;

export class Sharder {
  readonly #index: bigint;
  readonly #total: bigint;
  readonly #names: ReadonlySet<string>;
  readonly #by: boolean;
  #scratch = new Uint8Array(1024);

  constructor(shard: ShardInfo) {
    this.#index = BigInt(shard.shardIndex);
    this.#total = BigInt(shard.totalShards);
    this.#names = new Set(shard.labels);
    this.#by = shard.by;
  }

  /** Whether a series with these labels (external ones in, replica labels out) is in the shard. */
  matches(labels: Labels): boolean {
    return this.hash(labels) % this.#total === this.#index;
  }

  hash({ flat }: Labels): bigint {
    let length = 0;
    for (let i = 0; i < flat.length; i += 2) {
      if (this.#names.has(flat[i]) !== this.#by) continue;
      const wanted = length + 3 * (flat[i].length + flat[i + 1].length) + 2;
      if (wanted > this.#scratch.length) {
        const larger = new Uint8Array(wanted * 2);
        larger.set(this.#scratch.subarray(0, length));
        this.#scratch = larger;
      }
      length = writeUtf8(this.#scratch, length, flat[i]);
      this.#scratch[length++] = SEPARATOR;
      length = writeUtf8(this.#scratch, length, flat[i + 1]);
      this.#scratch[length++] = SEPARATOR;
    }
    return xxhash64(this.#scratch.subarray(0, length));
  }
}

/** Undefined when the request is not sharded. */
export function sharderOf(shard: ShardInfo | undefined): Sharder | undefined {
  return shard === undefined || shard.totalShards < 1 ? undefined : new Sharder(shard);
}
