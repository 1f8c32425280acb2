// What a Prometheus says of itself: configuration, flags, version, oldest time.

import type { RequestContext } from '../async/request.ts';
import { Fault, kindOf } from '../errors/fault.ts';
import type { PrometheusClient } from './client.ts';

/** The loaded configuration as YAML text. */
export async function configYamlOf(request: RequestContext, client: PrometheusClient): Promise<string> {
  const data = await client.api(request, '/api/v1/status/config');
  const { yaml } = (data ?? {}) as { yaml?: unknown };
  if (typeof yaml !== 'string') throw new Fault('corrupt', 'prometheus /api/v1/status/config: no yaml in the answer');
  return yaml;
}

/** The version, `0` where the server has no such page (before 2.14). */
export async function versionOf(request: RequestContext, client: PrometheusClient): Promise<string> {
  try {
    const data = await client.api(request, '/api/v1/status/buildinfo');
    const { version } = (data ?? {}) as { version?: unknown };
    return typeof version === 'string' ? version : '0';
  } catch (thrown) {
    if (kindOf(thrown) === 'not-found') return '0';
    throw thrown;
  }
}

/** The command line flags by name, undefined where the server has no such page. */
export async function flagsOf(
  request: RequestContext,
  client: PrometheusClient,
): Promise<Readonly<Record<string, string>> | undefined> {
  try {
    return (await client.api(request, '/api/v1/status/flags')) as Record<string, string>;
  } catch (thrown) {
    if (kindOf(thrown) === 'not-found') return undefined;
    throw thrown;
  }
}

/** What the head holds most of, as Prometheus tells it; undefined where the server has no such page. */
export async function tsdbStatusOf(request: RequestContext, client: PrometheusClient, limit: number): Promise<unknown> {
  try {
    return await client.api(request, '/api/v1/status/tsdb', new URLSearchParams({ limit: String(limit) }));
  } catch (thrown) {
    if (kindOf(thrown) === 'not-found') return undefined;
    throw thrown;
  }
}

/** The time of the oldest sample in ms; undefined while there is none. 0 when the server does not tell. */
export async function lowestTimeOf(request: RequestContext, client: PrometheusClient): Promise<number | undefined> {
  const text = await client.text(request, '/metrics');
  const line = /^prometheus_tsdb_lowest_timestamp_seconds\s+(\S+)/m.exec(text);
  if (line === null) return 0;
  const seconds = Number(line[1]);
  if (!Number.isFinite(seconds)) throw new Fault('corrupt', `prometheus /metrics: lowest timestamp is ${line[1]}`);
  // An empty database reports the greatest int64 of milliseconds.
  return seconds * 1000 >= 2 ** 62 ? undefined : Math.round(seconds * 1000);
}
