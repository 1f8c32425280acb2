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
    summary: 'Compaction, replica de-duplication, downsampling, retention and deletion for the blocks of a bucket.',
    load: async () => (await import('./compact.ts')).command,
  },
  {
    name: 'demo',
    summary: 'Everything at once, with demonstration data: a first look.',
    load: async () => (await import('./demo.ts')).command,
  },
  {
    name: 'tools promql-test',
    summary: 'Run scripts of the PromQL test language and say what passed and failed.',
    load: async () => (await import('./tools/promql-test.ts')).command,
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
    name: 'tools bucket check',
    summary: 'Try what is needed of a bucket and say which permission or setting is missing.',
    load: async () => (await import('./tools/bucket-check.ts')).command,
  },
  {
    name: 'tools bucket upload-blocks',
    summary: 'Upload the blocks of a directory that a bucket does not have, once.',
    load: async () => (await import('./tools/bucket-upload-blocks.ts')).command,
  },
  {
    name: 'tools bucket replicate',
    summary: 'Copy the blocks of a bucket to another one, every minute or once.',
    load: async () => (await import('./tools/bucket-replicate.ts')).command,
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
    name: 'tools bucket plan',
    summary: 'Print what a compactor would do with a bucket, when and why.',
    load: async () => (await import('./tools/bucket-plan.ts')).command,
  },
  {
    name: 'tools bucket verify',
    summary: 'Look for what can be wrong with the blocks of a bucket, and repair it when told to.',
    load: async () => (await import('./tools/bucket-verify.ts')).command,
  },
  {
    name: 'tools bucket retention',
    summary: 'Mark blocks past their retention for deletion, once.',
    load: async () => (await import('./tools/bucket-retention.ts')).command,
  },
  {
    name: 'tools bucket downsample',
    summary: 'Downsample the blocks of a bucket, again and again.',
    load: async () => (await import('./tools/bucket-downsample.ts')).command,
  },
  {
    name: 'tools bucket web',
    summary: 'Serve a page that shows every block of a bucket.',
    load: async () => (await import('./tools/bucket-web.ts')).command,
  },
];

/** Words that lead to commands without being one, with what they are about. */
export const commandFolders: Readonly<Record<string, string>> = {
  tools: 'Tools for operators.',
  'tools bucket': 'Tools over a bucket.',
};
