// What the process itself takes: memory, processor, file descriptors, delay of the event loop, and what was built.

import { collectDefaultMetrics } from 'prom-client';
import type { Metrics } from './metrics.ts';

export interface BuildFacts {
  readonly version: string;
  readonly revision: string;
  readonly branch: string;
}

/**
 * Registers `process_*` and `nodejs_*` and, under the names dashboards know, the heap as `go_memstats_*`. Call once a
 * registry.
 */
export function watchProcess(metrics: Metrics, facts: BuildFacts): void {
  collectDefaultMetrics({ register: metrics.registry });
  const build = metrics.gauge('thanos_build_info', 'What is running, as labels; always 1.', [
    'version',
    'revision',
    'branch',
    'goversion',
    'goarch',
    'goos',
    'tags',
  ]);
  build.set(
    {
      version: facts.version,
      revision: facts.revision,
      branch: facts.branch,
      goversion: `node ${process.version}`,
      goarch: process.arch === 'x64' ? 'amd64' : process.arch,
      goos: process.platform,
      tags: '',
    },
    1,
  );
  const memory: readonly (readonly [string, string, (usage: NodeJS.MemoryUsage) => number])[] = [
    ['go_memstats_alloc_bytes', 'Heap and buffers in use, in bytes.', (usage) => usage.heapUsed + usage.external],
    ['go_memstats_heap_alloc_bytes', 'Heap in use, in bytes.', (usage) => usage.heapUsed],
    ['go_memstats_heap_inuse_bytes', 'Heap held, in bytes.', (usage) => usage.heapTotal],
  ];
  for (const [name, help, read] of memory) {
    metrics.collectedGauge(name, help, () => read(process.memoryUsage()));
  }
}
