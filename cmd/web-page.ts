// How a command serves the web page beside its API.

import type { ApiRoute } from '../pkg/net/http/api.ts';
import type { HttpServer } from '../pkg/net/http/server.ts';
import { pageRoutes, redirectRoutes } from '../pkg/ui/handler.ts';
import type { PageFacts, QueryFacts } from '../pkg/ui/page-facts.ts';
import type { WebPrefix } from '../pkg/ui/prefix.ts';
import { buildFacts } from './version.ts';

export interface PageOptions {
  readonly component: PageFacts['component'];
  readonly prefix: WebPrefix;
  readonly startPage: string;
  readonly startLink?: string;
  readonly notice?: string;
  readonly query?: QueryFacts;
}

/** What the page is told where there is nothing to query. */
const noQuery: QueryFacts = {
  replicaLabels: [],
  partialResponse: true,
  autoDownsampling: false,
  lookbackMs: 300_000,
  language: { experimental: false, extendedRangeSelectors: false, fillModifiers: false },
};

/** Mounts the API and, over it, the page, which offers what the API has. */
export function mountWithPage(http: HttpServer, api: readonly ApiRoute[], options: PageOptions): void {
  const { prefix } = options;
  const facts: PageFacts = {
    component: options.component,
    version: buildFacts().version,
    apis: api.map(({ path }) => path),
    startPage: options.startPage,
    startLink: options.startLink ?? '',
    notice: options.notice ?? '',
    query: options.query ?? noQuery,
  };
  http.mount(api);
  http.mount(pageRoutes({ facts, prefix }));
  http.mount(redirectRoutes({ facts, prefix }), { isAtRoot: true });
}
