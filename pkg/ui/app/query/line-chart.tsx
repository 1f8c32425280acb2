// Lines, or areas on top of each other, over time.

import { type ReactNode, useMemo } from 'react';
import type uPlot from 'uplot';
import { shortNumber, timeText } from '../parts/text.ts';
import { axisNumbers, colourOf } from './axis-text.ts';
import { valueText } from './csv.ts';
import type { QueryResult } from './decode.ts';
import { columnOf, momentsOf, stacked, type Window } from './graph-data.ts';
import { type HoverText, timeChartOptions, UplotHost } from './uplot-host.tsx';

export interface LineChartProps {
  readonly result: QueryResult;
  readonly window: Window;
  /** Indexes of the series to draw, and their texts. */
  readonly drawn: readonly number[];
  readonly textOf: (series: number) => string;
  readonly isStacked: boolean;
  readonly isDark: boolean;
  readonly isLocal: boolean;
  readonly onZoom: (startMs: number, endMs: number) => void;
  readonly onZoomOut: () => void;
}

const HEIGHT = 340;
/** With more lines, dimming all but one at every move of the pointer would lag. */
const MOST_DIMMED = 60;

export function LineChart(props: LineChartProps): ReactNode {
  const { result, window, drawn, isStacked, isDark, isLocal, textOf } = props;
  const plain = useMemo(() => drawn.map((series) => columnOf(result, series, window)), [result, window, drawn]);
  const data = useMemo((): uPlot.AlignedData => {
    const shown = isStacked ? stacked(plain) : plain;
    return [momentsOf(window), ...shown];
  }, [plain, isStacked, window]);
  const options = useMemo((): Omit<uPlot.Options, 'width' | 'height'> => {
    const { timeAxis, valueAxis, cursor, ...common } = timeChartOptions(isDark, isLocal);
    const canDim = !isStacked && drawn.length > 1 && drawn.length <= MOST_DIMMED;
    return {
      ...common,
      // A dot on each of hundreds of lines would lag behind the pointer.
      cursor: {
        ...cursor,
        ...(canDim ? { focus: { prox: 24 } } : {}),
        ...(drawn.length > MOST_DIMMED ? { points: { show: false } } : {}),
      },
      focus: { alpha: 0.25 },
      scales: {
        x: { time: true, range: [window.startMs / 1000, window.endMs / 1000] },
        y: { range: (_chart, min, max) => valueRange(min, max, isStacked) },
      },
      axes: [timeAxis, { ...valueAxis, values: (_chart, splits) => axisNumbers(splits) }],
      series: [
        {},
        ...drawn.map((series) => {
          const stroke = colourOf(series, isDark);
          return {
            stroke,
            width: drawn.length > 50 ? 1 : 1.5,
            points: { size: 4 },
            ...(isStacked ? { fill: `${stroke}55` } : {}),
          };
        }),
      ],
      // An area reaches down to the one before it.
      ...(isStacked ? { bands: drawn.slice(1).map((_, i) => ({ series: [i + 2, i + 1] as [number, number] })) } : {}),
    };
  }, [drawn, isStacked, isDark, isLocal, window]);
  const hover = (chart: uPlot): HoverText | undefined => {
    const { idx, top } = chart.cursor;
    if (idx === null || idx === undefined || top === undefined || top < 0) return undefined;
    const nearest = nearestLine(chart, idx, top);
    if (nearest < 0) return undefined;
    const series = drawn[nearest];
    const value = plain[nearest][idx];
    return {
      colour: colourOf(series, isDark),
      lines: [
        timeText(window.startMs + idx * window.stepMs, isLocal),
        `${value === null ? '' : readable(value)}  ${textOf(series)}`,
      ],
    };
  };
  const label = `Graph of ${drawn.length} series from ${timeText(window.startMs, isLocal)} to ${timeText(window.endMs, isLocal)}`;
  return (
    <UplotHost
      data={data}
      options={options}
      height={HEIGHT}
      label={label}
      hover={hover}
      onZoom={props.onZoom}
      onZoomOut={props.onZoomOut}
    />
  );
}

/** The number as it is, with its size in words where it is long. */
function readable(value: number): string {
  const text = valueText(value);
  return text.length > 9 ? `${Number(value.toPrecision(9))} (${shortNumber(value)})` : text;
}

/** Index of the drawn line closest to the pointer's height; -1 when none has a value there. */
function nearestLine(chart: uPlot, idx: number, top: number): number {
  let [best, distance] = [-1, Infinity];
  for (let i = 1; i < chart.data.length; i++) {
    const value = chart.data[i][idx];
    if (value === null || value === undefined) continue;
    const away = Math.abs(chart.valToPos(value, 'y') - top);
    if (away < distance) [best, distance] = [i - 1, away];
  }
  return best;
}

/** A little air above and below; from 0 where that is near, and always when areas are added up. */
function valueRange(min: number | null, max: number | null, isStacked: boolean): [number, number] {
  if (min === null || max === null || !Number.isFinite(min) || !Number.isFinite(max)) return [0, 1];
  const low = isStacked ? Math.min(min, 0) : min;
  const size = max - low;
  if (size === 0) return low === 0 ? [-1, 1] : [low - Math.abs(low) * 0.1, low + Math.abs(low) * 0.1];
  const air = size * 0.05;
  const isNearZero = low >= 0 && low < size;
  return [isNearZero ? 0 : low - (low === 0 ? 0 : air), max + air];
}
