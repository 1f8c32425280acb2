// Every endpoint as a row: how it is, what it announces, when it was asked last.

import { type ReactNode, useState } from 'react';
import { type Column, DataTable } from '../parts/data-table.tsx';
import { LabelSet } from '../parts/label-set.tsx';
import { timeText } from '../parts/text.ts';
import { agoText } from '../parts/time-axis.ts';
import { useSettings } from '../settings.ts';
import type { StoreEntry } from './stores.ts';

interface StoreTableProps {
  readonly stores: readonly StoreEntry[];
  readonly nowMs: number;
  readonly isFiltered: boolean;
}

export function StoreTable({ stores, nowMs, isFiltered }: StoreTableProps): ReactNode {
  const [{ localTime }] = useSettings();
  const when = (ms: number): string => timeText(Math.round(ms / 1000) * 1000, localTime).slice(0, 16);
  const columns: readonly Column<StoreEntry>[] = [
    {
      key: 'state',
      title: 'State',
      width: '92px',
      cell: (store) => <State store={store} />,
      sortBy: (store) => store.state,
    },
    {
      key: 'name',
      title: 'Endpoint',
      width: 'minmax(150px, 1fr)',
      cell: ({ name }) => name,
      sortBy: ({ name }) => name,
    },
    {
      key: 'component',
      title: 'Component',
      width: '105px',
      cell: (store) => kindText(store),
      sortBy: ({ component }) => component,
    },
    {
      key: 'labels',
      title: 'Label sets',
      width: 'minmax(200px, 2fr)',
      cell: ({ labelSets }) => <LabelSets sets={labelSets} />,
      sortBy: ({ labelSets }) => JSON.stringify(labelSets),
    },
    {
      key: 'from',
      title: 'From',
      width: '142px',
      cell: ({ hasStore, minTime, maxTime }) =>
        hasStore ? limitText(minTime, maxTime, when(minTime), 'the beginning') : '',
      sortBy: ({ minTime }) => minTime,
    },
    {
      key: 'to',
      title: 'To',
      width: '142px',
      cell: ({ hasStore, minTime, maxTime }) => (hasStore ? limitText(maxTime, minTime, when(maxTime), 'now') : ''),
      sortBy: ({ maxTime }) => maxTime,
    },
    {
      key: 'check',
      title: 'Last check',
      width: '130px',
      cell: (store) => <Checked store={store} nowMs={nowMs} when={when} />,
      sortBy: ({ lastCheckMs }) => -(lastCheckMs ?? 0),
    },
    {
      key: 'error',
      title: 'Last error',
      width: 'minmax(180px, 2fr)',
      cell: ({ lastError }) => lastError,
      sortBy: ({ lastError }) => (lastError === '' ? '\uffff' : lastError),
    },
  ];
  return (
    <DataTable
      title="Endpoints"
      rows={stores}
      columns={columns}
      keyOf={({ name, component }) => `${component} ${name}`}
      empty={
        isFiltered
          ? 'No endpoint fits the filter.'
          : 'No endpoint is configured: give --endpoint=HOST:PORT to the querier.'
      }
    />
  );
}

function State({ store: { state } }: { readonly store: StoreEntry }): ReactNode {
  return (
    <span className={`state state-${state}`}>
      <span aria-hidden="true">{state === 'up' ? '●' : state === 'down' ? '▲' : '○'}</span> {state}
    </span>
  );
}

function kindText({ component, isStrict, isDiscovered }: StoreEntry): ReactNode {
  const how = isStrict ? 'strict' : isDiscovered ? 'discovered' : '';
  return (
    <>
      {component === 'unknown-store-api' ? 'unknown' : component}
      {how !== '' && <div className="muted">{how}</div>}
    </>
  );
}

/** Sets shown before somebody asks for all of them. */
const FEW = 3;

function LabelSets({ sets }: { readonly sets: StoreEntry['labelSets'] }): ReactNode {
  const [isOpen, setOpen] = useState(false);
  if (sets.length === 0) return <span className="muted">none</span>;
  const shown = isOpen ? sets : sets.slice(0, FEW);
  return (
    <div className="label-sets">
      {shown.map((labels) => (
        <LabelSet key={JSON.stringify(labels)} labels={labels} />
      ))}
      {sets.length > FEW && (
        <button type="button" className="link-button" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
          {isOpen ? 'fewer' : `${sets.length - FEW} more`}
        </button>
      )}
    </div>
  );
}

function Checked({
  store: { lastCheckMs, lastAnswerMs, state },
  nowMs,
  when,
}: {
  readonly store: StoreEntry;
  readonly nowMs: number;
  readonly when: (ms: number) => string;
}): ReactNode {
  const ago = (ms: number): ReactNode => (
    <time dateTime={new Date(ms).toISOString()} title={when(ms)}>
      {agoText(nowMs - ms)} ago
    </time>
  );
  return (
    <>
      {lastCheckMs === undefined ? 'never' : state === 'left' ? <>left {ago(lastCheckMs)}</> : ago(lastCheckMs)}
      {state !== 'up' && (
        <div className="muted">{lastAnswerMs === undefined ? 'never answered' : <>answered {ago(lastAnswerMs)}</>}</div>
      )}
    </>
  );
}

/** A limit of the calendar, or beyond, is none. */
function limitText(limit: number, other: number, text: string, open: string): ReactNode {
  const isEmpty = open === 'now' ? limit < other : other < limit;
  if (isEmpty) return <span className="muted">no data</span>;
  return limit <= 0 || limit >= 8.64e15 ? <span className="muted">{open}</span> : text;
}
