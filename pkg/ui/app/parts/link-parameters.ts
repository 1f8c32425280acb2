// The settings of a page that stand in its link.

import { useCallback, useMemo } from 'react';
import { currentPlace, go, usePlace } from '../router.ts';
import { changedSearch, type LinkChanges } from './link-search.ts';

/** The parameters of the link, and a way to change some: undefined and empty ones are taken out of it. */
export function useLinkParameters(): readonly [
  URLSearchParams,
  (changes: LinkChanges, options?: { readonly asStep?: boolean }) => void,
] {
  const { search } = usePlace();
  const parameters = useMemo(() => new URLSearchParams(search), [search]);
  const change = useCallback((changes: LinkChanges, { asStep = false }: { readonly asStep?: boolean } = {}) => {
    const place = currentPlace();
    const next = changedSearch(place.search, changes);
    go(`${place.path}${next === '' ? '' : `?${next}`}`, { replace: !asStep });
  }, []);
  return [parameters, change];
}
