// Path -> handler: what the querier serves over HTTP.

import { deadline } from '../async/deadline.ts';
import type { ApiHandler, ApiRoute } from '../net/http/api.ts';
import { type StatusFacts, statusRoutes } from '../net/http/status-routes.ts';
import { handleActiveQueries, handleCancelQuery } from './api/active-queries.ts';
import { handleExplain, handleRangeExplain } from './api/explain.ts';
import { handleFormatQuery, handleParseQuery } from './api/expressions.ts';
import { handleLabelNames, handleLabelValues } from './api/labels.ts';
import { handleQuery, type QueryHandlerDeps } from './api/query.ts';
import { handleQueryRange } from './api/query-range.ts';
import { handleSeries, type MetadataHandlerDeps } from './api/series.ts';
import { handleStores, type StoresHandlerDeps } from './api/stores.ts';
import { handleTsdbStatus, type TsdbStatusDeps } from './api/tsdb-status.ts';
import type { QuerierConfig } from './querier-config.ts';

export interface RoutesDeps extends QueryHandlerDeps, MetadataHandlerDeps, StoresHandlerDeps, TsdbStatusDeps {
  readonly status: StatusFacts;
}

/** Every path of the querier's API with its handler. */
export function querierRoutes(deps: RoutesDeps, config: QuerierConfig): readonly ApiRoute[] {
  const active = { active: deps.engine.active, budget: deps.engine.budget, maxConcurrent: config.maxConcurrent };
  return [
    route('/query', 'query', (request) => handleQuery(deps, config, request)),
    route('/query_range', 'query_range', (request) => handleQueryRange(deps, config, request)),
    route(
      '/series',
      'series',
      inTime(config, (request) => handleSeries(deps, config, request)),
    ),
    route(
      '/labels',
      'label_names',
      inTime(config, (request) => handleLabelNames(deps, config, request)),
    ),
    getRoute(
      '/label/:name/values',
      'label_values',
      inTime(config, (request) => handleLabelValues(deps, config, request)),
    ),
    route('/query_explain', 'query', (request) => handleExplain(deps, config, request)),
    route('/query_range_explain', 'query_range', (request) => handleRangeExplain(deps, config, request)),
    getRoute('/status/active_queries', 'status_active_queries', () => handleActiveQueries(active)),
    {
      path: '/api/v1/status/active_queries/:id/cancel',
      methods: ['POST'],
      handler: 'cancel_query',
      handle: (request) => handleCancelQuery(active, request),
    },
    route('/format_query', 'format_query', (request) => handleFormatQuery(config, request)),
    route('/parse_query', 'parse_query', (request) => handleParseQuery(config, request)),
    getRoute('/stores', 'stores', (request) => handleStores(deps, request)),
    ...statusRoutes(deps.status),
    getRoute(
      '/status/tsdb',
      'status_tsdb',
      inTime(config, (request) => handleTsdbStatus(deps, config, request)),
    ),
  ];
}

/** Queries keep their own time; for what asks endpoints without one, the same limit holds. */
function inTime({ timeoutMs }: QuerierConfig, handle: ApiHandler): ApiHandler {
  return (request) =>
    deadline(request.context.signal, timeoutMs, 'query timed out', async (signal) =>
      handle({ ...request, context: { ...request.context, signal } }),
    );
}

function route(path: string, handler: string, handle: ApiHandler): ApiRoute {
  return { path: `/api/v1${path}`, methods: ['GET', 'POST'], handler, handle };
}

function getRoute(path: string, handler: string, handle: ApiHandler): ApiRoute {
  return { path: `/api/v1${path}`, methods: ['GET'], handler, handle };
}
