// tributary tools bucket replicate: copies the blocks of one bucket to another, every minute or once.

import { systemClock } from '../../pkg/async/clock.ts';
import { backgroundRequest } from '../../pkg/async/request.ts';
import { Replicator, type ReplicatorConfig } from '../../pkg/block/replicate.ts';
import type { FlagTable, FlagValues } from '../../pkg/config/flag.ts';
import { bool, int, pathOrContent, string, stringList, time } from '../../pkg/config/flag-kinds.ts';
import { parseGoDuration } from '../../pkg/config/go-duration.ts';
import { during, Fault, messageOf } from '../../pkg/errors/fault.ts';
import type { Component } from '../../pkg/lifecycle/component.ts';
import type { Matcher } from '../../pkg/model/matcher.ts';
import { isUlid } from '../../pkg/model/ulid.ts';
import { openBucket } from '../../pkg/objstore/factory.ts';
import { parseSelector } from '../../pkg/promql/parser/parse.ts';
import { defineCommand } from '../command-spec.ts';
import { httpFlags, requiredBucketFlags } from '../flag-groups.ts';
import { runCommand } from '../run.ts';

const INTERVAL_MS = 60_000;

const replicateFlags = {
  ...httpFlags,
  ...requiredBucketFlags,
  'objstore-to.config': pathOrContent('objstore-to.config', 'The bucket to copy to, as YAML.', { isRequired: true }),
  resolution: stringList(['0s', '5m', '1h'], 'Only blocks of this resolution.'),
  'compaction-min': int(1, 'Only blocks of this compaction level or a higher one.'),
  'compaction-max': int(4, 'Only blocks of this compaction level or a lower one.'),
  compaction: stringList([], 'Only blocks of this compaction level, whatever --compaction-min and -max say.'),
  matcher: string('', 'Only blocks whose external labels match, as name="value" with =, !=, =~ or !~, by commas.'),
  'single-run': bool(false, 'Copy what is missing now, and exit.'),
  'min-time': time('0000-01-01T00:00:00Z', 'Only blocks with data from this time on: RFC 3339, or relative as -6w.'),
  'max-time': time('9999-12-31T23:59:59Z', 'Only blocks with data up to this time: RFC 3339, or relative as -2w.'),
  id: stringList([], 'Only this block, once, whatever the other flags say.'),
  'ignore-marked-for-deletion': bool(false, 'Leave out blocks marked for deletion.'),
} satisfies FlagTable;

export const command = defineCommand({
  name: 'tools bucket replicate',
  summary: 'Copy the blocks of a bucket to another one, every minute or once.',
  flags: replicateFlags,
  async run(values, context) {
    const config = configOf(values);
    const isOnce = values['single-run'] || values.id.length > 0;
    const done = new AbortController();
    let failure: unknown;
    const stop = AbortSignal.any([context.stop, done.signal]);
    const code = await runCommand({
      name: 'replicate',
      values,
      context: { ...context, stop },
      components: async ({ logger, metrics }) => {
        const { env } = context;
        const from = await openBucket({ logger, metrics, env }, values['objstore.config']);
        const to = await openBucket({ logger, metrics, env }, values['objstore-to.config']);
        const replicator = new Replicator({ from, to, logger, metrics }, config);
        const runs: Component = {
          name: 'replication',
          async start(host) {
            host.spawn('runs', async (signal) => {
              for (;;) {
                try {
                  const { copied, present } = await replicator.run(backgroundRequest(signal));
                  logger.info('buckets are compared', { copied, present });
                } catch (thrown) {
                  if (signal.aborted) throw thrown;
                  logger.error('replication failed', { err: messageOf(thrown) });
                  failure = thrown;
                }
                if (isOnce) {
                  done.abort(new Fault('canceled', failure === undefined ? 'all is copied' : 'not all is copied'));
                  return;
                }
                await systemClock.sleep(INTERVAL_MS, signal);
              }
            });
          },
          async stop() {},
        };
        return [
          { name: 'bucket', start: async () => {}, stop: () => from.close() },
          { name: 'other-bucket', start: async () => {}, stop: () => to.close() },
          runs,
        ];
      },
    });
    return isOnce && failure !== undefined ? 1 : code;
  },
});

function configOf(values: FlagValues<typeof replicateFlags>): ReplicatorConfig {
  const bad = values.id.find((id) => !isUlid(id));
  if (bad !== undefined) throw new Fault('invalid', `id is not a valid block ULID, got: ${bad}`);
  const from = values['compaction-min'];
  const count = Math.max(0, values['compaction-max'] - from + 1);
  const levels =
    values.compaction.length > 0
      ? values.compaction.map(levelOf)
      : Array.from({ length: Math.min(count, 1000) }, (_, i) => from + i);
  return {
    resolutions: new Set(values.resolution.map((text) => parseGoDuration(text))),
    levels: new Set(levels),
    matchers: matchersOf(values.matcher),
    minTime: values['min-time'],
    maxTime: values['max-time'],
    ulids: new Set(values.id),
    ignoresMarked: values['ignore-marked-for-deletion'],
  };
}

function levelOf(text: string): number {
  if (!/^\d+$/.test(text)) throw new Fault('invalid', `--compaction: expected a number, got ${JSON.stringify(text)}`);
  return Number(text);
}

/** With braces or without. */
function matchersOf(text: string): readonly Matcher[] {
  const inner = text.trim().replace(/^\{([\s\S]*)\}$/, '$1');
  if (inner.trim() === '') return [];
  try {
    return parseSelector(`{${inner}}`);
  } catch (thrown) {
    throw during('--matcher', thrown);
  }
}
