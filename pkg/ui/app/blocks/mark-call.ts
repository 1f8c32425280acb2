// Sets a mark. The answer to it has no body, which no other call of the page does.

import { apiUrl } from '../api.ts';
import { ApiError, openEnvelope } from '../fetch-answer.ts';

/** Throws `ApiError`. */
export async function callMark(id: string, action: 'DELETION' | 'NO_COMPACTION', detail: string): Promise<void> {
  const body = new URLSearchParams({ id, action, detail });
  let response: Response;
  try {
    response = await fetch(apiUrl('blocks/mark'), { method: 'POST', body });
  } catch (thrown) {
    throw new ApiError(
      'network',
      `the server cannot be reached (${thrown instanceof Error ? thrown.message : thrown})`,
    );
  }
  if (response.status !== 204) openEnvelope(response.status, new Uint8Array(await response.arrayBuffer()));
}
