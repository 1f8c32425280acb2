// Calls to the API of the process that served the page.

import { basePath } from './facts.ts';
import { type Answer, type CallOptions, fetchAnswer } from './fetch-answer.ts';

/** Calls `/api/v1/<path>`; undefined parameters are left out, lists are repeated. Throws `ApiError`. */
export async function callApi<T>(path: string, options: CallOptions = {}): Promise<Answer<T>> {
  return await fetchAnswer<T>(apiUrl(path), options);
}

/** The address of an API path, for links and workers: absolute. */
export function apiUrl(path: string): string {
  return new URL(`${basePath}api/v1/${path.replace(/^\/+/, '')}`, document.baseURI).href;
}
