// tributary tools bucket mark: puts a mark on blocks, or takes it away.

import { backgroundRequest } from '../../pkg/async/request.ts';
import { DELETION_MARK_FILE, metaName, NO_COMPACT_MARK_FILE, NO_DOWNSAMPLE_MARK_FILE } from '../../pkg/block/layout.ts';
import { type MarkKind, markName, newMark, writeMark } from '../../pkg/block/marks.ts';
import type { Flag, FlagTable } from '../../pkg/config/flag.ts';
import { bool, choice, string, stringList } from '../../pkg/config/flag-kinds.ts';
import { Fault } from '../../pkg/errors/fault.ts';
import { isUlid } from '../../pkg/model/ulid.ts';
import { openBucket } from '../../pkg/objstore/factory.ts';
import { Metrics } from '../../pkg/telemetry/metrics.ts';
import { defineCommand } from '../command-spec.ts';
import { requiredBucketFlags } from '../flag-groups.ts';

const kinds: Readonly<Record<string, MarkKind>> = {
  [DELETION_MARK_FILE]: 'deletion',
  [NO_COMPACT_MARK_FILE]: 'no-compact',
  [NO_DOWNSAMPLE_MARK_FILE]: 'no-downsample',
};

const markFiles = [DELETION_MARK_FILE, NO_COMPACT_MARK_FILE, NO_DOWNSAMPLE_MARK_FILE] as const;
// A choice has a default; this one must be made.
const marker: Flag<(typeof markFiles)[number]> = {
  ...choice(markFiles, DELETION_MARK_FILE, 'The mark: the name of its file.', { isRequired: true }),
  defaults: [],
};

const markFlags = {
  ...requiredBucketFlags,
  id: stringList([], 'Identifier of a block to mark.', { isRequired: true }),
  marker,
  details: string('', 'Why, in words; kept in the mark. Required unless it is taken away.'),
  remove: bool(false, 'Take the mark away instead.'),
} satisfies FlagTable;

export const command = defineCommand({
  name: 'tools bucket mark',
  summary: 'Put a mark on blocks, or take it away.',
  flags: markFlags,
  async run(values, { env, logger, stop }) {
    const bad = values.id.find((id) => !isUlid(id));
    if (bad !== undefined) throw new Fault('invalid', `id is not a valid block ULID, got: ${bad}`);
    if (!values.remove && values.details === '') {
      throw new Fault('invalid', 'required flag --details or --remove not provided');
    }
    const kind = kinds[values.marker];
    const request = backgroundRequest(stop);
    const bucket = await openBucket({ logger, metrics: new Metrics(), env }, values['objstore.config']);
    try {
      for (const ulid of values.id) {
        if (values.remove) {
          await bucket.delete(request, markName(kind, ulid));
          logger.info('mark is removed', { block: ulid, marker: values.marker });
          continue;
        }
        // A mark beside no block would be a partial upload to everybody else.
        if (!(await bucket.exists(request, metaName(ulid)))) {
          throw new Fault('not-found', `block ${ulid} is not in the bucket`);
        }
        const mark = newMark(kind, ulid, { details: values.details, nowMs: Date.now() });
        if (await writeMark(request, { bucket, logger }, mark)) {
          logger.info('block is marked', { block: ulid, marker: values.marker });
        }
      }
      return 0;
    } finally {
      await bucket.close();
    }
  },
});
