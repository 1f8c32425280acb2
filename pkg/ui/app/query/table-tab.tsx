// The table of a panel: the expression at one moment.

import { type ReactNode, useEffect, useMemo } from 'react';
import { FailureLine } from '../parts/failure-line.tsx';
import type { GraphTabProps } from './graph-tab.tsx';
import { Notes } from './notes.tsx';
import { TimeControls } from './panel-settings.tsx';
import { requestOf } from './request.ts';
import { ResultTable } from './result-table.tsx';
import { RunLine } from './run-line.tsx';
import { useRun } from './use-run.ts';

export function TableTab({ panel, runKey, isLocal, onChange, onFailure }: GraphTabProps): ReactNode {
  const [run, cancel] = useRun(runKey, () => requestOf(panel, false, Date.now()));
  useEffect(() => {
    if (run.failure?.kind === 'bad_data') onFailure(run.failure.message);
  }, [run.failure, onFailure]);
  const answer = run.done?.answer;
  const table = useMemo(
    () =>
      answer && (
        <ResultTable
          result={answer.result}
          filter={panel.filter}
          isLocal={isLocal}
          onFilter={(filter) => onChange({ filter })}
        />
      ),
    [answer, panel.filter, isLocal, onChange],
  );
  return (
    <div>
      <div className="tab-tools">
        <TimeControls panel={panel} isLocal={isLocal} onChange={onChange} label="Time" />
        <RunLine run={run} onCancel={cancel} />
      </div>
      {run.failure !== undefined && <FailureLine failure={run.failure} />}
      {answer !== undefined && (
        <div className={run.isRunning ? 'is-stale' : ''}>
          <Notes warnings={answer.warnings} infos={answer.infos} />
          {table}
        </div>
      )}
      {answer === undefined && run.failure === undefined && (
        <p className="empty">{runKey === '' ? 'Type an expression and press Enter.' : 'Waiting for the answer…'}</p>
      )}
    </div>
  );
}
