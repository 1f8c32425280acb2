// tributary tools bucket verify: looks for what can be wrong with the blocks of a bucket, and repairs it when told to.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { backgroundRequest } from '../../pkg/async/request.ts';
import { MetaFetcher } from '../../pkg/block/fetcher.ts';
import { findIssues, type IssueName, issueNames, repairIssue } from '../../pkg/compact/bucket-issues.ts';
import type { FlagTable } from '../../pkg/config/flag.ts';
import { bool, durationMs, pathOrContent, stringList } from '../../pkg/config/flag-kinds.ts';
import { Fault } from '../../pkg/errors/fault.ts';
import { isUlid } from '../../pkg/model/ulid.ts';
import { openBucket } from '../../pkg/objstore/factory.ts';
import { Metrics } from '../../pkg/telemetry/metrics.ts';
import { defineCommand } from '../command-spec.ts';
import { requiredBucketFlags } from '../flag-groups.ts';

const META_CONCURRENCY = 32;

const verifyFlags = {
  ...requiredBucketFlags,
  'objstore-backup.config': pathOrContent(
    'objstore-backup.config',
    'Configuration of the bucket that gets a copy of each block before it is repaired or removed, as YAML.',
  ),
  repair: bool(false, 'Repair what can be repaired. Needs a bucket for backups.', { short: 'r' }),
  issues: stringList(['index_known_issues', 'overlapped_blocks'], `Issue to look for: ${issueNames.join(', ')}.`, {
    short: 'i',
  }),
  id: stringList([], 'Identifier of a block to look at; all blocks when none is given.'),
  'delete-delay': durationMs(
    '0s',
    'With --repair: 0 deletes replaced blocks at once, anything else marks them for the compactor to delete.',
  ),
} satisfies FlagTable;

export const command = defineCommand({
  name: 'tools bucket verify',
  summary: 'Look for what can be wrong with the blocks of a bucket, and repair it when told to.',
  flags: verifyFlags,
  async run(values, { env, logger, stdout, stop }) {
    const bad = values.id.find((id) => !isUlid(id));
    if (bad !== undefined) throw new Fault('invalid', `id is not a valid block ULID, got: ${bad}`);
    const backupConfig = values['objstore-backup.config'];
    if (values.repair && backupConfig === '') {
      throw new Fault('invalid', 'repair needs a bucket for backups: give --objstore-backup.config');
    }
    const issues = values.issues.map(issueOf);
    const metrics = new Metrics();
    const request = backgroundRequest(stop);
    const bucket = await openBucket({ logger, metrics, env }, values['objstore.config']);
    const workDir = await mkdtemp(join(tmpdir(), 'tributary-verify-'));
    let found = 0;
    try {
      for (const issue of issues) {
        // Each looks at the bucket anew: what was repaired before is not what it was.
        const fetcher = new MetaFetcher(
          { bucket, logger, metrics, filters: [] },
          { strategy: 'concurrent', concurrency: META_CONCURRENCY },
        );
        const { metas, incomplete } = await fetcher.fetch(request);
        if (incomplete !== undefined) throw incomplete;
        const wanted = [...metas.values()].filter(({ ulid }) => values.id.length === 0 || values.id.includes(ulid));
        for await (const finding of findIssues(request, { bucket, logger, workDir }, issue, wanted)) {
          found++;
          const { ulid, text } = finding;
          stdout.write(`${issue} ${ulid}: ${text}\n`);
          logger.warn('issue found', { issue, block: ulid, what: text });
          if (!values.repair) continue;
          if (finding.repair === undefined) {
            logger.warn('this cannot be repaired; to keep it away from compaction mark it no-compact', { block: ulid });
            continue;
          }
          const backup = await openBucket({ logger, metrics: new Metrics(), env }, backupConfig);
          try {
            const deps = { bucket, logger, workDir, backup };
            const made = await repairIssue(request, deps, finding, values['delete-delay']);
            stdout.write(`${issue} ${ulid}: repaired${made === undefined ? ', removed' : ` as ${made}`}\n`);
          } finally {
            await backup.close();
          }
        }
      }
      logger.info('verify task completed', { issues: found });
      return 0;
    } finally {
      await rm(workDir, { recursive: true, force: true });
      await bucket.close();
    }
  },
});

function issueOf(text: string): IssueName {
  const name = issueNames.find((known) => known === text);
  if (name === undefined) throw new Fault('invalid', `no such issue ID ${text}: there are ${issueNames.join(', ')}`);
  return name;
}
