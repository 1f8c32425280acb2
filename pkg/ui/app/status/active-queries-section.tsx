// What runs now, and a way to end it.

import { Button } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import { callApi } from '../api.ts';
import { type Column, DataTable } from '../parts/data-table.tsx';
import { FailureLine } from '../parts/failure-line.tsx';
import { byteText, shortNumber, tookText } from '../parts/text.ts';
import { spanText } from '../parts/time-axis.ts';
import { linkTo, onLinkClick } from '../router.ts';
import { Section } from './section.tsx';
import { type ActiveQuery, activeQueriesOf } from './status.ts';

const API = 'status/active_queries';
const REFRESH_MS = 1_000;

export function ActiveQueriesSection(): ReactNode {
  const client = useQueryClient();
  const [failure, setFailure] = useState<unknown>();
  const cancel = async (id: string): Promise<void> => {
    setFailure(undefined);
    try {
      await callApi(`${API}/${encodeURIComponent(id)}/cancel`, { method: 'POST' });
    } catch (thrown) {
      setFailure(thrown);
    }
    await client.invalidateQueries({ queryKey: [API] });
  };
  return (
    <Section id="queries" title="Active queries" api={API} refreshMs={REFRESH_MS}>
      {(data) => {
        const { queries, maxConcurrent, usedBytes, limitBytes } = activeQueriesOf(data);
        return (
          <>
            {failure !== undefined && <FailureLine failure={failure} />}
            <p className="status-line">
              {queries.filter(({ isWaiting }) => !isWaiting).length}
              {maxConcurrent === undefined ? '' : ` of at most ${maxConcurrent}`} at work,{' '}
              {queries.filter(({ isWaiting }) => isWaiting).length} waiting, {byteText(usedBytes)}
              {limitBytes > 0 ? ` of ${byteText(limitBytes)}` : ''} in use
            </p>
            {queries.length > 0 && (
              <DataTable
                title="Active queries"
                rows={queries}
                columns={columnsOf(cancel)}
                keyOf={({ id }) => id}
                initialSort="-took"
                empty=""
              />
            )}
          </>
        );
      }}
    </Section>
  );
}

function columnsOf(cancel: (id: string) => Promise<void>): readonly Column<ActiveQuery>[] {
  return [
    {
      key: 'query',
      title: 'Query',
      width: 'minmax(220px, 3fr)',
      cell: (query) => (
        <a className="mono status-query" href={linkTo(linkOf(query))} onClick={onLinkClick(linkOf(query))}>
          {query.query}
        </a>
      ),
      sortBy: ({ query }) => query,
    },
    {
      key: 'kind',
      title: 'Kind',
      width: '120px',
      cell: ({ kind, start, end, step }) => (
        <>
          {kind}
          {step !== undefined && start !== undefined && end !== undefined && (
            <div className="muted">
              {spanText((end - start) * 1000)} by {spanText(step * 1000)}
            </div>
          )}
        </>
      ),
      sortBy: ({ kind }) => kind,
    },
    {
      key: 'took',
      title: 'For',
      width: '110px',
      cell: ({ durationMs, isWaiting }) => `${tookText(durationMs)}${isWaiting ? ', waiting' : ''}`,
      sortBy: ({ durationMs }) => durationMs,
    },
    {
      key: 'series',
      title: 'Series',
      width: '80px',
      isNumber: true,
      cell: ({ seriesCount }) => shortNumber(seriesCount),
      sortBy: ({ seriesCount }) => seriesCount,
    },
    {
      key: 'samples',
      title: 'Samples',
      width: '90px',
      isNumber: true,
      cell: ({ sampleCount }) => shortNumber(sampleCount),
      sortBy: ({ sampleCount }) => sampleCount,
    },
    {
      key: 'memory',
      title: 'Memory',
      width: '90px',
      isNumber: true,
      cell: ({ bytes }) => byteText(bytes),
      sortBy: ({ bytes }) => bytes,
    },
    { key: 'tenant', title: 'Tenant', width: '120px', cell: ({ tenant }) => tenant, sortBy: ({ tenant }) => tenant },
    {
      key: 'cancel',
      title: '',
      width: '90px',
      cell: ({ id, query }) => (
        <Button size="compact-xs" variant="light" color="red" aria-label={`Cancel ${query}`} onClick={() => cancel(id)}>
          Cancel
        </Button>
      ),
    },
  ];
}

/** The same query on the query page. */
function linkOf({ query, kind }: ActiveQuery): string {
  return `graph?${new URLSearchParams({ 'g0.expr': query, 'g0.tab': kind === 'range' ? '0' : '1' })}`;
}
