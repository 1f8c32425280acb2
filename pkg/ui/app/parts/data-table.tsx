// A table that stays quick with ten thousand rows: only those in sight are drawn. Columns sort; on a narrow screen every
// row becomes a list of its cells.

import { useVirtualizer } from '@tanstack/react-virtual';
import { type ReactNode, useMemo, useRef, useState } from 'react';
import './data-table.css';

export interface Column<T> {
  readonly key: string;
  readonly title: string;
  /** A width of CSS grid: `120px`, `minmax(160px, 2fr)`. */
  readonly width: string;
  readonly isNumber?: boolean;
  cell(row: T): ReactNode;
  /** What to sort by; a column without one does not sort. */
  sortBy?(row: T): string | number;
}

export interface DataTableProps<T> {
  /** What it holds, for readers that do not see it. */
  readonly title: string;
  readonly rows: readonly T[];
  readonly columns: readonly Column<T>[];
  keyOf(row: T): string;
  /** `column` or `-column`. */
  readonly initialSort?: string;
  readonly maxHeight?: number;
  readonly isSelected?: (row: T) => boolean;
  /** Said in place of rows. */
  readonly empty: ReactNode;
}

const ROW_PX = 33;

export function DataTable<T>(props: DataTableProps<T>): ReactNode {
  const { title, rows, columns, keyOf, initialSort = '', maxHeight = 560, isSelected, empty } = props;
  const [sort, setSort] = useState(initialSort);
  const scroller = useRef<HTMLDivElement>(null);
  const sorted = useMemo(() => sortedRows(rows, columns, sort), [rows, columns, sort]);
  const virtual = useVirtualizer({
    count: sorted.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_PX,
    getItemKey: (i) => keyOf(sorted[i]),
    overscan: 12,
  });
  const template = columns.map(({ width }) => width).join(' ');
  const sortedBy = sort.replace(/^-/, '');
  return (
    <div className="data-table" ref={scroller} style={{ maxHeight }}>
      {/* biome-ignore-start lint/a11y/useSemanticElements: rows are placed, which table elements do not take. */}
      {/* biome-ignore-start lint/a11y/useFocusableInteractive: what can be done in a row has buttons. */}
      <div role="table" aria-label={title} aria-rowcount={sorted.length + 1} className="data-grid">
        <div role="row" className="data-head" style={{ gridTemplateColumns: template }} aria-rowindex={1}>
          {columns.map((column) => (
            <div
              key={column.key}
              role="columnheader"
              className={column.isNumber === true ? 'data-number' : undefined}
              aria-sort={sortedBy !== column.key ? 'none' : sort.startsWith('-') ? 'descending' : 'ascending'}
            >
              {column.sortBy === undefined ? (
                column.title
              ) : (
                <button type="button" onClick={() => setSort(sort === column.key ? `-${column.key}` : column.key)}>
                  {column.title}
                  <span aria-hidden="true">{sortedBy !== column.key ? '' : sort.startsWith('-') ? ' ↓' : ' ↑'}</span>
                </button>
              )}
            </div>
          ))}
        </div>
        {sorted.length === 0 && <div className="data-empty">{empty}</div>}
        <div role="rowgroup" style={{ height: virtual.getTotalSize(), position: 'relative' }}>
          {virtual.getVirtualItems().map((item) => {
            const row = sorted[item.index];
            return (
              <div
                key={item.key}
                role="row"
                ref={virtual.measureElement}
                data-index={item.index}
                aria-rowindex={item.index + 2}
                className={isSelected?.(row) === true ? 'data-row data-selected' : 'data-row'}
                style={{ gridTemplateColumns: template, transform: `translateY(${item.start}px)` }}
              >
                {columns.map((column) => (
                  <div
                    key={column.key}
                    role="cell"
                    className={column.isNumber === true ? 'data-number' : undefined}
                    data-title={column.title}
                  >
                    {column.cell(row)}
                  </div>
                ))}
              </div>
            );
          })}
        </div>
      </div>
      {/* biome-ignore-end lint/a11y/useFocusableInteractive: as above. */}
      {/* biome-ignore-end lint/a11y/useSemanticElements: as above. */}
    </div>
  );
}

/** By the column that `sort` names, `-` before it for the other way round; ties stay as they are. */
export function sortedRows<T>(rows: readonly T[], columns: readonly Column<T>[], sort: string): readonly T[] {
  const column = columns.find(({ key }) => key === sort.replace(/^-/, ''));
  if (column?.sortBy === undefined) return rows;
  const sign = sort.startsWith('-') ? -1 : 1;
  const keyed = rows.map((row, i) => ({ row, i, key: column.sortBy!(row) }));
  keyed.sort((a, b) => (a.key < b.key ? -sign : a.key > b.key ? sign : a.i - b.i));
  return keyed.map(({ row }) => row);
}
