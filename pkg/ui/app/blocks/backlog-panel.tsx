// What a compactor has before it: in all, and stream by stream.

import { Group, Paper } from '@mantine/core';
import { type ReactNode, useState } from 'react';
import { NoteLine } from '../parts/failure-line.tsx';
import { LabelSet } from '../parts/label-set.tsx';
import { byteText, timeText } from '../parts/text.ts';
import { agoText, spanText } from '../parts/time-axis.ts';
import { useSettings } from '../settings.ts';
import { type Backlog, type BacklogGroup, resolutionText } from './blocks.ts';

const FEW = 5;

export function BacklogPanel({ backlog }: { readonly backlog: Backlog }): ReactNode {
  const [{ localTime }] = useSettings();
  const [isOpen, setOpen] = useState(false);
  const { groups, deletionCount, bytesPerSecond, estimatedEndMs, workedOutAtMs } = backlog;
  const sum = (of: (group: BacklogGroup) => number): number => groups.reduce((total, group) => total + of(group), 0);
  const busy = groups.filter(({ compactionCount, downsampleCount }) => compactionCount + downsampleCount > 0);
  const blocked = groups.filter(({ blockedBecause }) => blockedBecause !== '');
  const isDone = busy.length === 0 && deletionCount === 0;
  return (
    <Paper withBorder p="sm" component="section" aria-label="Compaction backlog">
      <Group gap="lg">
        <h2>Backlog</h2>
        {isDone && <span className="count-good">nothing left to do</span>}
        {!isDone && (
          <>
            <Fact name="Compactions" value={String(sum(({ compactionCount }) => compactionCount))} />
            <Fact name="Downsamplings" value={String(sum(({ downsampleCount }) => downsampleCount))} />
            <Fact name="Blocks" value={String(sum(({ blockCount }) => blockCount))} />
            <Fact name="Size" value={byteText(sum(({ sizeBytes }) => sizeBytes))} />
            <Fact name="Past retention" value={String(deletionCount)} />
            {bytesPerSecond !== undefined && <Fact name="Speed" value={`${byteText(bytesPerSecond)}/s`} />}
            {estimatedEndMs !== undefined && (
              <Fact
                name="Done in about"
                value={spanText(Math.max(0, estimatedEndMs - Date.now()))}
                title={timeText(Math.round(estimatedEndMs / 1000) * 1000, localTime)}
              />
            )}
          </>
        )}
        <span className="muted">worked out {agoText(Date.now() - workedOutAtMs)} ago</span>
      </Group>
      {blocked.map(({ group, labels, resolutionMs, blockedBecause }) => (
        <NoteLine key={group} kind="error">
          <LabelSet labels={labels} /> {resolutionText(resolutionMs)} is left alone: {blockedBecause}
        </NoteLine>
      ))}
      {busy.length > 0 && (
        <ul className="findings">
          {(isOpen ? busy.slice(0, 500) : busy.slice(0, FEW)).map((group) => (
            <li key={group.group}>
              <LabelSet labels={group.labels} /> {resolutionText(group.resolutionMs)}:{' '}
              {counted(group.compactionCount, 'compaction')}, {counted(group.downsampleCount, 'downsampling')},{' '}
              {counted(group.blockCount, 'block')}, {byteText(group.sizeBytes)}
            </li>
          ))}
        </ul>
      )}
      {busy.length > FEW && (
        <button type="button" className="link-button" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
          {isOpen ? 'fewer' : `${busy.length - FEW} more streams`}
        </button>
      )}
    </Paper>
  );
}

function counted(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? '' : 's'}`;
}

function Fact({
  name,
  value,
  title,
}: {
  readonly name: string;
  readonly value: string;
  readonly title?: string;
}): ReactNode {
  return (
    <span className="fact" title={title}>
      <span className="muted">{name}</span> <b>{value}</b>
    </span>
  );
}
