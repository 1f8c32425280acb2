// Path -> handler: what the querier serves over HTTP.

import { deadline } from '../async/deadline.ts';
import type { ApiHandler, ApiRoute } from '../net/http/api.ts';
import { handleLabelNames, handleLabelValues } from './api/labels.ts';
import { handleQuery, type QueryHandlerDeps } from './api/query.ts';
import { handleQueryRange } from './api/query-range.ts';
import { handleSeries, type MetadataHandlerDeps } from './api/series.ts';
import { handleBuildInfo, handleFlags, handleRuntimeInfo, type StatusFacts } from './api/status.ts';
import { handleStores } from './api/stores.ts';
import type { EndpointStatus } from './endpoint-set.ts';
import type { QuerierConfig } from './querier-config.ts';

export interface RoutesDeps extends QueryHandlerDeps, MetadataHandlerDeps {
  readonly statuses: () => readonly EndpointStatus[];
  readonly status: StatusFacts;
}

/** Every path of the querier's API with its handler. */
export function querierRoutes(deps: RoutesDeps, config: QuerierConfig): readonly ApiRoute[] {
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
    getRoute('/stores', 'stores', () => handleStores(deps.statuses)),
    getRoute('/status/buildinfo', 'status_build', () => handleBuildInfo(deps.status)),
    getRoute('/status/flags', 'status_flags', () => handleFlags(deps.status)),
    getRoute('/status/runtimeinfo', 'status_runtime', () => handleRuntimeInfo(deps.status)),
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
