// An answer as a table: a row for each series, only those in sight are there.

import { CloseButton, TextInput } from '@mantine/core';
import { useVirtualizer } from '@tanstack/react-virtual';
import { type ReactNode, useMemo, useRef } from 'react';
import { shortNumber, timeText } from '../parts/text.ts';
import { valueText } from './csv.ts';
import type { HistogramPoint, QueryResult, SeriesLabels } from './decode.ts';
import { seriesFilter, seriesText } from './series-text.ts';

export interface ResultTableProps {
  readonly result: QueryResult;
  readonly filter: string;
  readonly isLocal: boolean;
  readonly onFilter: (filter: string) => void;
}

/** Few rows need no filter. */
const MANY_ROWS = 8;
/** A range of a selector may be long: the rest is in the download. */
const MOST_POINTS = 100;

export function ResultTable({ result, filter, isLocal, onFilter }: ResultTableProps): ReactNode {
  const scroller = useRef<HTMLDivElement>(null);
  const shown = useMemo(() => {
    const keeps = seriesFilter(filter);
    const indexes = result.labels.map((_, i) => i);
    return filter.trim() === '' ? indexes : indexes.filter((i) => keeps(seriesText(result.labels[i])));
  }, [result, filter]);
  const rows = useVirtualizer({
    count: shown.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => 29,
    overscan: 12,
    getItemKey: (index) => shown[index],
  });
  if (result.labels.length === 0) return <p className="empty">The answer has no series.</p>;
  const count = result.labels.length.toLocaleString('en');
  return (
    <div>
      {(result.labels.length > MANY_ROWS || filter !== '') && (
        <div className="legend-tools">
          <TextInput
            size="xs"
            aria-label="Filter rows"
            placeholder="Filter: words, -not, /regexp/"
            value={filter}
            onChange={(event) => onFilter(event.currentTarget.value)}
            rightSection={
              filter === '' ? null : (
                <CloseButton size="xs" aria-label="Clear the filter" onClick={() => onFilter('')} />
              )
            }
          />
          <span className="legend-count" role="status">
            {shown.length === result.labels.length
              ? `${count} series`
              : `${shown.length.toLocaleString('en')} of ${count} series`}
          </span>
        </div>
      )}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable with the keyboard. */}
      <section ref={scroller} className="result-rows" aria-label="Result" tabIndex={0}>
        <ul className="result-list" style={{ height: rows.getTotalSize() }}>
          {rows.getVirtualItems().map(({ index, start, key }) => (
            <li
              key={key}
              ref={rows.measureElement}
              data-index={index}
              aria-setsize={shown.length}
              aria-posinset={index + 1}
              className="result-row"
              style={{ transform: `translateY(${start}px)` }}
            >
              <div className="result-series">
                <SeriesName labels={result.labels[shown[index]]} kind={result.kind} />
              </div>
              <div className="result-value">
                <Values result={result} series={shown[index]} isLocal={isLocal} />
              </div>
            </li>
          ))}
        </ul>
      </section>
    </div>
  );
}

function SeriesName({
  labels,
  kind,
}: {
  readonly labels: SeriesLabels;
  readonly kind: QueryResult['kind'];
}): ReactNode {
  if (kind === 'scalar' || kind === 'string') return <span className="series-name">{kind}</span>;
  const pairs = Object.entries(labels).filter(([name]) => name !== '__name__');
  const name = labels['__name__'];
  return (
    <span className="mono">
      <span className="series-name">{name ?? ''}</span>
      {(pairs.length > 0 || name === undefined) && '{'}
      {pairs.map(([label, value], i) => (
        <span key={label}>
          {i > 0 && ', '}
          <span className="series-label">{label}</span>=<span className="series-text">{JSON.stringify(value)}</span>
        </span>
      ))}
      {(pairs.length > 0 || name === undefined) && '}'}
    </span>
  );
}

function Values({
  result,
  series,
  isLocal,
}: {
  readonly result: QueryResult;
  readonly series: number;
  readonly isLocal: boolean;
}): ReactNode {
  const [from, to] = [result.offsets[series], result.offsets[series + 1]];
  const histograms = result.histograms?.[series] ?? [];
  if (result.kind !== 'matrix') {
    return histograms.length > 0 ? <HistogramCell histogram={histograms[0]} /> : (result.texts[from] ?? '');
  }
  const points: ReactNode[] = [];
  for (let i = from; i < Math.min(to, from + MOST_POINTS); i++) {
    points.push(
      <div key={i}>
        {valueText(result.values[i])} <span className="at">@ {timeText(result.times[i], isLocal)}</span>
      </div>,
    );
  }
  for (const histogram of histograms.slice(0, MOST_POINTS)) {
    points.push(
      <div key={`h${histogram.timeMs}`}>
        <HistogramCell histogram={histogram} /> <span className="at">@ {timeText(histogram.timeMs, isLocal)}</span>
      </div>,
    );
  }
  const more = to - from + histograms.length - points.length;
  return (
    <>
      {points}
      {more > 0 && <div className="at">{more.toLocaleString('en')} more are in the downloads</div>}
    </>
  );
}

/** Count and sum, and the shape as bars. */
function HistogramCell({ histogram }: { readonly histogram: HistogramPoint }): ReactNode {
  const { buckets, count, sum } = histogram;
  let max = 0;
  for (let i = 2; i < buckets.length; i += 3) max = Math.max(max, buckets[i]);
  const bars: ReactNode[] = [];
  for (let i = 0; i < buckets.length && bars.length < 60; i += 3) {
    const text = `${shortNumber(buckets[i])} to ${shortNumber(buckets[i + 1])}: ${valueText(buckets[i + 2])}`;
    bars.push(
      <i
        key={i}
        className="histogram-bar"
        title={text}
        style={{ height: `${max > 0 ? Math.max((buckets[i + 2] / max) * 100, 4) : 4}%` }}
      />,
    );
  }
  return (
    <span className="histogram-cell">
      <span className="bars" role="img" aria-label={`${buckets.length / 3} buckets`}>
        {bars}
      </span>
      count {valueText(count)}, sum {valueText(sum)}
    </span>
  );
}
