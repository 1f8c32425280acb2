// A heatmap over time: buckets from bottom to top, the darker a cell the more observations.

import { type ReactNode, useMemo } from 'react';
import type uPlot from 'uplot';
import { shortNumber, timeText } from '../parts/text.ts';
import { valueText } from './csv.ts';
import type { Window } from './graph-data.ts';
import type { Heatmap } from './heatmap.ts';
import { type HoverText, timeChartOptions, UplotHost } from './uplot-host.tsx';

export interface HeatChartProps {
  readonly heatmap: Heatmap;
  readonly window: Window;
  readonly isDark: boolean;
  readonly isLocal: boolean;
  readonly onZoom: (startMs: number, endMs: number) => void;
  readonly onZoomOut: () => void;
}

const HEIGHT = 340;
const MOST_LABELS = 16;

export function HeatChart(props: HeatChartProps): ReactNode {
  const { heatmap, window, isDark, isLocal } = props;
  const rowCount = heatmap.bounds.length - 1;
  const data = useMemo((): uPlot.AlignedData => {
    const times = Array.from({ length: heatmap.columnCount }, (_, i) => (window.startMs + i * window.stepMs) / 1000);
    return [times, times.map(() => null)];
  }, [heatmap, window]);
  const options = useMemo((): Omit<uPlot.Options, 'width' | 'height'> => {
    const { timeAxis, valueAxis, cursor, ...common } = timeChartOptions(isDark, isLocal);
    const every = Math.ceil((rowCount + 1) / MOST_LABELS);
    const splits = heatmap.bounds.map((_, row) => row).filter((row) => row % every === 0);
    return {
      ...common,
      cursor: { ...cursor, points: { show: false } },
      scales: {
        // A cell stands for the step that ends at its moment.
        x: {
          time: true,
          range: [(window.startMs - window.stepMs / 2) / 1000, (window.endMs + window.stepMs / 2) / 1000],
        },
        y: { range: [0, rowCount] },
      },
      axes: [
        { ...timeAxis, grid: { show: false } },
        {
          ...valueAxis,
          grid: { show: false },
          splits: () => splits,
          values: (_chart, rows) => rows.map((row) => boundText(heatmap.bounds[row])),
        },
      ],
      series: [{}, { show: true, scale: 'y' }],
      hooks: { draw: [(chart) => drawCells(chart, heatmap, window, isDark)] },
    };
  }, [heatmap, window, isDark, isLocal, rowCount]);
  const hover = (chart: uPlot): HoverText | undefined => {
    const { left, top } = chart.cursor;
    if (left === undefined || top === undefined || left < 0 || top < 0) return undefined;
    const column = Math.round((chart.posToVal(left, 'x') * 1000 - window.startMs) / window.stepMs);
    const row = Math.floor(chart.posToVal(top, 'y'));
    const count = heatmap.cells[row * heatmap.columnCount + column];
    if (row < 0 || row >= rowCount || count === undefined || Number.isNaN(count)) return undefined;
    return {
      colour: heatColour(count / heatmap.max, isDark),
      lines: [
        timeText(window.startMs + column * window.stepMs, isLocal),
        valueText(Number(count.toPrecision(6))),
        `from ${boundText(heatmap.bounds[row])} to ${boundText(heatmap.bounds[row + 1])}`,
      ],
    };
  };
  return (
    <UplotHost
      data={data}
      options={options}
      height={HEIGHT}
      label={`Heatmap of ${heatmap.histogramCount} histograms with ${rowCount} buckets from ${timeText(window.startMs, isLocal)} to ${timeText(window.endMs, isLocal)}`}
      hover={hover}
      onZoom={props.onZoom}
      onZoomOut={props.onZoomOut}
    />
  );
}

function boundText(bound: number | undefined): string {
  return bound === undefined ? '' : shortNumber(bound);
}

function drawCells(chart: uPlot, { cells, columnCount, bounds, max }: Heatmap, window: Window, isDark: boolean): void {
  const { ctx } = chart;
  const rowCount = bounds.length - 1;
  if (max <= 0) return;
  const edges = Array.from({ length: rowCount + 1 }, (_, row) => Math.round(chart.valToPos(row, 'y', true)));
  ctx.save();
  ctx.beginPath();
  ctx.rect(chart.bbox.left, chart.bbox.top, chart.bbox.width, chart.bbox.height);
  ctx.clip();
  for (let column = 0; column < columnCount; column++) {
    const centerMs = window.startMs + column * window.stepMs;
    const left = Math.round(chart.valToPos((centerMs - window.stepMs / 2) / 1000, 'x', true));
    const right = Math.round(chart.valToPos((centerMs + window.stepMs / 2) / 1000, 'x', true));
    for (let row = 0; row < rowCount; row++) {
      const count = cells[row * columnCount + column];
      if (!(count > 0)) continue;
      ctx.fillStyle = heatColour(count / max, isDark);
      ctx.fillRect(left, edges[row + 1], Math.max(right - left, 1), Math.max(edges[row] - edges[row + 1], 1));
    }
  }
  ctx.restore();
}

/** From hardly there to strong; the root makes small shares visible. */
function heatColour(share: number, isDark: boolean): string {
  const strength = Math.sqrt(Math.min(Math.max(share, 0), 1));
  const hue = isDark ? 55 + 130 * (1 - strength) : 195 + 75 * strength;
  const light = isDark ? 18 + 50 * strength : 92 - 62 * strength;
  return `hsl(${hue.toFixed(0)} 70% ${light.toFixed(0)}%)`;
}
