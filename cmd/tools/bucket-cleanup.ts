// tributary tools bucket cleanup: deletes partial uploads, and blocks whose deletion mark is old enough.

import { backgroundRequest } from '../../pkg/async/request.ts';
import { defineCommand } from '../command-spec.ts';
import { cleaningFlags, withCleaningCompactor } from './cleaning-compactor.ts';

export const command = defineCommand({
  name: 'tools bucket cleanup',
  summary: 'Delete partial uploads, and blocks whose deletion mark is old enough.',
  flags: cleaningFlags,
  async run(values, context) {
    await withCleaningCompactor(values, context, undefined, (compactor) =>
      compactor.clean(backgroundRequest(context.stop)),
    );
    context.logger.info('cleanup is done');
    return 0;
  },
});
