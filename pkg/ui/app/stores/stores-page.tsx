// The stores page: who covers what and when, and how every endpoint is.

import { Button, Group, SegmentedControl, Stack, Switch, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { type ReactNode, useMemo } from 'react';
import { callApi } from '../api.ts';
import { facts } from '../facts.ts';
import { FailureLine, NoteLine } from '../parts/failure-line.tsx';
import { RefreshIcon } from '../parts/icons.tsx';
import type { Interval } from '../parts/intervals.ts';
import { parseLabelFilter } from '../parts/label-filter.ts';
import { useLinkParameters } from '../parts/link-parameters.ts';
import { numberOf } from '../parts/link-search.ts';
import { Waiting } from '../parts/waiting.tsx';
import { streamsOf, wholeRange } from './coverage.ts';
import { CoverageTimeline } from './coverage-timeline.tsx';
import { labelFindings } from './hygiene.ts';
import { StoreTable } from './store-table.tsx';
import { type StoreEntry, type StoreState, storesOf, storeText } from './stores.ts';
import './stores.css';

const REFRESH_MS = 5_000;

export function StoresPage(): ReactNode {
  const [parameters, change] = useLinkParameters();
  const { data, error, isFetching, isPending, refetch, dataUpdatedAt } = useQuery({
    queryKey: ['stores'],
    queryFn: ({ signal }) => callApi<unknown>('stores', { parameters: { details: true }, signal }),
    // A failure is shown until somebody asks again: an endpoint that is slow or broken is not asked on and on.
    refetchInterval: (query) => (query.state.status === 'error' ? false : REFRESH_MS),
  });
  const stores = useMemo(() => storesOf(data?.data), [data]);
  const typed = parameters.get('q') ?? '';
  const filter = useMemo(() => parseLabelFilter(typed), [typed]);
  const state = stateOf(parameters.get('state'));
  const matching = useMemo(
    () => stores.filter((store) => matches(store, filter.matches) && (state === 'all' || store.state === state)),
    [stores, filter, state],
  );
  const findings = useMemo(() => labelFindings(stores, facts.query.replicaLabels), [stores]);
  const nowMs = dataUpdatedAt === 0 ? Date.now() : dataUpdatedAt;
  return (
    <Stack gap="sm">
      <Group gap="sm" className="page-head">
        <h1>Stores</h1>
        <Counts stores={stores} />
        <Button
          variant="default"
          size="compact-sm"
          ml="auto"
          leftSection={<RefreshIcon />}
          loading={isFetching && !isPending}
          onClick={() => refetch()}
        >
          Refresh
        </Button>
      </Group>
      {error !== null && (
        <>
          <FailureLine failure={error} />
          {data !== undefined && <NoteLine kind="info">What was seen before is shown below.</NoteLine>}
        </>
      )}
      {data?.warnings.map((warning) => (
        <NoteLine key={warning} kind="warning">
          {warning}
        </NoteLine>
      ))}
      {findings.map((finding) => (
        <NoteLine key={finding} kind="warning">
          {finding}
        </NoteLine>
      ))}
      <Waiting isPending={isPending} what="the list of stores" />
      {data !== undefined && (
        <>
          <Group gap="sm">
            <TextInput
              className="page-filter"
              aria-label="Filter by words or labels"
              placeholder='words, or cluster="eu", region=~"us-.*"'
              value={typed}
              error={filter.error}
              onChange={(event) => change({ q: event.currentTarget.value })}
            />
            <SegmentedControl
              size="xs"
              aria-label="State"
              value={state}
              onChange={(value) => change({ state: value === 'all' ? undefined : value })}
              data={[
                { value: 'all', label: 'All' },
                { value: 'up', label: 'Up' },
                { value: 'down', label: 'Down' },
                { value: 'left', label: 'Left' },
              ]}
            />
          </Group>
          <Coverage stores={matching} nowMs={nowMs} parameters={parameters} change={change} />
          <h2>Endpoints</h2>
          <StoreTable stores={matching} nowMs={nowMs} isFiltered={matching.length < stores.length} />
        </>
      )}
    </Stack>
  );
}

interface CoverageProps {
  readonly stores: readonly StoreEntry[];
  readonly nowMs: number;
  readonly parameters: URLSearchParams;
  readonly change: ReturnType<typeof useLinkParameters>[1];
}

function Coverage({ stores, nowMs, parameters, change }: CoverageProps): ReactNode {
  const whole = useMemo(() => wholeRange(stores, nowMs), [stores, nowMs]);
  const streams = useMemo(() => streamsOf(stores, facts.query.replicaLabels, whole), [stores, whole]);
  const from = numberOf(parameters.get('from'));
  const to = numberOf(parameters.get('to'));
  const range: Interval = from !== undefined && to !== undefined && to > from ? { from, to } : whole;
  const showsParts = parameters.get('rows') !== 'streams';
  const holeCount = streams.reduce((sum, { holes }) => sum + holes.length, 0);
  return (
    <>
      <Group gap="sm">
        <h2>Coverage</h2>
        <span className={holeCount > 0 ? 'count-bad' : 'count-good'}>
          {streams.length} {streams.length === 1 ? 'stream' : 'streams'},{' '}
          {holeCount === 0 ? 'no holes' : holeCount === 1 ? '1 hole' : `${holeCount} holes`}
        </span>
        <Switch
          size="xs"
          ml="auto"
          label="Each endpoint"
          checked={showsParts}
          onChange={(event) => change({ rows: event.currentTarget.checked ? undefined : 'streams' })}
        />
      </Group>
      <CoverageTimeline
        streams={streams}
        range={range}
        whole={whole}
        nowMs={nowMs}
        showsParts={showsParts}
        onRange={(next) => change({ from: next && String(next.from), to: next && String(next.to) }, { asStep: true })}
      />
    </>
  );
}

function Counts({ stores }: { readonly stores: readonly StoreEntry[] }): ReactNode {
  const count = (state: StoreState): number => stores.filter((store) => store.state === state).length;
  const [up, down, left] = [count('up'), count('down'), count('left')];
  return (
    <span className="counts">
      <span className="count-good">{up} up</span>
      {down > 0 && <span className="count-bad">{down} down</span>}
      {left > 0 && <span className="count-left">{left} left</span>}
    </span>
  );
}

function matches(store: StoreEntry, test: ReturnType<typeof parseLabelFilter>['matches']): boolean {
  const text = storeText(store);
  return (store.labelSets.length === 0 ? [{}] : store.labelSets).some((labels) => test(labels, text));
}

function stateOf(text: string | null): StoreState | 'all' {
  return text === 'up' || text === 'down' || text === 'left' ? text : 'all';
}
