// What /api/v1/status tells of this process.

import type { FlagTable } from '../pkg/config/flag.ts';
import type { StatusFacts } from '../pkg/net/http/status-routes.ts';
import { flagTexts } from './flag-texts.ts';
import { buildFacts } from './version.ts';

/** The facts of a process that starts now, with the flags it was given. */
export function statusFacts(
  component: string,
  values: Readonly<Record<string, unknown>>,
  flags: FlagTable,
): StatusFacts {
  const { version, revision } = buildFacts();
  return {
    component,
    version,
    revision,
    flags: flagTexts(values, flags),
    startTimeMs: Date.now(),
    workingDirectory: process.cwd(),
  };
}
