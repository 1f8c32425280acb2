// Addresses with a look-up in front of them: dns+, dnsdualstack+, dnssrv+, dnssrvnoa+.

import { during, Fault } from '../errors/fault.ts';
import type { SrvRecord } from './resolver.ts';

/** What an address needs of DNS. */
export interface NameLookup {
  lookupA(name: string, signal: AbortSignal): Promise<readonly string[]>;
  lookupAaaa(name: string, signal: AbortSignal): Promise<readonly string[]>;
  lookupSrv(name: string, signal: AbortSignal): Promise<readonly SrvRecord[]>;
}

/**
 * The `host:port` addresses behind one address of the configuration, empty when the name does not exist. A scheme in
 * front of the name stays in front of every result. Throws `invalid` for an address that can never work, `unavailable`
 * when DNS does not answer.
 */
export async function resolveAddress(
  address: string,
  dns: NameLookup,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const plus = address.indexOf('+');
  const kind = address.slice(0, plus);
  const rest = address.slice(plus + 1);
  const slashes = rest.indexOf('://');
  const scheme = slashes < 0 ? '' : rest.slice(0, slashes + 3);
  const { name, port } = splitPort(rest.slice(scheme.length));
  const found = await lookUp(kind, name, port, dns, signal);
  return [...new Set(found.map((result) => scheme + result))];
}

async function lookUp(
  kind: string,
  name: string,
  port: string | undefined,
  dns: NameLookup,
  signal: AbortSignal,
): Promise<readonly string[]> {
  switch (kind) {
    case 'dns':
      return withPort(await firstFamily(name, dns, signal), required(port, name));
    case 'dnsdualstack':
      return withPort(await bothFamilies(name, dns, signal), required(port, name));
    case 'dnssrv': {
      const records = await dns.lookupSrv(name, signal);
      const each = records.map(async (record) =>
        withPort(await firstFamily(record.target, dns, signal), port ?? String(record.port)),
      );
      return (await Promise.all(each)).flat();
    }
    case 'dnssrvnoa':
      return (await dns.lookupSrv(name, signal)).map((record) => `${record.target}:${port ?? record.port}`);
    default:
      throw new Fault(
        'invalid',
        `invalid lookup scheme "${kind}": use dns+, dnsdualstack+, dnssrv+ or dnssrvnoa+, or no plus for a fixed address`,
      );
  }
}

/** IPv6 addresses, or IPv4 ones when those failed or there are none. */
async function firstFamily(name: string, dns: NameLookup, signal: AbortSignal): Promise<readonly string[]> {
  let failure: unknown;
  const six = await dns.lookupAaaa(name, signal).catch((thrown: unknown) => {
    failure = thrown;
    return [];
  });
  if (six.length > 0) return six;
  const four = await dns.lookupA(name, signal);
  if (four.length === 0 && failure !== undefined) throw failure;
  return four;
}

/** All addresses of both; fails only when nothing came back and a look-up failed. */
async function bothFamilies(name: string, dns: NameLookup, signal: AbortSignal): Promise<readonly string[]> {
  const results = await Promise.allSettled([dns.lookupAaaa(name, signal), dns.lookupA(name, signal)]);
  const all = results.flatMap((result) => (result.status === 'fulfilled' ? result.value : []));
  const failed = results.find((result) => result.status === 'rejected');
  if (all.length === 0 && failed !== undefined) throw during('look up both families', failed.reason);
  return all;
}

function withPort(hosts: readonly string[], port: string): readonly string[] {
  return hosts.map((host) => (host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`));
}

function required(port: string | undefined, name: string): string {
  if (port === undefined) throw new Fault('invalid', `missing port in address given for dns lookup: ${name}`);
  return port;
}

function splitPort(text: string): { readonly name: string; readonly port: string | undefined } {
  const match = /^(.*):(\d+)$/.exec(text);
  return match === null ? { name: text, port: undefined } : { name: match[1], port: match[2] };
}
