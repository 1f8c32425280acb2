// One block out of a bucket: meta.json first, so that nobody begins to read it, the deletion mark last, so that a delete
// cut short is known as one.

import type { RequestContext } from '../async/request.ts';
import { during } from '../errors/fault.ts';
import type { Bucket } from '../objstore/bucket.ts';
import { DELETION_MARK_FILE, metaName, objectName } from './layout.ts';

/** Deletes every object of a block. After a failure it can simply be called again. */
export async function deleteBlock(request: RequestContext, bucket: Bucket, ulid: string): Promise<void> {
  const meta = metaName(ulid);
  const mark = objectName(ulid, DELETION_MARK_FILE);
  try {
    await bucket.delete(request, meta);
    const names: string[] = [];
    for await (const { name } of bucket.list(request, ulid, { recursive: true })) names.push(name);
    for (const name of names) if (name !== meta && name !== mark) await bucket.delete(request, name);
    await bucket.delete(request, mark);
  } catch (thrown) {
    throw during(`delete block ${ulid}`, thrown, { block: ulid });
  }
}
