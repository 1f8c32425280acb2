// Which page is shown: the path below the base, and the query part. Links are plain `<a href>`; a click on one of ours
// changes the page without loading the document again.

import { useSyncExternalStore } from 'react';
import { basePath } from './facts.ts';

export interface Place {
  /** Below the base, with a slash before it: `/graph`. */
  readonly path: string;
  /** Without the question mark. */
  readonly search: string;
}

const listeners = new Set<() => void>();
let place: Place = readPlace();

window.addEventListener('popstate', changed);

/** Where we are; follows the browser's history. */
export function usePlace(): Place {
  return useSyncExternalStore(subscribe, () => place);
}

/** Where we are now, outside of rendering. */
export function currentPlace(): Place {
  return place;
}

/** Goes to a page, `graph?g0.expr=up`. `replace` leaves no step in the history. */
export function go(target: string, { replace = false }: { readonly replace?: boolean } = {}): void {
  const url = linkTo(target);
  if (url === window.location.pathname + window.location.search) return;
  if (replace) window.history.replaceState(null, '', url);
  else window.history.pushState(null, '', url);
  changed();
}

/** The address of a page of ours, for `href`. */
export function linkTo(target: string): string {
  return basePath + target.replace(/^\/+/, '');
}

/** For `onClick` of a link: goes there, unless the click asks for a new tab. */
export function onLinkClick(target: string): (event: React.MouseEvent) => void {
  return (event) => {
    if (event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    go(target);
    window.scrollTo(0, 0);
  };
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function changed(): void {
  place = readPlace();
  for (const listener of listeners) listener();
}

function readPlace(): Place {
  const { pathname, search } = window.location;
  const path = pathname.startsWith(basePath) ? pathname.slice(basePath.length - 1) : pathname;
  return { path: path.replace(/(.)\/+$/, '$1'), search: search.slice(1) };
}
