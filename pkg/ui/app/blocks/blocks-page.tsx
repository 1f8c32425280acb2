// The blocks page: what is in a bucket, or loaded, over time; overlaps, marks and what is left to compact.

import { Button, Group, NativeSelect, SegmentedControl, Stack, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { type ReactNode, useMemo } from 'react';
import { callApi } from '../api.ts';
import { facts } from '../facts.ts';
import { FailureLine, NoteLine } from '../parts/failure-line.tsx';
import { RefreshIcon } from '../parts/icons.tsx';
import type { Interval } from '../parts/intervals.ts';
import { parseLabelFilter } from '../parts/label-filter.ts';
import { useLinkParameters } from '../parts/link-parameters.ts';
import { numberOf } from '../parts/link-search.ts';
import { byteText, shortNumber, timeText } from '../parts/text.ts';
import { agoText, spanText } from '../parts/time-axis.ts';
import { Timeline, type TimelineRow } from '../parts/timeline.tsx';
import { Waiting } from '../parts/waiting.tsx';
import { usePlace } from '../router.ts';
import { useSettings } from '../settings.ts';
import { BacklogPanel } from './backlog-panel.tsx';
import { BlockDetails } from './block-details.tsx';
import { type BlockRow, blockRows, rowText } from './block-rows.ts';
import { BlockTable } from './block-table.tsx';
import { type BlockEntry, type BlocksAnswer, blocksOf, resolutionText } from './blocks.ts';
import { type BlockFindings, findingsOf } from './findings.ts';
import { FindingsPanel } from './findings-panel.tsx';
import './blocks.css';

const REFRESH_MS = 30_000;

export function BlocksPage(): ReactNode {
  const { path } = usePlace();
  const [parameters, change] = useLinkParameters();
  const view = viewOf(path, parameters.get('view'));
  const { data, error, isFetching, isPending, refetch } = useQuery({
    queryKey: ['blocks', view],
    queryFn: ({ signal }) => callApi<unknown>('blocks', { parameters: { view }, signal }),
    refetchInterval: (query) => (query.state.status === 'error' ? false : REFRESH_MS),
  });
  const answer = useMemo(() => (data === undefined ? undefined : blocksOf(data.data)), [data]);
  return (
    <Stack gap="sm">
      <Group gap="sm" className="page-head">
        <h1>Blocks</h1>
        {answer !== undefined && <Summary answer={answer} />}
        {facts.component === 'compact' && (
          <SegmentedControl
            size="xs"
            aria-label="Which blocks"
            value={view}
            onChange={(value) => change({ view: value })}
            data={[
              { value: 'global', label: 'Whole bucket' },
              { value: 'loaded', label: 'At work' },
            ]}
          />
        )}
        <Button
          variant="default"
          size="compact-sm"
          ml="auto"
          leftSection={<RefreshIcon />}
          loading={isFetching && !isPending}
          onClick={() => refetch()}
        >
          Refresh
        </Button>
      </Group>
      {error !== null && (
        <>
          <FailureLine failure={error} />
          {answer !== undefined && <NoteLine kind="info">What was seen before is shown below.</NoteLine>}
        </>
      )}
      {answer !== undefined && answer.error !== '' && (
        <NoteLine kind="warning">The last look at the bucket failed: {answer.error}</NoteLine>
      )}
      <Waiting isPending={isPending} what="the list of blocks" />
      {answer !== undefined && <Blocks answer={answer} parameters={parameters} change={change} />}
    </Stack>
  );
}

interface BlocksProps {
  readonly answer: BlocksAnswer;
  readonly parameters: URLSearchParams;
  readonly change: ReturnType<typeof useLinkParameters>[1];
}

function Blocks({ answer, parameters, change }: BlocksProps): ReactNode {
  const findings = useMemo(() => findingsOf(answer.blocks), [answer]);
  const typed = parameters.get('q') ?? '';
  const filter = useMemo(() => parseLabelFilter(typed), [typed]);
  const [resolution, level, only] = [
    parameters.get('res') ?? '',
    parameters.get('level') ?? '',
    parameters.get('only') ?? '',
  ];
  const matching = useMemo(
    () =>
      answer.blocks.filter(
        (block) =>
          (resolution === '' || String(block.resolutionMs) === resolution) &&
          (level === '' || String(block.level) === level) &&
          isOfKind(block, only, findings) &&
          filter.matches(block.labels, textOf(block)),
      ),
    [answer, findings, resolution, level, only, filter],
  );
  const whole = useMemo(() => wholeRange(answer.blocks), [answer]);
  const [from, to] = [numberOf(parameters.get('from')), numberOf(parameters.get('to'))];
  const range: Interval = from !== undefined && to !== undefined && to > from ? { from, to } : whole;
  const inRange = useMemo(
    () => matching.filter((block) => block.from < range.to && block.to > range.from),
    [matching, range.from, range.to],
  );
  const selected = answer.blocks.find(({ ulid }) => ulid === parameters.get('block'));
  const select = (block: BlockEntry | undefined): void =>
    change({ block: block?.ulid }, { asStep: block !== undefined });
  return (
    <>
      {answer.backlog !== undefined && <BacklogPanel backlog={answer.backlog} />}
      <FindingsPanel findings={findings} partial={answer.partial} onSelect={select} />
      <Group gap="sm" align="flex-start">
        <TextInput
          className="page-filter"
          aria-label="Filter by words or labels"
          placeholder='words, or cluster="eu", region=~"us-.*"'
          value={typed}
          error={filter.error}
          onChange={(event) => change({ q: event.currentTarget.value })}
        />
        <NativeSelect
          aria-label="Resolution"
          value={resolution}
          onChange={(event) => change({ res: event.currentTarget.value })}
          data={[
            { value: '', label: 'Every resolution' },
            ...valuesOf(answer.blocks, (block) => block.resolutionMs).map((ms) => ({
              value: String(ms),
              label: resolutionText(ms),
            })),
          ]}
        />
        <NativeSelect
          aria-label="Compaction level"
          value={level}
          onChange={(event) => change({ level: event.currentTarget.value })}
          data={[
            { value: '', label: 'Every level' },
            ...valuesOf(answer.blocks, (block) => block.level).map((one) => ({
              value: String(one),
              label: `Level ${one}`,
            })),
          ]}
        />
        <NativeSelect
          aria-label="Kind"
          value={only}
          onChange={(event) => change({ only: event.currentTarget.value })}
          data={[
            { value: '', label: 'Every block' },
            { value: 'overlaps', label: 'Overlapping' },
            { value: 'marked', label: 'Marked' },
            { value: 'replaced', label: 'Replaced' },
          ]}
        />
      </Group>
      <BlockTimeline
        blocks={matching}
        findings={findings}
        label={answer.label}
        range={range}
        whole={whole}
        onRange={(next) => change({ from: next && String(next.from), to: next && String(next.to) }, { asStep: true })}
        onSelect={select}
        selected={selected}
      />
      <BlockTable
        blocks={inRange}
        findings={findings}
        selected={selected}
        onSelect={select}
        empty={answer.blocks.length === 0 ? emptyText(answer) : 'No block fits the filter.'}
      />
      {selected !== undefined && (
        <BlockDetails
          block={selected}
          findings={findings}
          canMark={answer.canMark}
          onClose={() => select(undefined)}
          onSelect={(ulid) => change({ block: ulid }, { asStep: true })}
        />
      )}
    </>
  );
}

interface BlockTimelineProps {
  readonly blocks: readonly BlockEntry[];
  readonly findings: BlockFindings;
  readonly label: string;
  readonly range: Interval;
  readonly whole: Interval;
  readonly onRange: (range: Interval | undefined) => void;
  readonly onSelect: (block: BlockEntry) => void;
  readonly selected: BlockEntry | undefined;
}

function BlockTimeline(props: BlockTimelineProps): ReactNode {
  const { blocks, findings, label, range, whole, onRange, onSelect, selected } = props;
  const [{ localTime }] = useSettings();
  const rows = useMemo(
    () => blockRows(blocks, label, findings, (block) => describe(block, findings, localTime)).map(timelineRow),
    [blocks, label, findings, localTime],
  );
  const byUlid = useMemo(() => new Map(blocks.map((block) => [block.ulid, block])), [blocks]);
  if (rows.length === 0) return null;
  return (
    <Timeline
      title="Blocks over time"
      rows={rows}
      range={range}
      whole={whole}
      nowMs={Date.now()}
      onRange={onRange}
      onSelect={(_, { key }) => {
        const block = byUlid.get(key);
        if (block !== undefined) onSelect(block);
      }}
      {...(selected === undefined ? {} : { selectedKey: selected.ulid })}
      legend={<Legend blocks={blocks} />}
    />
  );
}

function timelineRow(row: BlockRow): TimelineRow {
  const { key, labels, resolutionMs, laneCount, bars } = row;
  const text = rowText(row);
  if (resolutionMs !== undefined) {
    return { key, label: <span className="block-row-label">{text}</span>, text, laneCount, bars };
  }
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${value}"`);
  return { key, label: pairs.length === 0 ? 'no labels' : pairs.join(', '), text, laneCount, bars, isHeading: true };
}

function Legend({ blocks }: { readonly blocks: readonly BlockEntry[] }): ReactNode {
  const levels = valuesOf(blocks, ({ level }) => Math.min(5, Math.max(1, level)));
  const has = (kind: string): boolean => blocks.some(({ marks }) => marks.some((mark) => mark.kind === kind));
  const keys: (readonly [string, string])[] = levels.map((level) => [`look-level-${level}`, `level ${level}`]);
  keys.push(['look-level-1 look-overlap', 'overlap']);
  if (has('deletion')) keys.push(['look-level-1 look-deletion', 'to be deleted']);
  if (has('no-compact')) keys.push(['look-level-1 look-no-compact', 'no-compact']);
  return keys.map(([look, text]) => (
    <span key={text} className="timeline-key">
      <span className={`timeline-bar ${look}`} /> {text}
    </span>
  ));
}

function Summary({ answer: { blocks, refreshedAtMs } }: { readonly answer: BlocksAnswer }): ReactNode {
  const sizeBytes = blocks.reduce((sum, block) => sum + block.sizeBytes, 0);
  const sampleCount = blocks.reduce((sum, block) => sum + block.sampleCount, 0);
  return (
    <span className="counts muted">
      <span>
        {blocks.length} {blocks.length === 1 ? 'block' : 'blocks'}
      </span>
      {sizeBytes > 0 && <span>{byteText(sizeBytes)}</span>}
      {sampleCount > 0 && <span>{shortNumber(sampleCount)} samples</span>}
      <span>
        {refreshedAtMs === undefined ? 'not looked at yet' : `seen ${agoText(Date.now() - refreshedAtMs)} ago`}
      </span>
    </span>
  );
}

/** What a bar says. */
function describe(block: BlockEntry, { overlapping, replacedBy }: BlockFindings, isLocal: boolean): string {
  const lines = [
    block.ulid,
    `${timeText(block.from, isLocal)} to ${timeText(block.to, isLocal)} (${spanText(block.to - block.from)})`,
    `${resolutionText(block.resolutionMs)}, level ${block.level}, ${block.source}, ${shortNumber(block.seriesCount)} series`,
    ...(overlapping.has(block.ulid) ? ['overlaps another block'] : []),
    ...(replacedBy.has(block.ulid) ? [`replaced by ${replacedBy.get(block.ulid)}`] : []),
    ...block.marks.map(({ kind, details }) => `marked ${kind}${details === '' ? '' : `: ${details}`}`),
  ];
  return lines.join('\n');
}

function textOf({ ulid, labels, source, marks, resolutionMs }: BlockEntry): string {
  return [
    ulid,
    source,
    resolutionText(resolutionMs),
    ...Object.entries(labels).map(([name, value]) => `${name}="${value}"`),
    ...marks.map(({ kind, details }) => `${kind} ${details}`),
  ].join(' ');
}

function isOfKind({ ulid, marks }: BlockEntry, only: string, { overlapping, replacedBy }: BlockFindings): boolean {
  if (only === 'overlaps') return overlapping.has(ulid);
  if (only === 'marked') return marks.length > 0;
  if (only === 'replaced') return replacedBy.has(ulid);
  return true;
}

function wholeRange(blocks: readonly BlockEntry[]): Interval {
  let from = Number.POSITIVE_INFINITY;
  let to = Number.NEGATIVE_INFINITY;
  for (const block of blocks) {
    from = Math.min(from, block.from);
    to = Math.max(to, block.to);
  }
  return to > from ? { from, to } : { from: 0, to: 1 };
}

function valuesOf(blocks: readonly BlockEntry[], value: (block: BlockEntry) => number): readonly number[] {
  return [...new Set(blocks.map(value))].sort((a, b) => a - b);
}

function emptyText({ refreshedAtMs, error }: BlocksAnswer): string {
  if (refreshedAtMs !== undefined) return 'There are no blocks.';
  return error === '' ? 'The first look at the bucket is under way.' : 'Nothing is known about the bucket yet.';
}

function viewOf(path: string, asked: string | null): 'loaded' | 'global' {
  if (facts.component === 'store') return 'loaded';
  if (facts.component === 'bucket web') return 'global';
  if (asked === 'loaded' || asked === 'global') return asked;
  return path === '/loaded' ? 'loaded' : 'global';
}
