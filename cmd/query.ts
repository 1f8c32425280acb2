// tributary query: PromQL over many stores, de-duplicated, as the Prometheus HTTP API.

import { systemClock } from '../pkg/async/clock.ts';
import type { FlagTable } from '../pkg/config/flag.ts';
import {
  addressList,
  bool,
  choice,
  choiceList,
  durationMs,
  goDurationMs,
  labelList,
  optionalGoDurationMs,
  string,
  stringList,
} from '../pkg/config/flag-kinds.ts';
import { DnsProvider, endpointMetricPrefixes } from '../pkg/discovery/dns-provider.ts';
import { Resolver, resolverDefaults } from '../pkg/discovery/resolver.ts';
import { Fault } from '../pkg/errors/fault.ts';
import type { Component } from '../pkg/lifecycle/component.ts';
import { Loop } from '../pkg/lifecycle/loop.ts';
import { Labels } from '../pkg/model/labels.ts';
import { GrpcClient } from '../pkg/net/grpc/client.ts';
import { GrpcServer } from '../pkg/net/grpc/server.ts';
import { endpointSetDefaults } from '../pkg/query/config.ts';
import type { EndpointClient, EndpointSpec } from '../pkg/query/endpoint-details.ts';
import { EndpointSet } from '../pkg/query/endpoint-set.ts';
import { QueryEngine } from '../pkg/query/engine.ts';
import { querierInfo } from '../pkg/query/info.ts';
import { plainLanguage, type QuerierConfig, type QueryLanguage, querierDefaults } from '../pkg/query/querier-config.ts';
import { querierRoutes } from '../pkg/query/routes.ts';
import { GrpcStoreClient } from '../pkg/store/grpc-client.ts';
import { storeService } from '../pkg/store/grpc-server.ts';
import { infoService } from '../pkg/store/info.ts';
import { proxyDefaults, StoreProxy } from '../pkg/store/proxy.ts';
import { callTsdbStatistics } from '../pkg/store/tsdb-statistics.ts';
import type { Metrics } from '../pkg/telemetry/metrics.ts';
import { type WebPrefix, webPrefix } from '../pkg/ui/prefix.ts';
import { type CommandValues, defineCommand } from './command-spec.ts';
import { corsFlags, grpcFlags, httpFlags, webPrefixFlags } from './flag-groups.ts';
import { activeQueryFile, queryLimitFlags, queryLimits, selectThreads } from './query-limits.ts';
import { runCommand, type ServiceDeps } from './run.ts';
import { statusFacts } from './status-facts.ts';
import { mountWithPage } from './web-page.ts';

const queryFlags = {
  ...httpFlags,
  ...grpcFlags,
  ...corsFlags,
  ...webPrefixFlags,
  'web.notice': string('', 'A line shown above every page until it is dismissed.', { isHidden: true }),
  'web.start-link': string('', 'Query part of the link that the query page opens with.', { isHidden: true }),
  endpoint: addressList('StoreAPI endpoint, host:port or with a dns+, dnssrv+ or dnssrvnoa+ prefix.'),
  'endpoint-strict': addressList('Endpoint that is always asked, also while it does not answer. No DNS prefix.'),
  'endpoint.info-timeout': durationMs('5s', 'Timeout of Info calls and pause between two.', { isHidden: true }),
  'endpoint.warn-missing': bool(true, 'Warn in answers while an endpoint seen lately does not answer.'),
  'store.unhealthy-timeout': durationMs('5m', 'How long an endpoint that does not answer is kept, and missed.'),
  'store.response-timeout': durationMs('0ms', 'Drop an endpoint that sends nothing for this long; 0 waits.'),
  'store.sd-dns-interval': durationMs('30s', 'Pause between two DNS look-ups, and timeout of one.'),
  'dns.servers': stringList([], 'DNS servers to ask instead of those of the system.', { isHidden: true }),
  'query.timeout': durationMs('2m', 'Longest time one query may take.'),
  ...queryLimitFlags,
  'query.lookback-delta': optionalGoDurationMs('How far back an instant selector looks; 5m when not given.'),
  'query.dynamic-lookback-delta': bool(true, 'Look back further where coarse data is allowed.', { isHidden: true }),
  'query.replica-label': stringList([], 'Label that tells replicas apart.'),
  'query.auto-downsampling': bool(false, 'Let range queries use data as coarse as a fifth of their step.'),
  'query.resolution-fallback': bool(false, 'Where the wanted resolution is missing, use coarser data, and say so.'),
  'query.instant.default.max_source_resolution': durationMs('0s', 'Coarsest data for instant queries.', {
    isHidden: true,
  }),
  'query.partial-response': bool(true, 'Answer with warnings when an endpoint fails.'),
  'query.default-evaluation-interval': durationMs('1m', 'Step of a subquery that names none.'),
  'query.default-step': durationMs('1s', 'Least step of a range query that names none.'),
  'query.metadata.default-time-range': goDurationMs('0s', 'Window of label and series calls without times; 0 is all.'),
  'query.promql-engine': choice(
    ['prometheus', 'thanos'],
    'prometheus',
    'There is one engine; only by the name thanos it explains and measures itself, as in Thanos.',
  ),
  'query.conn-metric.label': choiceList(
    ['external_labels', 'store_type', 'ip_port'],
    ['external_labels', 'store_type'],
    'Labels of the metric of connected endpoints.',
  ),
  'deduplication.func': choice(['penalty', 'chain'], 'penalty', 'How replicas are merged.'),
  'selector-label': labelList('Label this querier announces, name="value".'),
  'enable-feature': stringList(
    [],
    'Experimental features, see docs/components/promql.md: promql-experimental-functions, promql-extended-range-selectors, ' +
      'promql-binop-fill-modifiers, promql-delayed-name-removal.',
  ),
} satisfies FlagTable;

type QueryValues = CommandValues<typeof queryFlags>;

export const command = defineCommand({
  name: 'query',
  summary: 'PromQL over many stores, de-duplicated, as the Prometheus HTTP API.',
  flags: queryFlags,
  run: (values, context) =>
    runCommand({
      name: 'query',
      values,
      context,
      http: {
        sendsCors: !values['web.disable-cors'],
        hasTenantMetrics: true,
        routePrefix: prefixOf(values).route,
      },
      components: (deps) => queryComponents(values, deps),
    }),
});

function queryComponents(values: QueryValues, { logger, metrics, http }: ServiceDeps): readonly Component[] {
  const config = querierConfig(values);
  const discovery = new DnsProvider(
    {
      configured: () => values.endpoint.filter(isLookedUp),
      dns: new Resolver({
        ...resolverDefaults,
        ...(values['dns.servers'].length > 0 ? { servers: values['dns.servers'] } : {}),
      }),
      clock: systemClock,
      log: logger,
      metrics,
    },
    {
      roundTimeoutMs: values['store.sd-dns-interval'],
      emptyGraceMs: 0,
      metricPrefixes: endpointMetricPrefixes,
    },
  );
  const looking = new Loop(
    { logger, step: (signal) => discovery.refresh(signal) },
    { name: 'discovery', intervalMs: values['store.sd-dns-interval'], startsWithStep: true },
  );
  const fixed = fixedEndpoints(values);
  const endpoints = new EndpointSet(
    {
      specs: () => [
        ...discovery.addresses().map(({ address }): EndpointSpec => ({ address, strict: false, dynamic: true })),
        ...fixed,
      ],
      dial: (address) => dial(address, metrics),
      log: logger,
      metrics,
    },
    {
      infoTimeoutMs: values['endpoint.info-timeout'],
      unhealthyTimeoutMs: values['store.unhealthy-timeout'],
      closeDelayMs: Math.max(
        values['query.timeout'],
        values['endpoint.info-timeout'],
        values['store.unhealthy-timeout'],
      ),
      firstRoundTimeoutMs: values['store.response-timeout'] || endpointSetDefaults.firstRoundTimeoutMs,
      warnOfMissing: values['endpoint.warn-missing'],
      connectionMetricLabels: values['query.conn-metric.label'],
    },
  );
  const selectorLabels = Labels.from(values['selector-label']);
  const proxy = new StoreProxy(
    { endpoints: () => endpoints.endpoints() },
    { ...proxyDefaults, responseTimeoutMs: values['store.response-timeout'], selectorLabels },
  );
  const threads = selectThreads(values);
  mountWithPage(
    http,
    querierRoutes(
      {
        engine: new QueryEngine({ proxy, metrics, activeFile: activeQueryFile(values, logger), threads }, config),
        proxy,
        now: Date.now,
        statuses: () => endpoints.statuses(),
        details: () => endpoints.details(),
        statusEndpoints: () => endpoints.statusEndpoints(),
        status: statusFacts('query', values, queryFlags),
      },
      config,
    ),
    {
      component: 'query',
      prefix: prefixOf(values),
      startPage: '/graph',
      startLink: values['web.start-link'],
      notice: values['web.notice'],
      query: {
        replicaLabels: config.replicaLabels,
        partialResponse: config.partialResponse,
        autoDownsampling: config.autoDownsampling,
        lookbackMs: config.lookbackMs,
        language: { ...config.language, experimental: config.language.experimentalFunctions },
      },
    },
  );
  const grpc = new GrpcServer(
    {
      logger,
      metrics,
      services: [storeService(proxy), infoService(() => querierInfo(endpoints.endpoints(), selectorLabels))],
    },
    {
      address: values['grpc-address'],
      gracePeriodMs: values['grpc-grace-period'],
      maxConnectionAgeMs: values['grpc-server-max-connection-age'],
    },
  );
  const ownThreads: Component = { name: 'threads', start: async () => {}, stop: () => threads.close() };
  return [ownThreads, looking, endpoints, grpc];
}

function prefixOf(values: QueryValues): WebPrefix {
  return webPrefix({
    route: values['web.route-prefix'],
    external: values['web.external-prefix'],
    header: values['web.prefix-header'],
  });
}

function querierConfig(values: QueryValues): QuerierConfig {
  return {
    timeoutMs: values['query.timeout'],
    ...queryLimits(values),
    hiddenLabels: values['selector-label'].map(([name]) => name),
    engineName: values['query.promql-engine'],
    lookbackMs: values['query.lookback-delta'] ?? querierDefaults.lookbackMs,
    dynamicLookback: values['query.dynamic-lookback-delta'],
    instantMaxResolutionMs: values['query.instant.default.max_source_resolution'],
    autoDownsampling: values['query.auto-downsampling'],
    resolutionFallback: values['query.resolution-fallback'],
    partialResponse: values['query.partial-response'],
    replicaLabels: values['query.replica-label'].flatMap((text) => text.split(',')).filter((label) => label !== ''),
    dedupFunc: values['deduplication.func'],
    defaultStepMs: values['query.default-step'],
    defaultEvaluationIntervalMs: values['query.default-evaluation-interval'],
    metadataRangeMs: values['query.metadata.default-time-range'],
    language: languageOf(featuresOf(values)),
  };
}

/** Prometheus' names. Duration expressions are part of the language by now. */
const languageFeatures: Readonly<Record<string, Partial<QueryLanguage>>> = {
  'promql-experimental-functions': { experimentalFunctions: true },
  'promql-extended-range-selectors': { extendedRangeSelectors: true },
  'promql-binop-fill-modifiers': { fillModifiers: true },
  'promql-delayed-name-removal': { delayedNameRemoval: true },
  'promql-duration-expr': {},
};

function languageOf(features: readonly string[]): QueryLanguage {
  return Object.assign({}, plainLanguage, ...features.map((name) => languageFeatures[name] ?? {}));
}

/** Names of features the reference once had are of no effect there either; others are refused. */
function featuresOf(values: QueryValues): readonly string[] {
  const features = values['enable-feature'].flatMap((text) => text.split(',')).filter((name) => name !== '');
  const known = [...Object.keys(languageFeatures), 'promql-at-modifier', 'promql-negative-offset', 'query-pushdown'];
  const unknown = features.find((name) => !known.includes(name));
  if (unknown !== undefined) throw new Fault('invalid', `--enable-feature: no feature is called ${unknown}`);
  return features;
}

function isLookedUp(address: string): boolean {
  return address.includes('+');
}

function fixedEndpoints(values: QueryValues): readonly EndpointSpec[] {
  const lookedUp = values['endpoint-strict'].find(isLookedUp);
  if (lookedUp !== undefined) {
    throw new Fault(
      'invalid',
      `${lookedUp} is a dynamically specified endpoint: --endpoint-strict takes host:port only`,
    );
  }
  return [
    ...values.endpoint
      .filter((address) => !isLookedUp(address))
      .map((address) => ({ address, strict: false, dynamic: false })),
    ...values['endpoint-strict'].map((address) => ({ address, strict: true, dynamic: false })),
  ];
}

function dial(address: string, metrics: Metrics): EndpointClient {
  const client = new GrpcClient({ metrics }, { address });
  const store = new GrpcStoreClient(client);
  return {
    series: (request, query) => store.series(request, query),
    labelNames: (request, query) => store.labelNames(request, query),
    labelValues: (request, query) => store.labelValues(request, query),
    info: (request) => store.info(request),
    tsdbStatistics: (request, query) => callTsdbStatistics(request, client, query),
    close: async () => client.close(),
  };
}
