// A uPlot chart in React: made anew when its options or data change, as wide as its place, and with a box that follows
// the pointer.

import 'uplot/dist/uPlot.min.css';
import { type ReactNode, useEffect, useRef } from 'react';
import uPlot from 'uplot';
import { axisTimes } from './axis-text.ts';

/** What the box beside the pointer says: a line for each text, the first one with a dot of its colour. */
export interface HoverText {
  readonly colour: string;
  readonly lines: readonly string[];
}

export interface UplotHostProps {
  readonly data: uPlot.AlignedData;
  /** Width and height are added. */
  readonly options: Omit<uPlot.Options, 'width' | 'height'>;
  readonly height: number;
  readonly label: string;
  /** What is under the pointer; undefined hides the box. */
  readonly hover: (chart: uPlot) => HoverText | undefined;
  /** A stretch of time was chosen by dragging, ms. */
  readonly onZoom: (startMs: number, endMs: number) => void;
  readonly onZoomOut: () => void;
}

export function UplotHost(props: UplotHostProps): ReactNode {
  const host = useRef<HTMLDivElement>(null);
  const box = useRef<HTMLDivElement>(null);
  const latest = useRef(props);
  latest.current = props;
  const { data, options, height } = props;
  useEffect(() => {
    const place = host.current!;
    const chart = new uPlot(
      {
        ...options,
        width: Math.max(place.clientWidth, 100),
        height,
        hooks: {
          ...options.hooks,
          setCursor: [
            (one) => {
              showBox(box.current, one, latest.current.hover(one));
            },
          ],
          setSelect: [
            (one) => {
              if (one.select.width < 4) return;
              const startMs = one.posToVal(one.select.left, 'x') * 1000;
              const endMs = one.posToVal(one.select.left + one.select.width, 'x') * 1000;
              one.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
              latest.current.onZoom(startMs, endMs);
            },
          ],
        },
      },
      data,
      place,
    );
    const onDoubleClick = (): void => latest.current.onZoomOut();
    chart.over.addEventListener('dblclick', onDoubleClick);
    const observer = new ResizeObserver(() => {
      const width = place.clientWidth;
      if (width > 0 && Math.abs(width - chart.width) > 1) chart.setSize({ width, height });
    });
    observer.observe(place);
    return () => {
      observer.disconnect();
      chart.destroy();
    };
  }, [data, options, height]);
  return (
    <div className="chart" role="img" aria-label={props.label}>
      <div ref={host} />
      <div ref={box} className="chart-box" hidden />
    </div>
  );
}

function showBox(box: HTMLDivElement | null, chart: uPlot, text: HoverText | undefined): void {
  if (box === null) return;
  const { left = -1, top = -1 } = chart.cursor;
  box.hidden = text === undefined || left < 0;
  if (text === undefined || left < 0) return;
  box.replaceChildren(
    ...text.lines.map((line, i) => {
      const element = document.createElement('div');
      if (i === 1) {
        const dot = document.createElement('i');
        dot.style.background = text.colour;
        element.append(dot);
      }
      element.append(line);
      return element;
    }),
  );
  const over = chart.over;
  const x = over.offsetLeft + left;
  const isRight = left > over.clientWidth / 2;
  box.style.left = isRight ? '' : `${x + 14}px`;
  box.style.right = isRight ? `${chart.width - x + 14}px` : '';
  box.style.top = `${Math.max(over.offsetTop + Math.min(top, over.clientHeight - box.offsetHeight - 8), 0)}px`;
}

/** Options that every chart over time shares. */
export function timeChartOptions(
  isDark: boolean,
  isLocal: boolean,
): Pick<uPlot.Options, 'tzDate' | 'legend' | 'cursor'> & {
  readonly timeAxis: uPlot.Axis;
  readonly valueAxis: uPlot.Axis;
} {
  const text = isDark ? '#c9c9c9' : '#495057';
  const grid = { stroke: isDark ? '#3b3b3b' : '#e9ecef', width: 1 };
  const font = '12px system-ui, sans-serif';
  const ticks = { ...grid, size: 5 };
  return {
    tzDate: (seconds) => (isLocal ? new Date(seconds * 1000) : uPlot.tzDate(new Date(seconds * 1000), 'Etc/UTC')),
    legend: { show: false },
    cursor: { drag: { x: true, y: false, setScale: false }, points: { size: 7 }, y: false },
    timeAxis: {
      stroke: text,
      grid,
      ticks,
      font,
      space: 70,
      size: 42,
      values: (_chart, splits, _axis, _space, increment) => axisTimes(splits, increment, isLocal),
    },
    valueAxis: { stroke: text, grid, ticks, font, size: 64 },
  };
}
