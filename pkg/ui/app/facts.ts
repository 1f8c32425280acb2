// What the server wrote into the document: read once, before anything is drawn.

import type { SentFacts } from '../page-facts.ts';

/** Of the process that served this document. */
export const facts: SentFacts = JSON.parse(document.getElementById('facts')?.textContent ?? '') as SentFacts;

/** What every path of ours begins with: ends with a slash. */
export const basePath: string = new URL(document.baseURI).pathname;

/** True when the serving process has this API: `/api/v1/stores`. */
export function hasApi(path: string): boolean {
  return facts.apis.includes(path);
}
