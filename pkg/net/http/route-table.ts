// Finds the route of a plain path at once. Express walks its routes one by one and changes the prototypes of request and
// response, which makes every later look at them slower: for a small answer that is a tenth of its cost. Whatever is not
// plain (escapes, fragments, whole URLs, unknown paths) is left to it.

import type { ApiRoute } from './api.ts';

export interface FoundRoute {
  readonly route: ApiRoute;
  readonly pathParameters: Readonly<Record<string, string>>;
}

interface Pattern {
  readonly route: ApiRoute;
  readonly parts: readonly string[];
}

/** Anything beyond letters and a few marks may mean something to Express that it does not mean here. */
const PLAIN_PATH = /^(?:\/[A-Za-z0-9_.~-]+)+$/;
const PATTERN_PATH = /^(?:\/:?[A-Za-z0-9_.~-]+)+$/;
const NOTHING: Readonly<Record<string, string>> = {};

export class RouteTable {
  readonly #exact = new Map<string, ApiRoute>();
  readonly #patterns: Pattern[] = [];

  /** Of two routes for one path the first added wins. A path that cannot be told apart here is never found. */
  add(path: string, route: ApiRoute): void {
    if (!PATTERN_PATH.test(path)) return;
    if (path.includes('/:')) {
      this.#patterns.push({ route, parts: path.split('/') });
      return;
    }
    if (this.find(path) === undefined) this.#exact.set(path, route);
  }

  /** The route of a request's target, the query string aside; undefined when that is for Express to say. */
  find(target: string): FoundRoute | undefined {
    const end = target.indexOf('?');
    const path = end < 0 ? target : target.slice(0, end);
    if (target.includes('#')) return undefined;
    const exact = this.#exact.get(path);
    if (exact !== undefined) return { route: exact, pathParameters: NOTHING };
    if (!PLAIN_PATH.test(path)) return undefined;
    const parts = path.split('/');
    for (const pattern of this.#patterns) {
      const pathParameters = match(pattern.parts, parts);
      if (pathParameters !== undefined) return { route: pattern.route, pathParameters };
    }
    return undefined;
  }
}

function match(pattern: readonly string[], parts: readonly string[]): Record<string, string> | undefined {
  if (pattern.length !== parts.length) return undefined;
  const found: Record<string, string> = {};
  for (let i = 0; i < parts.length; i++) {
    if (pattern[i].startsWith(':')) found[pattern[i].slice(1)] = parts[i];
    else if (pattern[i] !== parts[i]) return undefined;
  }
  return found;
}
