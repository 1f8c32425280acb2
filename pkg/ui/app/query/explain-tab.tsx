// The explain tab: the plan at once, then the same plan with what each operator did and what each store answered.

import { SegmentedControl, Table } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { type CSSProperties, type ReactNode, useMemo, useState } from 'react';
import { callApi } from '../api.ts';
import { hasApi } from '../facts.ts';
import { FailureLine, NoteLine } from '../parts/failure-line.tsx';
import { byteText, shortNumber, tookText } from '../parts/text.ts';
import { Notes } from './notes.tsx';
import type { Panel } from './panel.ts';
import { type PlanRow, planRows, storeTotals } from './plan.ts';
import { type QueryRequest, requestOf } from './request.ts';
import { RunLine } from './run-line.tsx';
import { useRun } from './use-run.ts';

export function ExplainTab({ panel, runKey }: { readonly panel: Panel; readonly runKey: string }): ReactNode {
  const [isRange, setIsRange] = useState(true);
  const key = runKey === '' ? '' : `${isRange} ${runKey}`;
  const make = (): QueryRequest => {
    const request = requestOf(panel, isRange, Date.now());
    // Plans and measured runs are asked for by the name of the reference's engine that has them.
    return { ...request, parameters: { ...request.parameters, engine: 'thanos', analyze: true } };
  };
  const [run, cancel] = useRun(key, make);
  const planPath = isRange ? 'query_range_explain' : 'query_explain';
  const plan = useQuery({
    queryKey: ['plan', key],
    enabled: key !== '' && hasApi(`/api/v1/${planPath}`),
    staleTime: Infinity,
    queryFn: ({ signal }) => callApi<unknown>(planPath, { method: 'POST', parameters: make().parameters, signal }),
  });
  const answer = run.done?.answer;
  const measured = useMemo(() => planRows(answer?.analysis), [answer]);
  const planned = useMemo(() => planRows(plan.data?.data), [plan.data]);
  if (key === '') return <p className="empty">Run an expression to see its plan.</p>;
  const rows = measured.length > 0 ? measured : planned;
  return (
    <div>
      <div className="tab-tools">
        <SegmentedControl
          size="xs"
          aria-label="Which query is explained"
          value={isRange ? 'range' : 'instant'}
          onChange={(value) => setIsRange(value === 'range')}
          data={[
            { value: 'range', label: 'The graph' },
            { value: 'instant', label: 'The table' },
          ]}
        />
        <RunLine run={run} onCancel={cancel} />
      </div>
      {run.failure !== undefined && <FailureLine failure={run.failure} />}
      {plan.isError && run.failure === undefined && <FailureLine failure={plan.error} />}
      {answer !== undefined && <Notes warnings={answer.warnings} infos={answer.infos} />}
      {answer !== undefined && measured.length === 0 && (
        <NoteLine kind="info">The server measured nothing for this query.</NoteLine>
      )}
      {rows.length > 0 && <PlanTable rows={rows} isMeasured={measured.length > 0} />}
      {measured.length > 0 && <StoreTable rows={measured} />}
    </div>
  );
}

function PlanTable({
  rows,
  isMeasured,
}: {
  readonly rows: readonly PlanRow[];
  readonly isMeasured: boolean;
}): ReactNode {
  const [closed, setClosed] = useState<ReadonlySet<string>>(new Set());
  const longestMs = rows.reduce((max, row) => Math.max(max, row.selfMs ?? 0), 0);
  const isHidden = (id: string): boolean => [...closed].some((one) => id.startsWith(`${one}.`));
  const toggle = (id: string): void => {
    const next = new Set(closed);
    if (!next.delete(id)) next.add(id);
    setClosed(next);
  };
  return (
    <div className="wide">
      <Table className="plan" aria-label={isMeasured ? 'Plan, measured' : 'Plan'} fz="sm" verticalSpacing={5}>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Operator</Table.Th>
            {isMeasured && (
              <>
                <Table.Th className="number" title="Without the operators below">
                  Own time
                </Table.Th>
                <Table.Th className="number">Total time</Table.Th>
                <Table.Th className="number">Series</Table.Th>
                <Table.Th className="number" title="Looked at, with the operators below">
                  Samples
                </Table.Th>
                <Table.Th className="number" title="The most samples held at once">
                  Peak samples
                </Table.Th>
                <Table.Th className="number">Peak memory</Table.Th>
              </>
            )}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {rows
            .filter((row) => !isHidden(row.id))
            .map((row) => (
              <Table.Tr key={row.id}>
                <Table.Td>
                  <div className="plan-node" style={{ '--depth': row.depth } as CSSProperties}>
                    {row.hasChildren ? (
                      <button
                        type="button"
                        className="plan-toggle"
                        aria-expanded={!closed.has(row.id)}
                        aria-label={`What is below ${row.operator}`}
                        onClick={() => toggle(row.id)}
                      >
                        {closed.has(row.id) ? '▸' : '▾'}
                      </button>
                    ) : (
                      <span className="plan-toggle" />
                    )}
                    <span>
                      <b>{row.operator}</b> <span className="mono plan-details">{row.details}</span>
                      {selectText(row) !== '' && <div className="plan-select">{selectText(row)}</div>}
                    </span>
                  </div>
                </Table.Td>
                {isMeasured && (
                  <>
                    <Table.Td className="number">
                      {row.selfMs === undefined ? '–' : tookText(row.selfMs)}
                      <div
                        className="bar"
                        style={{ width: `${longestMs > 0 ? ((row.selfMs ?? 0) / longestMs) * 100 : 0}%` }}
                      />
                    </Table.Td>
                    <Table.Td className="number">{row.totalMs === undefined ? '–' : tookText(row.totalMs)}</Table.Td>
                    <Table.Td className="number">{countText(row.series)}</Table.Td>
                    <Table.Td className="number">{countText(row.samples)}</Table.Td>
                    <Table.Td className="number">{countText(row.peakSamples)}</Table.Td>
                    <Table.Td className="number">
                      {row.peakBytes === undefined ? '–' : byteText(row.peakBytes)}
                    </Table.Td>
                  </>
                )}
              </Table.Tr>
            ))}
        </Table.Tbody>
      </Table>
    </div>
  );
}

function StoreTable({ rows }: { readonly rows: readonly PlanRow[] }): ReactNode {
  const totals = storeTotals(rows);
  if (totals.length === 0) return <p className="empty">No store was asked.</p>;
  const longestMs = totals[0].tookMs;
  return (
    <div className="wide">
      <Table className="plan" aria-label="What each store answered" fz="sm" verticalSpacing={5} mt="md">
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Store</Table.Th>
            <Table.Th className="number">Took</Table.Th>
            <Table.Th className="number">Fetches</Table.Th>
            <Table.Th className="number">Series</Table.Th>
            <Table.Th className="number">Chunks</Table.Th>
            <Table.Th className="number">Samples</Table.Th>
            <Table.Th className="number">Received</Table.Th>
            <Table.Th>Error</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {totals.map((store) => (
            <Table.Tr key={store.address}>
              <Table.Td className="mono">{store.address}</Table.Td>
              <Table.Td className="number">
                {tookText(store.tookMs)}
                <div className="bar" style={{ width: `${longestMs > 0 ? (store.tookMs / longestMs) * 100 : 0}%` }} />
              </Table.Td>
              <Table.Td className="number">{store.fetches}</Table.Td>
              <Table.Td className="number">{countText(store.series)}</Table.Td>
              <Table.Td className="number">{countText(store.chunks)}</Table.Td>
              <Table.Td className="number">{countText(store.samples)}</Table.Td>
              <Table.Td className="number">{byteText(store.bytes)}</Table.Td>
              <Table.Td className="store-error">{store.error}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </div>
  );
}

/** What is asked of the stores, as far as the plan tells. */
function selectText({ select }: PlanRow): string {
  if (select === undefined) return '';
  const parts: string[] = [];
  if (typeof select['func'] === 'string' && select['func'] !== '') parts.push(`hint ${select['func']}`);
  if (typeof select['rangeMs'] === 'number' && select['rangeMs'] > 0)
    parts.push(`range ${tookText(select['rangeMs'])}`);
  if (select['shared'] === true) parts.push('fetched once with another selector');
  return parts.join(' · ');
}

function countText(count: number | undefined): string {
  return count === undefined ? '–' : count < 10_000 ? String(count) : shortNumber(count);
}
