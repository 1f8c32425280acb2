// A bucket that tells of every piece of an object that comes or goes: a long transfer is at work and does not hang.

import type { Bucket } from '../objstore/bucket.ts';

/** Calls `onProgress` for each piece of what is read and written as a stream, and after each other call that went well. */
export function withProgress(bucket: Bucket, onProgress: () => void): Bucket {
  const after = async <T>(work: Promise<T>): Promise<T> => {
    const result = await work;
    onProgress();
    return result;
  };
  const { linkTo } = bucket;
  return {
    name: bucket.name,
    list: (request, directory, options) => told(bucket.list(request, directory, options), onProgress),
    get: async (request, name) => told(await bucket.get(request, name), onProgress),
    getRange: (...args) => after(bucket.getRange(...args)),
    exists: (...args) => after(bucket.exists(...args)),
    attributes: (...args) => after(bucket.attributes(...args)),
    upload: (request, name, body, options) => after(bucket.upload(request, name, told(body, onProgress), options)),
    delete: (...args) => after(bucket.delete(...args)),
    close: () => bucket.close(),
    ...(bucket.conditional && { conditional: bucket.conditional }),
    ...(linkTo && { linkTo: (request, name, path) => after(linkTo(request, name, path)) }),
  };
}

/** The same items; what can be read more than once still can. */
function told<T>(items: AsyncIterable<T>, onProgress: () => void): AsyncIterable<T> {
  const begin = (): AsyncIterableIterator<T> => {
    const inner = items[Symbol.asyncIterator]();
    return {
      next: async () => {
        const item = await inner.next();
        if (item.done !== true) onProgress();
        return item;
      },
      return: async () => (await inner.return?.()) ?? { done: true, value: undefined },
      [Symbol.asyncIterator]() {
        return this;
      },
    };
  };
  return 'next' in items ? begin() : { [Symbol.asyncIterator]: begin };
}
