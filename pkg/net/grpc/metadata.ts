// What travels beside a call: tenant and request id.

import { Metadata } from '@grpc/grpc-js';
import { DEFAULT_TENANT, type RequestContext } from '../../async/request.ts';

const TENANT_KEY = 'thanos-tenant';
const REQUEST_ID_KEY = 'request-id';

/** The metadata of an outgoing call. */
export function metadataOf(request: RequestContext): Metadata {
  const metadata = new Metadata();
  metadata.set(TENANT_KEY, request.tenant);
  if (request.requestId !== undefined) metadata.set(REQUEST_ID_KEY, request.requestId);
  return metadata;
}

/** The context of an incoming call: the first tenant wins; a request id counts only when there is exactly one. */
export function contextOf(metadata: Metadata, signal: AbortSignal): RequestContext {
  const tenant = metadata.get(TENANT_KEY)[0];
  const ids = metadata.get(REQUEST_ID_KEY);
  return {
    signal,
    tenant: tenant === undefined || tenant === '' ? DEFAULT_TENANT : String(tenant),
    ...(ids.length === 1 ? { requestId: String(ids[0]) } : {}),
  };
}
