// Coverage as bars over time: a heading for each stream with its holes in red, below it what each endpoint has.

import { type ReactNode, useMemo } from 'react';
import type { Bar } from '../parts/bars.ts';
import type { Interval } from '../parts/intervals.ts';
import { labelText } from '../parts/label-filter.ts';
import { timeText } from '../parts/text.ts';
import { spanText } from '../parts/time-axis.ts';
import { Timeline, type TimelineRow } from '../parts/timeline.tsx';
import { useSettings } from '../settings.ts';
import type { Stream, StreamPart } from './coverage.ts';

interface CoverageTimelineProps {
  readonly streams: readonly Stream[];
  readonly range: Interval;
  readonly whole: Interval;
  readonly nowMs: number;
  /** A row for every endpoint, not only for every stream. */
  readonly showsParts: boolean;
  readonly onRange: (range: Interval | undefined) => void;
}

export function CoverageTimeline(props: CoverageTimelineProps): ReactNode {
  const { streams, showsParts } = props;
  const [{ localTime }] = useSettings();
  const rows = useMemo(
    () =>
      streams.flatMap((stream) =>
        streamRows(stream, showsParts, (ms) => timeText(Math.round(ms / 1000) * 1000, localTime)),
      ),
    [streams, showsParts, localTime],
  );
  if (rows.length === 0) return <p className="muted">No endpoint has data of its own.</p>;
  return <Timeline {...props} title="Coverage over time" rows={rows} legend={<Legend />} />;
}

function streamRows(stream: Stream, showsParts: boolean, when: (ms: number) => string): readonly TimelineRow[] {
  const name = labelText(stream.labels);
  const bar = (look: string, what: string, { from, to }: Interval): Bar => ({
    key: `${look} ${from}`,
    from,
    to,
    lane: 0,
    look,
    text: `${what}\n${when(from)} to ${when(to)} (${spanText(to - from)})`,
  });
  const holes = stream.holes.map((hole) => bar('look-hole', holeText(stream, hole), hole));
  const heading: TimelineRow = {
    key: stream.key,
    label: name,
    text: `${name}: ${stream.holes.length === 0 ? 'no holes' : holes.map(({ text }) => text.replace('\n', ', ')).join('; ')}`,
    laneCount: 1,
    isHeading: true,
    bars: [...stream.covered.map((one) => bar('look-covered', `${name} is covered`, one)), ...holes],
  };
  if (!showsParts) return [heading];
  return [heading, ...stream.parts.map((part) => partRow(stream, part, bar))];
}

function partRow(
  stream: Stream,
  { store, covered, isOpen }: StreamPart,
  bar: (look: string, what: string, interval: Interval) => Bar,
): TimelineRow {
  const { name, component, state, lastError } = store;
  const trouble = state === 'down' ? `, down: ${lastError}` : state === 'left' ? ', left discovery' : '';
  const what = `${component} ${name}${isOpen ? ', names no beginning' : ''}${trouble}`;
  const look = state !== 'up' ? 'look-off' : isOpen ? `${lookOf(component)} look-open` : lookOf(component);
  const bars = covered.map((one) => bar(look, what, one));
  return {
    key: `${stream.key} ${name}`,
    label: (
      <span className={`part-label part-${state}`}>
        <span className="part-component">{component}</span> {name}
      </span>
    ),
    text: `${what}: ${bars.length === 0 ? 'no data' : bars.map(({ text }) => text.split('\n')[1]).join('; ')}`,
    laneCount: 1,
    bars,
  };
}

/** Says who would cover a hole if it answered. */
function holeText({ parts }: Stream, hole: Interval): string {
  const absent = parts.filter(
    ({ store, covered }) => store.state !== 'up' && covered.some(({ from, to }) => from < hole.to && to > hole.from),
  );
  if (absent.length === 0) return 'Nobody covers this';
  return `Nobody who answers covers this; ${absent.map(({ store }) => `${store.name} (${store.state === 'left' ? 'left' : 'down'})`).join(', ')} would`;
}

const COMPONENTS = ['sidecar', 'store', 'receive', 'rule', 'query'] as const;

function lookOf(component: string): string {
  return COMPONENTS.some((one) => one === component) ? `look-${component}` : 'look-other';
}

function Legend(): ReactNode {
  const keys: readonly (readonly [string, string])[] = [
    ['look-covered', 'covered'],
    ['look-hole', 'hole'],
    ['look-sidecar', 'sidecar'],
    ['look-store', 'store'],
    ['look-off', 'down or left'],
  ];
  return keys.map(([look, text]) => (
    <span key={look} className="timeline-key">
      <span className={`timeline-bar ${look}`} /> {text}
    </span>
  ));
}
