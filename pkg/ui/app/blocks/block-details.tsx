// One block: everything its meta.json says, its marks, and a way to set one.

import { Button, Drawer, Group, Stack, Textarea } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import { FailureLine, NoteLine } from '../parts/failure-line.tsx';
import { LabelSet } from '../parts/label-set.tsx';
import { byteText, timeText } from '../parts/text.ts';
import { spanText } from '../parts/time-axis.ts';
import { useSettings } from '../settings.ts';
import { type BlockEntry, listOf, recordOf, resolutionText } from './blocks.ts';
import type { BlockFindings } from './findings.ts';
import { callMark } from './mark-call.ts';

interface BlockDetailsProps {
  readonly block: BlockEntry;
  readonly findings: BlockFindings;
  readonly canMark: boolean;
  readonly onClose: () => void;
  readonly onSelect: (ulid: string) => void;
}

export function BlockDetails(props: BlockDetailsProps): ReactNode {
  const { block, findings, canMark, onClose, onSelect } = props;
  const [{ localTime }] = useSettings();
  const when = (ms: number): string => timeText(ms, localTime);
  const others = findings.overlaps.flatMap(({ first, second }) =>
    first.ulid === block.ulid ? [second.ulid] : second.ulid === block.ulid ? [first.ulid] : [],
  );
  const replacedBy = findings.replacedBy.get(block.ulid);
  const link = (ulid: string): ReactNode => (
    <button key={ulid} type="button" className="link-button mono" onClick={() => onSelect(ulid)}>
      {ulid}
    </button>
  );
  return (
    <Drawer
      opened
      onClose={onClose}
      position="right"
      size="lg"
      title={<span className="mono block-title">{block.ulid}</span>}
      closeButtonProps={{ 'aria-label': 'Close the details' }}
      overlayProps={{ backgroundOpacity: 0.15 }}
      transitionProps={{ duration: 0 }}
    >
      <Stack gap="sm">
        {others.length > 0 && (
          <NoteLine kind="error">
            <b>Overlaps</b> {others.map(link)}
          </NoteLine>
        )}
        {replacedBy !== undefined && (
          <NoteLine kind="info">All its samples are in {link(replacedBy)}: it waits for its deletion.</NoteLine>
        )}
        {block.marks.map(({ kind, timeMs, details, reason }) => (
          <NoteLine key={kind} kind="warning">
            <b>Marked {kind}</b> {when(timeMs)}
            {reason !== '' && `, ${reason}`}
            {details !== '' && `: ${details}`}
          </NoteLine>
        ))}
        <Facts
          facts={[
            ['From', when(block.from)],
            ['To', `${when(block.to)} (${spanText(block.to - block.from)})`],
            ['Labels', <LabelSet key="labels" labels={block.labels} />],
            ['Resolution', resolutionText(block.resolutionMs)],
            ['Level', `${block.level}, of ${block.sources.length} ${block.sources.length === 1 ? 'block' : 'blocks'}`],
            ['Made by', block.source],
            ['Uploaded', uploadText(block, when)],
            ['Series', block.seriesCount.toLocaleString('en')],
            ['Samples', block.sampleCount.toLocaleString('en')],
            ['Chunks', block.chunkCount.toLocaleString('en')],
            ['Size', block.sizeBytes === 0 ? 'not recorded' : byteText(block.sizeBytes)],
            [
              'Bytes per sample',
              block.sampleCount > 0 && block.sizeBytes > 0 ? (block.sizeBytes / block.sampleCount).toFixed(2) : '',
            ],
          ]}
        />
        <Files block={block} />
        {canMark ? (
          <MarkForm key={block.ulid} block={block} />
        ) : (
          <p className="muted">This server does not let blocks be marked here.</p>
        )}
        <details>
          <summary>meta.json</summary>
          <pre className="block-meta">{JSON.stringify(block.meta, null, 2)}</pre>
        </details>
      </Stack>
    </Drawer>
  );
}

function Facts({ facts }: { readonly facts: readonly (readonly [string, ReactNode])[] }): ReactNode {
  return (
    <dl className="facts">
      {facts
        .filter(([, value]) => value !== '')
        .map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
    </dl>
  );
}

function Files({ block }: { readonly block: BlockEntry }): ReactNode {
  const files = listOf(recordOf(block.meta['thanos'])['files']).map(recordOf);
  if (files.length === 0) return null;
  return (
    <details>
      <summary>
        {files.length} {files.length === 1 ? 'file' : 'files'}
      </summary>
      <ul className="findings">
        {files.slice(0, 1000).map((file) => (
          <li key={String(file['rel_path'])}>
            <span className="mono">{String(file['rel_path'])}</span>{' '}
            {typeof file['size_bytes'] === 'number' ? byteText(file['size_bytes']) : ''}
          </li>
        ))}
      </ul>
    </details>
  );
}

type Action = 'DELETION' | 'NO_COMPACTION';

function MarkForm({ block }: { readonly block: BlockEntry }): ReactNode {
  const client = useQueryClient();
  const [detail, setDetail] = useState('');
  const [asked, setAsked] = useState<Action>();
  const [isSending, setSending] = useState(false);
  const [failure, setFailure] = useState<unknown>();
  const has = (kind: string): boolean => block.marks.some((mark) => mark.kind === kind);
  const send = async (action: Action): Promise<void> => {
    setSending(true);
    setFailure(undefined);
    try {
      await callMark(block.ulid, action, detail);
      await client.invalidateQueries({ queryKey: ['blocks'] });
      setAsked(undefined);
    } catch (thrown) {
      setFailure(thrown);
    } finally {
      setSending(false);
    }
  };
  if (has('deletion') && has('no-compact')) return null;
  return (
    <section aria-label="Mark this block">
      <Stack gap="xs">
        <Textarea
          label="Mark this block"
          description="Why, in words; kept in the mark"
          autosize
          minRows={1}
          value={detail}
          onChange={(event) => setDetail(event.currentTarget.value)}
        />
        {asked === undefined ? (
          <Group gap="xs">
            {!has('deletion') && (
              <Button size="xs" color="red" variant="light" onClick={() => setAsked('DELETION')}>
                Mark for deletion
              </Button>
            )}
            {!has('no-compact') && (
              <Button size="xs" variant="light" onClick={() => setAsked('NO_COMPACTION')}>
                Mark no-compact
              </Button>
            )}
          </Group>
        ) : (
          <NoteLine kind="warning">
            {asked === 'DELETION'
              ? 'The compactor deletes it once the delay has passed; until then the mark can be taken away with tools bucket mark --remove.'
              : 'The compactor leaves it alone until the mark is taken away with tools bucket mark --remove.'}
            <Group gap="xs" mt={6}>
              <Button
                size="xs"
                color={asked === 'DELETION' ? 'red' : undefined}
                loading={isSending}
                onClick={() => send(asked)}
                autoFocus
              >
                {asked === 'DELETION' ? 'Yes, mark it for deletion' : 'Yes, mark it no-compact'}
              </Button>
              <Button size="xs" variant="default" onClick={() => setAsked(undefined)}>
                Leave it
              </Button>
            </Group>
          </NoteLine>
        )}
        {failure !== undefined && <FailureLine failure={failure} />}
      </Stack>
    </section>
  );
}

function uploadText({ meta }: BlockEntry, when: (ms: number) => string): string {
  const ms = Date.parse(String(recordOf(meta['thanos'])['upload_time']));
  return ms > 0 ? when(Math.round(ms)) : '';
}
