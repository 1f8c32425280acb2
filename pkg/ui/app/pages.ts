// Which pages there are. A page is in the navigation when the serving process has the APIs it needs; its code is loaded
// when it is first shown.

import { type ComponentType, type LazyExoticComponent, lazy } from 'react';
import { facts, hasApi } from './facts.ts';

export interface Page {
  /** Where it is: `graph`. */
  readonly path: string;
  /** Other paths that show it: those of the reference's page. */
  readonly aliases: readonly string[];
  readonly title: string;
  readonly isOffered: boolean;
  readonly View: LazyExoticComponent<ComponentType>;
}

/** Every page, in the order of the navigation. */
export const pages: readonly Page[] = [
  {
    path: 'graph',
    aliases: ['query'],
    title: 'Query',
    isOffered: hasApi('/api/v1/query') && hasApi('/api/v1/query_range'),
    View: lazy(async () => ({ default: (await import('./query/query-page.tsx')).QueryPage })),
  },
  {
    path: 'stores',
    aliases: [],
    title: 'Stores',
    isOffered: hasApi('/api/v1/stores'),
    View: lazy(async () => ({ default: (await import('./stores/stores-page.tsx')).StoresPage })),
  },
  {
    path: 'blocks',
    aliases: ['loaded', 'global'],
    title: 'Blocks',
    isOffered: hasApi('/api/v1/blocks'),
    View: lazy(async () => ({ default: (await import('./blocks/blocks-page.tsx')).BlocksPage })),
  },
  {
    path: 'status',
    aliases: ['flags', 'config', 'tsdb-status'],
    title: 'Status',
    isOffered: hasApi('/api/v1/status/buildinfo'),
    View: lazy(async () => ({ default: (await import('./status/status-page.tsx')).StatusPage })),
  },
];

/** Those of this process. */
export const offeredPages: readonly Page[] = pages.filter((page) => page.isOffered);

/** The page at a path: `/` is the start page; undefined when there is none, or this process does not have it. */
export function pageAt(path: string): Page | undefined {
  const wanted = (path === '/' ? facts.startPage : path).replace(/^\//, '');
  return offeredPages.find((page) => page.path === wanted || page.aliases.includes(wanted));
}
