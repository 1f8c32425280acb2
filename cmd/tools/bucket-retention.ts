// tributary tools bucket retention: marks blocks past their retention for deletion, once.

import { backgroundRequest } from '../../pkg/async/request.ts';
import type { FlagTable } from '../../pkg/config/flag.ts';
import { durationMs, goDurationMs } from '../../pkg/config/flag-kinds.ts';
import { defineCommand } from '../command-spec.ts';
import { cleaningFlags, withCleaningCompactor } from './cleaning-compactor.ts';

const retentionFlags = {
  ...cleaningFlags,
  'delete-delay': goDurationMs(
    '48h',
    'Time from a deletion mark to the deletion: blocks marked half of it ago are hidden.',
  ),
  'retention.resolution-raw': durationMs('0d', 'Keep raw blocks this long; 0d is for ever.'),
  'retention.resolution-5m': durationMs('0d', 'Keep blocks of 5m resolution this long; 0d is for ever.'),
  'retention.resolution-1h': durationMs('0d', 'Keep blocks of 1h resolution this long; 0d is for ever.'),
} satisfies FlagTable;

export const command = defineCommand({
  name: 'tools bucket retention',
  summary: 'Mark blocks past their retention for deletion, once.',
  flags: retentionFlags,
  async run(values, context) {
    const retention = {
      rawMs: values['retention.resolution-raw'],
      fiveMinutesMs: values['retention.resolution-5m'],
      oneHourMs: values['retention.resolution-1h'],
    };
    await withCleaningCompactor(values, context, retention, (compactor) =>
      compactor.retain(backgroundRequest(context.stop)),
    );
    context.logger.info('retention is applied');
    return 0;
  },
});
