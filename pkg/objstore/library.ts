// `import { openBucket } from 'tributary/objstore'`: a bucket by the text of its configuration, and the blocks in it.

import { backgroundRequest } from '../async/request.ts';
import { during, kindOf } from '../errors/fault.ts';
import { silentLogger } from '../telemetry/logger.ts';
import { Metrics } from '../telemetry/metrics.ts';
import type { BlockSource } from '../tsdb/block-source.ts';
import { OpenBlock, type OpenOptions } from '../tsdb/open-block.ts';
import type { Bucket } from './bucket.ts';
import { openBucket as openConfigured } from './factory.ts';

export * from '../tsdb/library-parts.ts';
export type { Bucket } from './bucket.ts';

const ulid = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/;

/** A bucket of blocks. Close it when done, after the blocks opened from it. */
export class BlockBucket {
  /** Every object of it, for what is not about blocks. */
  readonly objects: Bucket;

  constructor(objects: Bucket) {
    this.objects = objects;
  }

  /** The ULIDs of the blocks, in order of creation. Those whose upload is not complete cannot be opened. */
  async blocks(signal?: AbortSignal): Promise<string[]> {
    const found: string[] = [];
    for await (const { name } of this.objects.list(backgroundRequest(signal), '')) {
      const directory = name.replace(/\/$/, '');
      if (name.endsWith('/') && ulid.test(directory)) found.push(directory);
    }
    return found.sort();
  }

  /** Opens a block by its ULID. Close it when done. */
  openBlock(block: string, options: OpenOptions = {}): Promise<OpenBlock> {
    return OpenBlock.open(new BucketSource(this.objects, block), options);
  }

  async close(): Promise<void> {
    await this.objects.close();
  }
}

/**
 * Opens the bucket that a configuration describes: the YAML (or JSON) that `--objstore.config` takes. Credentials that it
 * does not hold are looked for in `env`, the process's own unless given.
 */
export async function openBucket(
  config: string,
  env: Readonly<Record<string, string | undefined>> = process.env,
): Promise<BlockBucket> {
  return new BlockBucket(await openConfigured({ logger: silentLogger, metrics: new Metrics(), env }, config));
}

class BucketSource implements BlockSource {
  readonly name: string;
  readonly #bucket: Bucket;

  constructor(bucket: Bucket, block: string) {
    this.name = block;
    this.#bucket = bucket;
  }

  async sizeOf(file: string, signal?: AbortSignal): Promise<number | undefined> {
    try {
      const { sizeBytes } = await this.#bucket.attributes(backgroundRequest(signal), `${this.name}/${file}`);
      return sizeBytes;
    } catch (thrown) {
      if (kindOf(thrown) === 'not-found') return undefined;
      throw during(`look at ${file}`, thrown);
    }
  }

  async read(file: string, offset: number, length: number, signal?: AbortSignal): Promise<Uint8Array> {
    return await this.#bucket.getRange(backgroundRequest(signal), `${this.name}/${file}`, offset, length);
  }

  /** The bucket is its opener's. */
  async close(): Promise<void> {}
}
