// /api/v1/status/...: what this process is. Grafana reads buildinfo first to tell what it talks to.

import type { ApiAnswer } from '../../net/http/api.ts';

export interface StatusFacts {
  readonly version: string;
  readonly revision: string;
  /** Flag name -> text as the process was started, configuration contents already redacted. */
  readonly flags: Readonly<Record<string, string>>;
  readonly startTimeMs: number;
  readonly workingDirectory: string;
}

/** No `features`: Grafana would take a non-empty one for a ruler's configuration API. */
export async function handleBuildInfo({ version, revision }: StatusFacts): Promise<ApiAnswer> {
  return { data: { version, revision, branch: '', buildUser: '', buildDate: '', goVersion: '' } };
}

/** `/status/flags`. */
export async function handleFlags({ flags }: StatusFacts): Promise<ApiAnswer> {
  return { data: flags };
}

/** `/status/runtimeinfo`. */
export async function handleRuntimeInfo({ startTimeMs, workingDirectory }: StatusFacts): Promise<ApiAnswer> {
  return {
    data: {
      startTime: new Date(startTimeMs).toISOString(),
      CWD: workingDirectory,
      goroutineCount: 0,
      GOMAXPROCS: 1,
      GOGC: '',
      GODEBUG: '',
      GOMEMLIMIT: 0,
    },
  };
}
