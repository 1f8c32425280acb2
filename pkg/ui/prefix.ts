// Where the page and the API live, and what links to them begin with. A reverse proxy may take a prefix away before we
// see a request, add one, or tell it in a header.

export interface WebPrefixFlags {
  /** `--web.route-prefix` */
  readonly route: string;
  /** `--web.external-prefix`: a path, or a whole URL of which only the path counts. */
  readonly external: string;
  /** `--web.prefix-header`; empty is none. */
  readonly header: string;
}

export interface WebPrefix {
  /** Put before every route: empty, or `/p` without a slash at its end. */
  readonly route: string;
  /** What links of one answer begin with: empty, or `/p`. */
  links(header: (name: string) => string | undefined): string;
}

/** The prefixes that these flags mean. Without a route prefix the external one is that, too. */
export function webPrefix(flags: WebPrefixFlags): WebPrefix {
  const external = pathOf(flags.external);
  const route = flags.route === '' ? external : pathOf(flags.route);
  return {
    route,
    links(header) {
      if (external !== '') return external;
      const told = flags.header === '' ? undefined : header(flags.header);
      return told === undefined || told === '' ? route : pathOf(told);
    },
  };
}

/**
 * The path part, with a slash before it and none behind, empty for the root. Two slashes at the beginning would name
 * another host, and what is no plain path has no business in a link: both are cut down to what is safe.
 */
function pathOf(text: string): string {
  const path = text.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/]*/i, '');
  const parts = path.split('/').filter((part) => part !== '' && part !== '.' && part !== '..');
  return parts.map((part) => `/${encodeURIComponent(decoded(part))}`).join('');
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
