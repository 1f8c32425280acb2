// How many series there are, and what they come from.

import { NativeSelect } from '@mantine/core';
import { type ReactNode, useState } from 'react';
import { byteText, shortNumber, timeText } from '../parts/text.ts';
import { useSettings } from '../settings.ts';
import { Section } from './section.tsx';
import { type Cardinality, type Counted, cardinalityOf } from './status.ts';

export function CardinalitySection(): ReactNode {
  const [limit, setLimit] = useState('10');
  return (
    <Section
      id="cardinality"
      title="Cardinality"
      api="status/tsdb"
      parameters={{ limit }}
      tools={
        <NativeSelect
          size="xs"
          aria-label="Rows of each table"
          value={limit}
          onChange={(event) => setLimit(event.currentTarget.value)}
          data={['10', '50', '200']}
        />
      }
    >
      {(data) => <Tables cardinality={cardinalityOf(data)} />}
    </Section>
  );
}

function Tables({ cardinality }: { readonly cardinality: Cardinality }): ReactNode {
  const [{ localTime }] = useSettings();
  const { seriesCount, labelPairCount, chunkCount, minTime, maxTime, tables } = cardinality;
  return (
    <>
      <p className="status-line">
        <b>{seriesCount.toLocaleString('en')}</b> series, <b>{labelPairCount.toLocaleString('en')}</b> label pairs,{' '}
        <b>{chunkCount.toLocaleString('en')}</b> chunks in the heads of all endpoints that tell
        {minTime > 0 && maxTime >= minTime && maxTime < 8.64e15 && (
          <>
            , from {timeText(minTime, localTime)} to {timeText(maxTime, localTime)}
          </>
        )}
        . Replicas count each for itself.
      </p>
      <div className="status-columns">
        {tables.map(({ key, title, unit, rows }) => (
          <table key={key} className="counted">
            <caption>{title}</caption>
            <tbody>
              {rows.length === 0 && (
                <tr>
                  <td className="muted">none told</td>
                </tr>
              )}
              {rows.map((row) => (
                <CountedRow key={row.name} row={row} most={rows[0].value} unit={unit} />
              ))}
            </tbody>
          </table>
        ))}
      </div>
    </>
  );
}

function CountedRow({
  row,
  most,
  unit,
}: {
  readonly row: Counted;
  readonly most: number;
  readonly unit: string;
}): ReactNode {
  return (
    <tr>
      <th scope="row" className="mono">
        {row.name}
        <span className="counted-bar" style={{ width: `${most > 0 ? (100 * row.value) / most : 0}%` }} />
      </th>
      <td title={`${row.value.toLocaleString('en')} ${unit}`}>
        {unit === 'bytes' ? byteText(row.value) : shortNumber(row.value)}
      </td>
    </tr>
  );
}
