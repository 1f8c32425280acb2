// Every block as a row.

import type { ReactNode } from 'react';
import { type Column, DataTable } from '../parts/data-table.tsx';
import { labelText } from '../parts/label-filter.ts';
import { LabelSet } from '../parts/label-set.tsx';
import { byteText, shortNumber, timeText } from '../parts/text.ts';
import { spanText } from '../parts/time-axis.ts';
import { useSettings } from '../settings.ts';
import { type BlockEntry, resolutionText } from './blocks.ts';
import type { BlockFindings } from './findings.ts';

interface BlockTableProps {
  readonly blocks: readonly BlockEntry[];
  readonly findings: BlockFindings;
  readonly selected: BlockEntry | undefined;
  readonly onSelect: (block: BlockEntry) => void;
  readonly empty: ReactNode;
}

export function BlockTable({ blocks, findings, selected, onSelect, empty }: BlockTableProps): ReactNode {
  const [{ localTime }] = useSettings();
  const when = (ms: number): string => timeText(Math.round(ms / 1000) * 1000, localTime).slice(0, 16);
  const columns: readonly Column<BlockEntry>[] = [
    {
      key: 'ulid',
      title: 'Block',
      width: 'minmax(235px, 1.2fr)',
      cell: (block) => (
        <button type="button" className="link-button mono" onClick={() => onSelect(block)}>
          {block.ulid}
        </button>
      ),
      sortBy: ({ ulid }) => ulid,
    },
    { key: 'from', title: 'From', width: '140px', cell: ({ from }) => when(from), sortBy: ({ from }) => from },
    {
      key: 'span',
      title: 'Length',
      width: '80px',
      isNumber: true,
      cell: ({ from, to }) => spanText(to - from),
      sortBy: ({ from, to }) => to - from,
    },
    {
      key: 'res',
      title: 'Res.',
      width: '62px',
      cell: ({ resolutionMs }) => resolutionText(resolutionMs),
      sortBy: ({ resolutionMs }) => resolutionMs,
    },
    {
      key: 'level',
      title: 'Level',
      width: '70px',
      isNumber: true,
      cell: ({ level }) => level,
      sortBy: ({ level }) => level,
    },
    {
      key: 'series',
      title: 'Series',
      width: '80px',
      isNumber: true,
      cell: ({ seriesCount }) => shortNumber(seriesCount),
      sortBy: ({ seriesCount }) => seriesCount,
    },
    {
      key: 'samples',
      title: 'Samples',
      width: '90px',
      isNumber: true,
      cell: ({ sampleCount }) => shortNumber(sampleCount),
      sortBy: ({ sampleCount }) => sampleCount,
    },
    {
      key: 'size',
      title: 'Size',
      width: '90px',
      isNumber: true,
      cell: ({ sizeBytes }) => (sizeBytes === 0 ? '' : byteText(sizeBytes)),
      sortBy: ({ sizeBytes }) => sizeBytes,
    },
    {
      key: 'labels',
      title: 'Labels',
      width: 'minmax(160px, 1.5fr)',
      cell: ({ labels }) => <LabelSet labels={labels} />,
      sortBy: ({ labels }) => labelText(labels),
    },
    { key: 'source', title: 'Source', width: '90px', cell: ({ source }) => source, sortBy: ({ source }) => source },
    {
      key: 'notes',
      title: 'Notes',
      width: 'minmax(110px, 1fr)',
      cell: (block) => <Notes block={block} findings={findings} />,
      sortBy: (block) => -notesOf(block, findings).length,
    },
  ];
  return (
    <DataTable
      title="Blocks"
      rows={blocks}
      columns={columns}
      keyOf={({ ulid }) => ulid}
      initialSort="-from"
      isSelected={(block) => block === selected}
      empty={empty}
    />
  );
}

/** The short words for what is to know about a block, each with its look. */
export function notesOf(
  block: BlockEntry,
  { overlapping, replacedBy }: BlockFindings,
): readonly (readonly [string, string])[] {
  return [
    ...(overlapping.has(block.ulid) ? [['overlap', 'block-note block-note-bad'] as const] : []),
    ...(replacedBy.has(block.ulid) ? [['replaced', 'block-note'] as const] : []),
    ...block.marks.map(({ kind }) => [kind === 'deletion' ? 'to be deleted' : kind, 'block-note'] as const),
  ];
}

function Notes({ block, findings }: { readonly block: BlockEntry; readonly findings: BlockFindings }): ReactNode {
  return notesOf(block, findings).map(([text, look]) => (
    <span key={text} className={look}>
      {text}
    </span>
  ));
}
