// /api/v1/status/{buildinfo,flags,runtimeinfo}: what a process is, told in the same way by every component that has an
// API. Grafana reads buildinfo first to tell what it talks to.

import { availableParallelism, hostname } from 'node:os';
import { getHeapStatistics } from 'node:v8';
import type { ApiAnswer, ApiRoute } from './api.ts';

export interface StatusFacts {
  readonly version: string;
  readonly revision: string;
  /** Flag name -> text as the process was started, configuration contents already redacted. */
  readonly flags: Readonly<Record<string, string>>;
  readonly startTimeMs: number;
  readonly workingDirectory: string;
  /** The component, in the page's title: `query`, `store`, `compact`. */
  readonly component?: string;
}

/** The three paths. */
export function statusRoutes(facts: StatusFacts): readonly ApiRoute[] {
  return [
    statusRoute('buildinfo', 'status_build', () => buildInfo(facts)),
    statusRoute('flags', 'status_flags', () => facts.flags),
    statusRoute('runtimeinfo', 'status_runtime', () => runtimeInfo(facts)),
  ];
}

function statusRoute(name: string, handler: string, data: () => unknown): ApiRoute {
  return {
    path: `/api/v1/status/${name}`,
    methods: ['GET'],
    handler,
    handle: async (): Promise<ApiAnswer> => ({ data: data() }),
  };
}

/** No `features`: Grafana would take a non-empty one for a ruler's configuration API. */
function buildInfo({ version, revision }: StatusFacts): unknown {
  return { version, revision, branch: '', buildUser: '', buildDate: '', goVersion: '', nodeVersion: process.version };
}

/** The reference's members first, with what comes nearest to them here; then those of this runtime. */
function runtimeInfo({ startTimeMs, workingDirectory, component }: StatusFacts): unknown {
  const { heapUsed, rss, external, arrayBuffers } = process.memoryUsage();
  return {
    startTime: new Date(startTimeMs).toISOString(),
    CWD: workingDirectory,
    goroutineCount: 0,
    GOMAXPROCS: availableParallelism(),
    GOGC: '',
    GODEBUG: '',
    GOMEMLIMIT: getHeapStatistics().heap_size_limit,
    ...(component === undefined ? {} : { component }),
    hostname: hostname(),
    serverTime: new Date().toISOString(),
    processId: process.pid,
    platform: `${process.platform}/${process.arch}`,
    heapUsedBytes: heapUsed,
    residentBytes: rss,
    externalBytes: external,
    arrayBufferBytes: arrayBuffers,
    cpuSeconds: (process.cpuUsage().user + process.cpuUsage().system) / 1e6,
  };
}
