// tributary tools bucket check: tries what a fleet will need of a bucket and says what is missing.

import { backgroundRequest } from '../../pkg/async/request.ts';
import type { FlagTable } from '../../pkg/config/flag.ts';
import { bool, choice, goDurationMs } from '../../pkg/config/flag-kinds.ts';
import { openBucket } from '../../pkg/objstore/factory.ts';
import { type PreflightStep, preflight } from '../../pkg/objstore/preflight.ts';
import { Metrics } from '../../pkg/telemetry/metrics.ts';
import { defineCommand } from '../command-spec.ts';
import { requiredBucketFlags } from '../flag-groups.ts';

const checkFlags = {
  ...requiredBucketFlags,
  'read-only': bool(false, 'Try only what a reader needs; nothing is written.'),
  timeout: goDurationMs('30s', 'How long one step may take.'),
  output: choice(['table', 'json'], 'table', 'Layout: a table, or one JSON object a line.'),
} satisfies FlagTable;

export const command = defineCommand({
  name: 'tools bucket check',
  summary: 'Try what is needed of a bucket and say which permission or setting is missing.',
  flags: checkFlags,
  async run(values, { env, logger, stdout, stop }) {
    const bucket = await openBucket({ logger, metrics: new Metrics(), env }, values['objstore.config']);
    const config = { isReadOnly: values['read-only'], stepTimeoutMs: values.timeout };
    let failed = 0;
    try {
      for await (const step of preflight(backgroundRequest(stop), { bucket }, config)) {
        if (step.result === 'failed') failed++;
        stdout.write(values.output === 'json' ? `${JSON.stringify(step)}\n` : line(step));
      }
    } finally {
      await bucket.close();
    }
    if (failed > 0) logger.error('the bucket will not do', { failed });
    return failed > 0 ? 1 : 0;
  },
});

function line({ name, result, latencyMs, advice }: PreflightStep): string {
  const columns = [result.padEnd(8), name.padEnd(22), `${Math.round(latencyMs)}ms`.padStart(8)].join(' ');
  return advice === '' ? `${columns}\n` : `${columns}  ${advice}\n`;
}
