// `import { openBlock } from 'tributary/tsdb'` in a browser: blocks of a URL. Nothing of Node is imported from here on.

import { OpenBlock, type OpenOptions } from './open-block.ts';
import { UrlSource } from './url-source.ts';

/** Opens the block below a URL, which may be relative to the page. Close it when done. */
export function openBlock(place: string, options: OpenOptions = {}): Promise<OpenBlock> {
  return OpenBlock.open(new UrlSource(place), options);
}

export * from './library-parts.ts';
