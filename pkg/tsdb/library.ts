// `import { openBlock } from 'tributary/tsdb'` in Node: blocks of a directory or of a URL. In a browser the same import
// gives library-browser.ts; blocks of a bucket are opened by `tributary/objstore`.

import { DirectorySource } from './directory-source.ts';
import { OpenBlock, type OpenOptions } from './open-block.ts';
import { UrlSource } from './url-source.ts';

/** Opens the block in a directory, or below an http or https URL. Close it when done. */
export function openBlock(place: string, options: OpenOptions = {}): Promise<OpenBlock> {
  const source = /^https?:\/\//.test(place) ? new UrlSource(place) : new DirectorySource(place);
  return OpenBlock.open(source, options);
}

export * from './library-parts.ts';
