// Where to listen and whom to call: `host:port`, an IPv6 host in brackets.

import { Fault } from '../errors/fault.ts';

export interface Address {
  /** Without brackets; empty for every interface. */
  readonly host: string;
  readonly port: number;
}

/** `0.0.0.0:10902`, `[::1]:9090`, `:80`, `localhost:0`. Anything else is `invalid`. */
export function parseAddress(text: string): Address {
  const parts = /^(?:\[([^\]]*)\]|([^:[\]]*)):([^:]*)$/.exec(text);
  if (parts === null) {
    const why =
      text.split(':').length > 2 && !text.startsWith('[') ? 'too many colons in address' : 'missing port in address';
    throw new Fault('invalid', `address ${text}: ${why}`);
  }
  const port = parsePort(parts[3]);
  if (port === undefined) throw new Fault('invalid', `address ${text}: invalid port ${JSON.stringify(parts[3])}`);
  return { host: parts[1] ?? parts[2], port };
}

/** The text form; an IPv6 host gets its brackets. */
export function printAddress({ host, port }: Address): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

function parsePort(text: string): number | undefined {
  if (!/^\d{1,5}$/.test(text)) return undefined;
  const port = Number(text);
  return port <= 65_535 ? port : undefined;
}
