// The list of series below a graph: copes with ten thousand. A filter and an order choose what is listed and drawn; a
// click shows one series alone, with Ctrl or Shift it adds and takes away.

import { CloseButton, NativeSelect, TextInput } from '@mantine/core';
import { useVirtualizer } from '@tanstack/react-virtual';
import { type KeyboardEvent, type MouseEvent, type ReactNode, useRef, useState } from 'react';
import { shortNumber } from '../parts/text.ts';
import { colourOf } from './axis-text.ts';
import type { SeriesFigures } from './graph-data.ts';
import type { SortKey } from './panel.ts';

export interface LegendProps {
  readonly figures: readonly SeriesFigures[];
  /** Without what all series share. */
  readonly shortTextOf: (series: number) => string;
  readonly shared: string;
  /** What is listed, in order. */
  readonly order: readonly number[];
  readonly drawn: ReadonlySet<number>;
  readonly filter: string;
  readonly sort: SortKey;
  readonly picked: readonly string[];
  readonly isDark: boolean;
  readonly onFilter: (filter: string) => void;
  readonly onSort: (sort: SortKey) => void;
  readonly onPick: (picked: readonly string[]) => void;
}

const ROW_PX = 25;
const SORTS: readonly { readonly value: SortKey; readonly label: string }[] = [
  { value: 'name', label: 'by name' },
  { value: 'last', label: 'by last value' },
  { value: 'max', label: 'by largest value' },
  { value: 'mean', label: 'by mean' },
  { value: 'min', label: 'by least value' },
];

export function Legend(props: LegendProps): ReactNode {
  const { figures, order, drawn, filter, picked, isDark } = props;
  const scroller = useRef<HTMLDivElement>(null);
  const [active, setActive] = useState(0);
  const rows = useVirtualizer({
    count: order.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_PX,
    overscan: 10,
  });
  const pick = (series: number, adds: boolean): void => {
    const { text } = figures[series];
    if (adds) props.onPick(picked.includes(text) ? picked.filter((one) => one !== text) : [...picked, text]);
    else props.onPick(picked.length === 1 && picked[0] === text ? [] : [text]);
  };
  const move = (to: number): void => {
    const next = Math.min(Math.max(to, 0), order.length - 1);
    setActive(next);
    rows.scrollToIndex(next);
    // The row may have to be made first.
    requestAnimationFrame(() => scroller.current?.querySelector<HTMLElement>(`[data-row="${next}"]`)?.focus());
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    const target = {
      ArrowDown: active + 1,
      ArrowUp: active - 1,
      PageDown: active + 10,
      PageUp: active - 10,
      Home: 0,
      End: order.length - 1,
    }[event.key];
    if (target === undefined) return;
    event.preventDefault();
    move(target);
  };
  const current = Math.min(active, order.length - 1);
  return (
    <div className="legend">
      <div className="legend-tools">
        <TextInput
          size="xs"
          aria-label="Filter series"
          placeholder="Filter: words, -not, /regexp/"
          value={filter}
          onChange={(event) => props.onFilter(event.currentTarget.value)}
          rightSection={
            filter === '' ? null : (
              <CloseButton size="xs" aria-label="Clear the filter" onClick={() => props.onFilter('')} />
            )
          }
        />
        <NativeSelect
          size="xs"
          aria-label="Order of series"
          data={[...SORTS]}
          value={props.sort}
          onChange={(event) => props.onSort(event.currentTarget.value as SortKey)}
        />
        <span className="legend-count" role="status">
          {countText(order.length, figures.length, drawn.size)}
        </span>
        {picked.length > 0 && (
          <button type="button" className="plain-button" onClick={() => props.onPick([])}>
            Show all
          </button>
        )}
        {props.shared !== '' && (
          <span className="legend-shared mono" title="All series share these labels">
            {props.shared}
          </span>
        )}
      </div>
      <div className="legend-head" aria-hidden="true">
        <span />
        <span>series</span>
        <span>last</span>
        <span>mean</span>
        <span>min</span>
        <span>max</span>
      </div>
      <div
        ref={scroller}
        className="legend-rows"
        role="listbox"
        aria-label="Series"
        aria-multiselectable
        onKeyDown={onKeyDown}
      >
        <div style={{ height: rows.getTotalSize(), position: 'relative' }}>
          {rows.getVirtualItems().map(({ index, start }) => {
            const series = order[index];
            const one = figures[series];
            return (
              <button
                type="button"
                role="option"
                key={series}
                data-row={index}
                aria-selected={picked.includes(one.text)}
                aria-setsize={order.length}
                aria-posinset={index + 1}
                tabIndex={index === current ? 0 : -1}
                className={drawn.has(series) ? 'legend-row' : 'legend-row is-off'}
                style={{ transform: `translateY(${start}px)`, height: ROW_PX }}
                title={one.text}
                onFocus={() => setActive(index)}
                onClick={(event: MouseEvent) => pick(series, event.ctrlKey || event.metaKey || event.shiftKey)}
              >
                <i style={{ background: drawn.has(series) ? colourOf(series, isDark) : 'transparent' }} />
                <span className="legend-name mono">{props.shortTextOf(series)}</span>
                <span>{figureText(one.last)}</span>
                <span>{figureText(one.mean)}</span>
                <span>{figureText(one.min)}</span>
                <span>{figureText(one.max)}</span>
              </button>
            );
          })}
        </div>
      </div>
    </div>
  );
}

function figureText(value: number): string {
  return Number.isNaN(value) ? '–' : shortNumber(value);
}

function countText(listed: number, total: number, drawn: number): string {
  const all = total.toLocaleString('en');
  const series = listed === total ? `${all} series` : `${listed.toLocaleString('en')} of ${all} series`;
  return drawn < listed ? `${series}, ${drawn.toLocaleString('en')} drawn` : series;
}
