// GET /api/v1/compact/status: what the compactor is doing, what it has before it, and what is wrong. The answer's shape is in
// docs/components/compact.md.

import type { ApiRoute } from '../net/http/api.ts';
import type { BucketWatch } from './watch.ts';

/** The route. */
export function statusRoute(watch: BucketWatch): ApiRoute {
  return {
    path: '/api/v1/compact/status',
    methods: ['GET'],
    handler: 'compact_status',
    handle: async () => ({ data: watch.status() }),
  };
}
