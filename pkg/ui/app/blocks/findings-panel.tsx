// What is wrong with the blocks, or worth a look: overlaps, holes, uploads that never ended.

import { type ReactNode, useState } from 'react';
import { NoteLine } from '../parts/failure-line.tsx';
import { timeText } from '../parts/text.ts';
import { spanText } from '../parts/time-axis.ts';
import { useSettings } from '../settings.ts';
import type { BlockEntry, PartialBlock } from './blocks.ts';
import { resolutionText } from './blocks.ts';
import type { BlockFindings } from './findings.ts';

interface FindingsPanelProps {
  readonly findings: BlockFindings;
  readonly partial: readonly PartialBlock[];
  readonly onSelect: (block: BlockEntry) => void;
}

/** Shown before somebody asks for all. */
const FEW = 2;

export function FindingsPanel({ findings: { overlaps, holes }, partial, onSelect }: FindingsPanelProps): ReactNode {
  const [{ localTime }] = useSettings();
  const when = (ms: number): string => timeText(Math.round(ms / 1000) * 1000, localTime).slice(0, 16);
  const link = (block: BlockEntry): ReactNode => (
    <button type="button" className="link-button mono" onClick={() => onSelect(block)}>
      {block.ulid}
    </button>
  );
  return (
    <>
      <Findings
        kind="error"
        title={`${overlaps.length} ${overlaps.length === 1 ? 'overlap' : 'overlaps'}`}
        items={overlaps.map(({ first, second, from, to }) => (
          <span key={`${first.ulid} ${second.ulid}`}>
            {link(first)} and {link(second)}, {resolutionText(first.resolutionMs)}, share {spanText(to - from)} from{' '}
            {when(from)}
          </span>
        ))}
      />
      <Findings
        kind="warning"
        title={`${partial.length} ${partial.length === 1 ? 'upload is' : 'uploads are'} unfinished or unusable`}
        items={partial.map(({ ulid, error }) => (
          <span key={ulid}>
            <span className="mono">{ulid}</span>: {error.replace(`block ${ulid}: `, '')}
          </span>
        ))}
      />
      <Findings
        kind="info"
        title={`${holes.length} ${holes.length === 1 ? 'hole' : 'holes'} between blocks`}
        items={holes.map(({ group, from, to }) => {
          const [resolution, ...labels] = group.split(' ');
          return (
            <span key={`${group} ${from}`}>
              {labels.join(' ')} {resolutionText(Number(resolution))}: {spanText(to - from)} from {when(from)}
            </span>
          );
        })}
      />
    </>
  );
}

interface FindingsProps {
  readonly kind: 'error' | 'warning' | 'info';
  readonly title: string;
  readonly items: readonly ReactNode[];
}

function Findings({ kind, title, items }: FindingsProps): ReactNode {
  const [isOpen, setOpen] = useState(false);
  if (items.length === 0) return null;
  return (
    <NoteLine kind={kind}>
      <b>{title}</b>
      <ul className="findings">
        {(isOpen ? items.slice(0, 500) : items.slice(0, FEW)).map((item, i) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: the list is drawn anew as a whole.
          <li key={i}>{item}</li>
        ))}
      </ul>
      {items.length > FEW && (
        <button type="button" className="link-button" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
          {isOpen ? 'fewer' : `${items.length - FEW} more`}
        </button>
      )}
    </NoteLine>
  );
}
