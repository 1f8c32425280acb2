// Counts what a provider bills: requests as they go out, repeated ones too, and what they cost at list price. One call on a
// bucket may be many requests (a listing has pages, an upload parts), so the counters of calls do not tell.

import type { Metrics } from '../telemetry/metrics.ts';

export const requestKinds = ['list', 'read', 'write', 'delete'] as const;
export type RequestKind = (typeof requestKinds)[number];

/**
 * US dollars a request, as the large providers list them for their standard class: 0.005 for a thousand writes or listings,
 * 0.0004 for a thousand reads, nothing for deletions. An estimate: regions and contracts differ.
 */
const listPrices: Readonly<Record<RequestKind, number>> = { list: 5e-6, read: 4e-7, write: 5e-6, delete: 0 };

/** Called with method and path (with its query) of each request. */
export type OnRequest = (method: string, path: string) => void;

/** Counters of one bucket. */
export function requestMeter({ metrics }: { readonly metrics: Metrics }, bucket: string): OnRequest {
  const labels = ['bucket', 'kind'] as const;
  const requests = metrics.counter(
    'tributary_objstore_requests_total',
    'Requests sent to the provider of the bucket, repeated ones too.',
    labels,
  );
  const price = metrics.counter(
    'tributary_objstore_requests_price_dollars_total',
    'What these requests cost at list price, in US dollars: an estimate.',
    labels,
  );
  for (const kind of requestKinds) {
    requests.inc({ bucket, kind }, 0);
    price.inc({ bucket, kind }, 0);
  }
  return (method, path) => {
    const kind = kindOfRequest(method, path);
    requests.inc({ bucket, kind });
    price.inc({ bucket, kind }, listPrices[kind]);
  };
}

/** Listings are told by their query: each provider asks for a prefix, a page size or `comp=list`. */
export function kindOfRequest(method: string, path: string): RequestKind {
  if (method === 'DELETE') return 'delete';
  if (method === 'PUT' || method === 'POST') return 'write';
  const query = path.slice(path.indexOf('?') + 1);
  const isListing =
    path.includes('?') && /(^|&)(prefix|max-keys|maxResults|maxresults)=|(^|&)comp=list(&|$)/.test(query);
  return method === 'GET' && isListing ? 'list' : 'read';
}
