// Metrics of downsampling, under the names of the reference; `resolution` is that of the source in milliseconds.

import type { Metrics } from '../../telemetry/metrics.ts';

const labels = ['resolution'] as const;
const durationBuckets = [60, 300, 900, 1800, 3600, 7200, 14_400];

export type DownsampleMeters = ReturnType<typeof downsampleMeters>;

export function downsampleMeters(metrics: Metrics) {
  const name = 'thanos_compact_downsample';
  const failures = metrics.counter(`${name}_failures_total`, 'Blocks whose downsampling failed.', labels);
  const failed = metrics.counter(`${name}_failed_total`, 'The same, under the name dashboards know.', labels);
  return {
    total: metrics.counter(`${name}_total`, 'Blocks downsampled, or tried to.', labels),
    duration: metrics.histogram(`${name}_duration_seconds`, 'How long a block took.', durationBuckets, labels),
    failure(resolution: string): void {
      failures.inc({ resolution });
      failed.inc({ resolution });
    },
    /** So that a first failure is seen as an increase. */
    expect(resolution: string): void {
      failures.inc({ resolution }, 0);
      failed.inc({ resolution }, 0);
    },
  };
}
