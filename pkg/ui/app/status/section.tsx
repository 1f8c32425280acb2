// One part of the status page: asks for its data alone, so that one that is slow or fails leaves the others as they are.

import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { callApi } from '../api.ts';
import type { ApiParameters } from '../fetch-answer.ts';
import { FailureLine, NoteLine } from '../parts/failure-line.tsx';
import { Waiting } from '../parts/waiting.tsx';

interface SectionProps {
  readonly id: string;
  readonly title: string;
  /** Below `/api/v1`. */
  readonly api: string;
  readonly parameters?: ApiParameters;
  readonly refreshMs?: number;
  /** Beside the title. */
  readonly tools?: ReactNode;
  children(data: unknown): ReactNode;
}

export function Section({ id, title, api, parameters, refreshMs, tools, children }: SectionProps): ReactNode {
  const { data, error, isPending, refetch } = useQuery({
    queryKey: [api, parameters],
    queryFn: ({ signal }) => callApi<unknown>(api, { signal, ...(parameters === undefined ? {} : { parameters }) }),
    refetchInterval: (query) => (refreshMs === undefined || query.state.status === 'error' ? false : refreshMs),
  });
  return (
    <section id={id} aria-label={title} className="status-section">
      <div className="status-head">
        <h2>{title}</h2>
        {tools}
      </div>
      {error !== null && (
        <div className="status-failure">
          <FailureLine failure={error} />
          <button type="button" className="link-button" onClick={() => refetch()}>
            Ask again
          </button>
        </div>
      )}
      {data?.warnings.map((warning) => (
        <NoteLine key={warning} kind="warning">
          {warning}
        </NoteLine>
      ))}
      <Waiting isPending={isPending} what={title.toLowerCase()} />
      {data !== undefined && children(data.data)}
    </section>
  );
}
