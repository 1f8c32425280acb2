// The graph of a panel with its legend.

import { type ReactNode, useEffect, useMemo } from 'react';
import { FailureLine, NoteLine } from '../parts/failure-line.tsx';
import { durationText } from '../parts/text.ts';
import { drawnSeries, figuresOf, legendOrder, MOST_LINES, type Window } from './graph-data.ts';
import { HeatChart } from './heat-chart.tsx';
import { canBeHeatmap, hasOnlyHistograms, heatmapOf } from './heatmap.ts';
import { Legend } from './legend.tsx';
import { LineChart } from './line-chart.tsx';
import { Notes } from './notes.tsx';
import type { Panel } from './panel.ts';
import { DisplayControl, RangeControls, StepControl, TimeControls } from './panel-settings.tsx';
import type { DecodedAnswer } from './query.worker.ts';
import { longerStep, requestOf } from './request.ts';
import { RunLine } from './run-line.tsx';
import { seriesText, tellingLabels } from './series-text.ts';
import { useRun } from './use-run.ts';

export interface GraphTabProps {
  readonly panel: Panel;
  /** Changes when the query has to be run again; empty while there is nothing to run. */
  readonly runKey: string;
  readonly isDark: boolean;
  readonly isLocal: boolean;
  readonly onChange: (changes: Partial<Panel>) => void;
  readonly onFailure: (message: string) => void;
}

/** Zooming in ends here. */
const SHORTEST_MS = 5000;

export function GraphTab(props: GraphTabProps): ReactNode {
  const { panel, runKey, onChange, isLocal } = props;
  const [run, cancel] = useRun(runKey, () => requestOf(panel, true, Date.now()));
  const { onFailure } = props;
  useEffect(() => {
    if (run.failure?.kind === 'bad_data') onFailure(run.failure.message);
  }, [run.failure, onFailure]);
  const step = longerStep(panel);
  const { done } = run;
  return (
    <div>
      <div className="tab-tools">
        <RangeControls panel={panel} isLocal={isLocal} onChange={onChange} />
        <TimeControls panel={panel} isLocal={isLocal} onChange={onChange} label="End" />
        <StepControl panel={panel} isLocal={isLocal} onChange={onChange} />
        <DisplayControl panel={panel} isLocal={isLocal} onChange={onChange} />
        <RunLine run={run} onCancel={cancel} />
      </div>
      {run.failure !== undefined && <FailureLine failure={run.failure} />}
      {run.failure !== undefined && step !== undefined && (
        <button type="button" className="plain-button" onClick={() => onChange({ step: durationText(step) })}>
          Use a step of {durationText(step)}
        </button>
      )}
      {done !== undefined && (
        <div className={run.isRunning ? 'is-stale' : ''}>
          <Notes warnings={done.answer.warnings} infos={done.answer.infos} />
          <Graph {...props} answer={done.answer} window={done.request} />
        </div>
      )}
      {done === undefined && run.failure === undefined && (
        <p className="empty">{runKey === '' ? 'Type an expression and press Enter.' : 'Waiting for the answer…'}</p>
      )}
    </div>
  );
}

function Graph(props: GraphTabProps & { readonly answer: DecodedAnswer; readonly window: Window }): ReactNode {
  const { panel, answer, window, isDark, isLocal, onChange } = props;
  const { result } = answer;
  const figures = useMemo(() => figuresOf(result), [result]);
  const order = useMemo(() => legendOrder(figures, panel.filter, panel.sort), [figures, panel.filter, panel.sort]);
  const drawn = useMemo(() => drawnSeries(order, figures, panel.picked), [order, figures, panel.picked]);
  const drawnSet = useMemo(() => new Set(drawn), [drawn]);
  const { shared, telling } = useMemo(() => tellingLabels(result.labels), [result]);
  const isHeatmap = panel.display === 'heatmap' || hasOnlyHistograms(result);
  const canHeat = useMemo(() => canBeHeatmap(result), [result]);
  const heatmap = useMemo(
    () => (isHeatmap && canHeat ? heatmapOf(result, window) : undefined),
    [isHeatmap, canHeat, result, window],
  );
  if (result.labels.length === 0) return <p className="empty">The answer has no series in this range.</p>;
  const isAlone = result.labels.length === 1;
  const shortTextOf = (series: number): string => {
    if (isAlone) return figures[series].text;
    const labels = Object.entries(result.labels[series]).filter(([name]) => telling.has(name));
    return labels.length === 0 ? figures[series].text : seriesText(Object.fromEntries(labels));
  };
  const onZoom = (startMs: number, endMs: number): void => {
    // Whole seconds, because links have no others.
    const end = Math.ceil(endMs / 1000) * 1000;
    const rangeMs = Math.max(end - Math.floor(startMs / 1000) * 1000, SHORTEST_MS);
    onChange({ rangeMs, endMs: end });
  };
  const onZoomOut = (): void => {
    const endMs = panel.endMs === undefined ? undefined : panel.endMs + panel.rangeMs / 2;
    const isNow = endMs === undefined || endMs >= Date.now();
    onChange({ rangeMs: panel.rangeMs * 2, endMs: isNow ? undefined : Math.floor(endMs / 1000) * 1000 });
  };
  const chart = { isDark, isLocal, window, onZoom, onZoomOut };
  return (
    <>
      {panel.display === 'heatmap' && heatmap === undefined && (
        <NoteLine kind="info">A heatmap needs histograms: native ones, or series with a label le.</NoteLine>
      )}
      {panel.display !== 'heatmap' && heatmap !== undefined && (
        <NoteLine kind="info">These are histograms, which have no lines: shown as a heatmap.</NoteLine>
      )}
      {heatmap !== undefined ? (
        <HeatChart {...chart} heatmap={heatmap} />
      ) : (
        <LineChart
          {...chart}
          result={result}
          drawn={drawn}
          textOf={(series) => figures[series].text}
          isStacked={panel.display === 'stacked'}
        />
      )}
      {heatmap === undefined && order.length > MOST_LINES && panel.picked.length === 0 && (
        <NoteLine kind="info">
          The first {MOST_LINES} series of the list are drawn: filter it, or put it in another order, to see others.
        </NoteLine>
      )}
      {heatmap === undefined && (
        <Legend
          figures={figures}
          shortTextOf={shortTextOf}
          shared={isAlone || Object.keys(shared).length === 0 ? '' : seriesText(shared)}
          order={order}
          drawn={drawnSet}
          filter={panel.filter}
          sort={panel.sort}
          picked={panel.picked}
          isDark={isDark}
          onFilter={(filter) => onChange({ filter })}
          onSort={(sort) => onChange({ sort })}
          onPick={(picked) => onChange({ picked })}
        />
      )}
    </>
  );
}
