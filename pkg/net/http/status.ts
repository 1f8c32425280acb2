// The kind of a failure in the words of the query API. The only file that knows them.

import { type FaultKind, kindOf } from '../../errors/fault.ts';

export interface HttpStatus {
  readonly status: number;
  readonly errorType: string;
}

const byKind: Readonly<Record<FaultKind, HttpStatus>> = {
  invalid: { status: 400, errorType: 'bad_data' },
  execution: { status: 422, errorType: 'execution' },
  'not-found': { status: 404, errorType: 'not_found' },
  denied: { status: 403, errorType: 'forbidden' },
  conflict: { status: 409, errorType: 'conflict' },
  limit: { status: 422, errorType: 'execution' },
  timeout: { status: 503, errorType: 'timeout' },
  canceled: { status: 503, errorType: 'canceled' },
  unavailable: { status: 503, errorType: 'unavailable' },
  corrupt: { status: 500, errorType: 'internal' },
  unsupported: { status: 422, errorType: 'execution' },
  internal: { status: 500, errorType: 'internal' },
};

/** Status code and `errorType` for anything thrown. */
export function statusOf(thrown: unknown): HttpStatus {
  return byKind[kindOf(thrown)];
}

/** The kind of failure a status code from another server stands for. */
export function kindOfStatus(status: number): FaultKind {
  switch (status) {
    case 400:
      return 'invalid';
    case 401:
    case 403:
      return 'denied';
    case 404:
      return 'not-found';
    case 409:
      return 'conflict';
    case 422:
      return 'execution';
    case 429:
      return 'limit';
    case 501:
      return 'unsupported';
    case 504:
    case 408:
      return 'timeout';
    default:
      return status >= 500 ? 'unavailable' : 'invalid';
  }
}
