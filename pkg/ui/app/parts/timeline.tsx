// Bars over time, a row for each stream: drag to zoom, buttons for what the mouse does, only the rows in sight drawn.

import { ActionIcon, Button, Group, Tooltip } from '@mantine/core';
import { useVirtualizer } from '@tanstack/react-virtual';
import { type PointerEvent, type ReactNode, useLayoutEffect, useRef, useState } from 'react';
import { useSettings } from '../settings.ts';
import { type Bar, drawnBars } from './bars.ts';
import { LeftIcon, MinusIcon, PlusIcon, RightIcon } from './icons.tsx';
import type { Interval } from './intervals.ts';
import { timeText } from './text.ts';
import { spanText, ticksOf } from './time-axis.ts';
import './timeline.css';

export interface TimelineRow {
  readonly key: string;
  /** What stands before it. */
  readonly label: ReactNode;
  /** The same as text, and what the bars say together: read aloud in place of the picture. */
  readonly text: string;
  readonly laneCount: number;
  readonly bars: readonly Bar[];
  /** A heading of the rows after it. */
  readonly isHeading?: boolean;
}

export interface TimelineProps {
  /** What it shows, for readers that do not see it. */
  readonly title: string;
  readonly rows: readonly TimelineRow[];
  readonly range: Interval;
  /** Everything there is. */
  readonly whole: Interval;
  readonly nowMs: number;
  /** Undefined asks for everything again. */
  readonly onRange: (range: Interval | undefined) => void;
  /** Bars are buttons when given. */
  readonly onSelect?: (row: TimelineRow, bar: Bar) => void;
  readonly selectedKey?: string;
  /** Beside the buttons. */
  readonly legend?: ReactNode;
  readonly maxHeight?: number;
}

const LANE_PX = 16;
const ROW_PADDING_PX = 10;
const LEAST_SPAN_MS = 1000;
const HOUR_MS = 3_600_000;
const PRESETS = [
  ['6h', 6 * HOUR_MS],
  ['2d', 48 * HOUR_MS],
  ['14d', 336 * HOUR_MS],
  ['90d', 2160 * HOUR_MS],
] as const;

export function Timeline(props: TimelineProps): ReactNode {
  const { title, rows, range, nowMs, onRange, legend } = props;
  const [{ localTime }] = useSettings();
  const scroller = useRef<HTMLDivElement>(null);
  const ruler = useRef<HTMLDivElement>(null);
  const [widthPx, setWidthPx] = useState(800);
  const [drag, setDrag] = useState<{ readonly from: number; readonly to: number }>();
  useLayoutEffect(() => {
    const element = ruler.current;
    if (element === null) return;
    const observer = new ResizeObserver(() => setWidthPx(element.clientWidth));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  const rowPx = (row: TimelineRow): number => Math.max(1, row.laneCount) * LANE_PX + ROW_PADDING_PX;
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: (i) => rowPx(rows[i]),
    getItemKey: (i) => rows[i].key,
    overscan: 8,
  });
  // Row heights follow from the data: when those change, so do these.
  const heights = rows.map(rowPx).join();
  // biome-ignore lint/correctness/useExhaustiveDependencies: heights stands for all rows.
  useLayoutEffect(() => virtual.measure(), [heights, virtual]);

  const shareAt = (event: PointerEvent): number => {
    const box = ruler.current!.getBoundingClientRect();
    return Math.min(1, Math.max(0, (event.clientX - box.left) / box.width));
  };
  const isOnTrack = (event: PointerEvent): boolean => event.clientX >= ruler.current!.getBoundingClientRect().left;
  const onPointerDown = (event: PointerEvent): void => {
    if (event.button !== 0 || event.pointerType === 'touch' || !isOnTrack(event)) return;
    const at = shareAt(event);
    setDrag({ from: at, to: at });
  };
  const onPointerMove = (event: PointerEvent): void => {
    if (drag === undefined) return;
    const at = shareAt(event);
    // Held only once it is a drag: a click must reach its bar.
    if (Math.abs(at - drag.from) * widthPx > 4 && !event.currentTarget.hasPointerCapture(event.pointerId)) {
      event.currentTarget.setPointerCapture(event.pointerId);
    }
    setDrag({ ...drag, to: at });
  };
  const onPointerUp = (): void => {
    if (drag === undefined) return;
    setDrag(undefined);
    const [left, right] = [Math.min(drag.from, drag.to), Math.max(drag.from, drag.to)];
    if ((right - left) * widthPx < 5) return;
    const span = range.to - range.from;
    onRange(atLeast({ from: range.from + left * span, to: range.from + right * span }));
  };
  const ticks = ticksOf(range, Math.max(2, Math.floor(widthPx / 80)), localTime);
  const shareOf = (ms: number): number => (ms - range.from) / (range.to - range.from);
  const nowShare = shareOf(nowMs);

  return (
    <section className="timeline" aria-label={title}>
      <div className="timeline-tools">
        <RangeButtons {...props} />
        <span className="timeline-range">
          {timeText(Math.round(range.from / 1000) * 1000, localTime)} to{' '}
          {timeText(Math.round(range.to / 1000) * 1000, localTime)} ({spanText(range.to - range.from)})
        </span>
        <div className="timeline-legend">{legend}</div>
      </div>
      <div
        className="timeline-body"
        ref={scroller}
        style={{ maxHeight: props.maxHeight ?? 460 }}
        onPointerDown={onPointerDown}
        onPointerMove={onPointerMove}
        onPointerUp={onPointerUp}
        onPointerCancel={() => setDrag(undefined)}
      >
        <div className="timeline-axis" aria-hidden="true">
          <div className="timeline-ruler" ref={ruler}>
            {ticks.map(({ ms, text }) => (
              <span key={ms} className="timeline-tick" style={{ left: `${shareOf(ms) * 100}%` }}>
                {text}
              </span>
            ))}
            {nowShare > 0 && nowShare < 1 && (
              <span className="timeline-now-label" style={{ left: `${nowShare * 100}%` }}>
                now
              </span>
            )}
          </div>
        </div>
        <ul className="timeline-rows" aria-label={title} style={{ height: virtual.getTotalSize() }}>
          {virtual.getVirtualItems().map((item) => (
            <Row
              key={item.key}
              {...props}
              row={rows[item.index]}
              index={item.index}
              top={item.start}
              height={item.size}
              widthPx={widthPx}
              ticks={ticks.map(({ ms }) => shareOf(ms))}
              nowShare={nowShare}
            />
          ))}
        </ul>
        {drag !== undefined && <DragBox drag={drag} />}
      </div>
    </section>
  );
}

function DragBox({ drag }: { readonly drag: { readonly from: number; readonly to: number } }): ReactNode {
  const left = Math.min(drag.from, drag.to) * 100;
  const width = Math.abs(drag.to - drag.from) * 100;
  return (
    <div className="timeline-drag-track" aria-hidden="true">
      <div className="timeline-drag" style={{ left: `${left}%`, width: `${width}%` }} />
    </div>
  );
}

/** What dragging does, for the keyboard; and the way back. */
function RangeButtons({ range, whole, onRange }: TimelineProps): ReactNode {
  const span = range.to - range.from;
  const zoom = (factor: number): void => {
    const middle = (range.from + range.to) / 2;
    onRange(atLeast({ from: middle - (span * factor) / 2, to: middle + (span * factor) / 2 }));
  };
  const move = (share: number): void => onRange({ from: range.from + span * share, to: range.to + span * share });
  const isWhole = range.from === whole.from && range.to === whole.to;
  const tools: readonly (readonly [string, ReactNode, () => void])[] = [
    ['Earlier', <LeftIcon key="earlier" />, () => move(-0.5)],
    ['Later', <RightIcon key="later" />, () => move(0.5)],
    ['Zoom in', <PlusIcon key="in" />, () => zoom(0.5)],
    ['Zoom out', <MinusIcon key="out" />, () => zoom(2)],
  ];
  return (
    <Group gap={4}>
      {tools.map(([label, icon, run]) => (
        <Tooltip key={label} label={label}>
          <ActionIcon variant="default" size="sm" aria-label={label} onClick={run}>
            {icon}
          </ActionIcon>
        </Tooltip>
      ))}
      {PRESETS.filter(([, spanMs]) => spanMs < (whole.to - whole.from) / 1.5).map(([label, spanMs]) => (
        <Button
          key={label}
          variant={range.to === whole.to && span === spanMs ? 'light' : 'default'}
          size="compact-xs"
          aria-label={`Last ${label}`}
          onClick={() => onRange({ from: whole.to - spanMs, to: whole.to })}
        >
          {label}
        </Button>
      ))}
      {!isWhole && (
        <Button variant="default" size="compact-xs" onClick={() => onRange(undefined)}>
          All
        </Button>
      )}
    </Group>
  );
}

interface RowProps extends TimelineProps {
  readonly row: TimelineRow;
  readonly index: number;
  readonly top: number;
  readonly height: number;
  readonly widthPx: number;
  readonly ticks: readonly number[];
  readonly nowShare: number;
}

function Row({
  row,
  index,
  rows,
  top,
  height,
  widthPx,
  range,
  ticks,
  nowShare,
  onRange,
  onSelect,
  selectedKey,
}: RowProps): ReactNode {
  return (
    <li
      className={`timeline-row${row.isHeading === true ? ' timeline-heading' : ''}${row.bars.length === 0 ? ' timeline-plain' : ''}`}
      style={{ transform: `translateY(${top}px)`, height }}
      aria-setsize={rows.length}
      aria-posinset={index + 1}
      aria-label={row.text}
    >
      <div className="timeline-label" title={row.text}>
        {row.label}
      </div>
      <div className="timeline-track">
        {ticks.map((share) => (
          <span key={share} className="timeline-line" style={{ left: `${share * 100}%` }} />
        ))}
        {nowShare > 0 && nowShare < 1 && <span className="timeline-now" style={{ left: `${nowShare * 100}%` }} />}
        {drawnBars(row.bars, range, widthPx).map(({ bar, count, left, width }) => {
          const text = count === 1 ? bar.text : `${count} in one place: zoom in\nthe first is ${bar.text}`;
          const common = {
            className: `timeline-bar ${bar.look}${bar.key === selectedKey ? ' timeline-selected' : ''}`,
            style: {
              left: `min(${left * 100}%, 100% - 3px)`,
              width: `${width * 100}%`,
              top: bar.lane * LANE_PX + ROW_PADDING_PX / 2,
            },
            title: text,
          };
          return onSelect === undefined ? (
            <span key={bar.key} {...common} />
          ) : (
            <button
              key={bar.key}
              type="button"
              {...common}
              aria-label={text}
              aria-pressed={bar.key === selectedKey}
              onClick={() => {
                if (count === 1) onSelect(row, bar);
                else onRange(atLeast(spread(range, left, width)));
              }}
            />
          );
        })}
      </div>
    </li>
  );
}

/** A part of the range, with as much again on either side. */
function spread({ from, to }: Interval, left: number, width: number): Interval {
  const span = to - from;
  return { from: from + span * (left - width), to: from + span * (left + 2 * width) };
}

function atLeast({ from, to }: Interval): Interval {
  const missing = Math.max(0, LEAST_SPAN_MS - (to - from)) / 2;
  return { from: Math.round(from - missing), to: Math.round(to + missing) };
}
