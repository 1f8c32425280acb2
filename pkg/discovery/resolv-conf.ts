// resolv.conf: which servers to ask, in which domains to search, how patiently.

export interface ResolvConf {
  /** `host:port`, brackets around IPv6. */
  readonly servers: readonly string[];
  readonly search: readonly string[];
  /** A name with at least so many dots is tried as it is before the search list. */
  readonly ndots: number;
  readonly timeoutMs: number;
  /** How often the whole list of servers is asked. */
  readonly attempts: number;
}

export const resolvConfDefaults: ResolvConf = {
  servers: ['127.0.0.1:53'],
  search: [],
  ndots: 1,
  timeoutMs: 5_000,
  attempts: 2,
};

/** Reads the text of a resolv.conf; what it does not know it skips, what is missing has resolv.conf's defaults. */
export function parseResolvConf(text: string): ResolvConf {
  const servers: string[] = [];
  let search: readonly string[] = [];
  const options = new Map<string, number>();
  for (const line of text.split('\n')) {
    const [keyword, ...words] = line
      .replace(/[#;].*$/, '')
      .trim()
      .split(/\s+/);
    if (keyword === 'nameserver' && words.length > 0) servers.push(serverAddress(words[0]));
    // Of several lines, `domain` included, the last one counts.
    else if (keyword === 'search' || keyword === 'domain') search = words.map((word) => word.replace(/\.$/, ''));
    else if (keyword === 'options') {
      for (const word of words) {
        const [name, value] = word.split(':');
        if (value !== undefined && /^\d+$/.test(value)) options.set(name, Number(value));
      }
    }
  }
  return {
    servers: servers.length > 0 ? servers : resolvConfDefaults.servers,
    search: search.filter((domain) => domain !== ''),
    ndots: Math.min(options.get('ndots') ?? resolvConfDefaults.ndots, 15),
    timeoutMs: Math.max(options.get('timeout') ?? 5, 1) * 1000,
    attempts: Math.max(options.get('attempts') ?? resolvConfDefaults.attempts, 1),
  };
}

/** The names to try, in order: an absolute one (final dot) alone, else with the search list around it. */
export function candidateNames(name: string, { search, ndots }: ResolvConf): readonly string[] {
  if (name.endsWith('.')) return [name.slice(0, -1)];
  const dots = name.split('.').length - 1;
  const searched = search.map((domain) => `${name}.${domain}`);
  return dots >= ndots ? [name, ...searched] : [...searched, name];
}

function serverAddress(host: string): string {
  return host.includes(':') ? `[${host}]:53` : `${host}:53`;
}
