// The commands there are. Each is loaded only when it runs or when its own help is asked for.

import type { CommandSpec } from './command-spec.ts';

export interface CommandEntry {
  readonly name: string;
  readonly summary: string;
  load(): Promise<CommandSpec>;
}

export const commands: readonly CommandEntry[] = [
  {
    name: 'sidecar',
    summary: 'StoreAPI over one Prometheus, and upload of its blocks.',
    load: async () => (await import('./sidecar.ts')).command,
  },
  {
    name: 'store',
    summary: 'StoreAPI over the blocks of a bucket.',
    load: async () => (await import('./store.ts')).command,
  },
  {
    name: 'query',
    summary: 'PromQL over many stores, de-duplicated, as the Prometheus HTTP API.',
    load: async () => (await import('./query.ts')).command,
  },
  {
    name: 'compact',
    summary: 'Compaction, replica de-duplication, retention and deletion for the blocks of a bucket.',
    load: async () => (await import('./compact.ts')).command,
  },
  {
    name: 'demo',
    summary: 'Everything at once, with demonstration data: a first look.',
    load: async () => (await import('./demo.ts')).command,
  },
  {
    name: 'tools bucket ls',
    summary: 'Print one line per block of a bucket.',
    load: async () => (await import('./tools/bucket-ls.ts')).command,
  },
  {
    name: 'tools bucket inspect',
    summary: 'Print a table of all blocks of a bucket.',
    load: async () => (await import('./tools/bucket-inspect.ts')).command,
  },
  {
    name: 'tools bucket mark',
    summary: 'Put a mark on blocks, or take it away.',
    load: async () => (await import('./tools/bucket-mark.ts')).command,
  },
  {
    name: 'tools bucket cleanup',
    summary: 'Delete partial uploads, and blocks whose deletion mark is old enough.',
    load: async () => (await import('./tools/bucket-cleanup.ts')).command,
  },
  {
    name: 'tools bucket retention',
    summary: 'Mark blocks past their retention for deletion, once.',
    load: async () => (await import('./tools/bucket-retention.ts')).command,
  },
];

/** Words that lead to commands without being one, with what they are about. */
export const commandFolders: Readonly<Record<string, string>> = {
  tools: 'Tools for operators.',
  'tools bucket': 'Tools over a bucket.',
};
