// The controls of a panel: time, step, how it is drawn, and how stores are asked.

import {
  ActionIcon,
  Button,
  Checkbox,
  Group,
  NativeSelect,
  Popover,
  SegmentedControl,
  Stack,
  Switch,
  TextInput,
  Tooltip,
} from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { type ReactNode, useEffect, useId, useState } from 'react';
import { callApi } from '../api.ts';
import { facts, hasApi } from '../facts.ts';
import { FailureLine } from '../parts/failure-line.tsx';
import { LeftIcon, MinusIcon, PlusIcon, RightIcon, SettingsIcon } from '../parts/icons.tsx';
import { durationText, parseDurationText } from '../parts/text.ts';
import type { Display, Panel } from './panel.ts';
import { stepOf } from './request.ts';
import { nextRange, parseTimeInput, RANGES_MS, timeInputText } from './time-input.ts';

export interface SettingsProps {
  readonly panel: Panel;
  readonly isLocal: boolean;
  readonly onChange: (changes: Partial<Panel>) => void;
}

/** Range and end of a graph. */
export function RangeControls({ panel, onChange }: SettingsProps): ReactNode {
  const listId = useId();
  const setRange = (direction: 1 | -1): void => onChange({ rangeMs: nextRange(panel.rangeMs, direction) });
  return (
    <Group gap={4} wrap="nowrap" role="group" aria-label="Range">
      <Tooltip label="Shorter range">
        <ActionIcon variant="default" size={30} aria-label="Shorter range" onClick={() => setRange(-1)}>
          <MinusIcon />
        </ActionIcon>
      </Tooltip>
      <TypedInput
        label="Range"
        value={durationText(panel.rangeMs)}
        width={76}
        list={listId}
        parse={(text) => {
          const ms = parseDurationText(text);
          return ms !== undefined && ms > 0 ? () => onChange({ rangeMs: ms }) : undefined;
        }}
      />
      <datalist id={listId}>
        {RANGES_MS.map((ms) => (
          <option key={ms} value={durationText(ms)} />
        ))}
      </datalist>
      <Tooltip label="Longer range">
        <ActionIcon variant="default" size={30} aria-label="Longer range" onClick={() => setRange(1)}>
          <PlusIcon />
        </ActionIcon>
      </Tooltip>
    </Group>
  );
}

/** The end of a graph, or the moment of a table. */
export function TimeControls({
  panel,
  isLocal,
  onChange,
  label,
}: SettingsProps & { readonly label: string }): ReactNode {
  const shift = (direction: 1 | -1): void => {
    const nowMs = Date.now();
    const endMs = (panel.endMs ?? nowMs) + (direction * panel.rangeMs) / 2;
    onChange({ endMs: direction === 1 && endMs >= nowMs ? undefined : Math.floor(endMs / 1000) * 1000 });
  };
  return (
    <Group gap={4} wrap="nowrap" role="group" aria-label={label}>
      <Tooltip label="Half a range earlier">
        <ActionIcon variant="default" size={30} aria-label="Half a range earlier" onClick={() => shift(-1)}>
          <LeftIcon />
        </ActionIcon>
      </Tooltip>
      <TypedInput
        label={`${label} (${isLocal ? 'local' : 'UTC'})`}
        value={timeInputText(panel.endMs, isLocal)}
        placeholder="now"
        width={158}
        parse={(text) => {
          const endMs = parseTimeInput(text, isLocal, Date.now());
          return endMs === 'invalid' ? undefined : () => onChange({ endMs });
        }}
      />
      <Tooltip label="Half a range later">
        <ActionIcon
          variant="default"
          size={30}
          aria-label="Half a range later"
          disabled={panel.endMs === undefined}
          onClick={() => shift(1)}
        >
          <RightIcon />
        </ActionIcon>
      </Tooltip>
      {panel.endMs !== undefined && (
        <Button size="compact-sm" variant="default" onClick={() => onChange({ endMs: undefined })}>
          Now
        </Button>
      )}
    </Group>
  );
}

/** The step; empty chooses it. */
export function StepControl({ panel, onChange }: SettingsProps): ReactNode {
  return (
    <TypedInput
      label="Step"
      value={panel.step}
      placeholder={`step ${durationText(stepOf(panel))}`}
      width={92}
      parse={(text) => {
        const ms = parseDurationText(text);
        if (text.trim() === '') return () => onChange({ step: '' });
        return ms !== undefined && ms > 0 ? () => onChange({ step: text.trim() }) : undefined;
      }}
    />
  );
}

export function DisplayControl({ panel, onChange }: SettingsProps): ReactNode {
  return (
    <SegmentedControl
      size="xs"
      aria-label="How it is drawn"
      value={panel.display}
      onChange={(value) => onChange({ display: value as Display })}
      data={[
        { value: 'lines', label: 'Lines' },
        { value: 'stacked', label: 'Stacked' },
        { value: 'heatmap', label: 'Heatmap' },
      ]}
    />
  );
}

/** How the stores are asked. */
export function StoreControls(props: SettingsProps): ReactNode {
  const { panel, onChange } = props;
  return (
    <>
      <Switch
        size="xs"
        label="Deduplicate"
        checked={panel.dedup}
        onChange={(event) => onChange({ dedup: event.currentTarget.checked })}
      />
      <Switch
        size="xs"
        label="Partial response"
        checked={panel.partialResponse}
        onChange={(event) => onChange({ partialResponse: event.currentTarget.checked })}
      />
      <NativeSelect
        size="xs"
        aria-label="Coarsest data"
        value={panel.maxResolution}
        onChange={(event) => onChange({ maxResolution: event.currentTarget.value })}
        data={resolutionChoices(panel.maxResolution)}
      />
      <MoreSettings {...props} />
    </>
  );
}

function resolutionChoices(current: string): { value: string; label: string }[] {
  const byDefault = facts.query.autoDownsampling ? 'data by step (server)' : 'raw data (server)';
  const choices = [
    { value: '', label: byDefault },
    { value: 'auto', label: 'data by step' },
    { value: '0s', label: 'raw data only' },
    { value: '5m', label: 'up to 5m data' },
    { value: '1h', label: 'up to 1h data' },
  ];
  return choices.some(({ value }) => value === current)
    ? choices
    : [...choices, { value: current, label: `up to ${current} data` }];
}

function MoreSettings({ panel, onChange }: SettingsProps): ReactNode {
  const [isOpen, setIsOpen] = useState(false);
  const changed = [panel.stores.length > 0, panel.replicaLabels.length > 0, panel.lookback !== ''].filter(
    Boolean,
  ).length;
  return (
    <Popover opened={isOpen} onChange={setIsOpen} position="bottom-end" shadow="md" width={330} trapFocus returnFocus>
      <Popover.Target>
        <Button
          size="compact-sm"
          variant={changed > 0 ? 'light' : 'default'}
          leftSection={<SettingsIcon />}
          aria-expanded={isOpen}
          onClick={() => setIsOpen(!isOpen)}
        >
          Stores{changed > 0 ? ` (${changed})` : ''}
        </Button>
      </Popover.Target>
      <Popover.Dropdown>
        <Stack gap="sm">
          <TypedInput
            label="Lookback"
            showsLabel
            value={panel.lookback}
            placeholder={`${durationText(facts.query.lookbackMs)}, as the server does`}
            parse={(text) => {
              const ms = parseDurationText(text);
              if (text.trim() === '') return () => onChange({ lookback: '' });
              return ms !== undefined && ms > 0 ? () => onChange({ lookback: text.trim() }) : undefined;
            }}
          />
          <TypedInput
            label="Replica labels"
            showsLabel
            value={panel.replicaLabels.join(', ')}
            placeholder={
              facts.query.replicaLabels.length > 0
                ? `${facts.query.replicaLabels.join(', ')}, as the server does`
                : 'none'
            }
            parse={(text) => () =>
              onChange({
                replicaLabels: text
                  .split(',')
                  .map((label) => label.trim())
                  .filter((label) => label !== ''),
              })
            }
          />
          {hasApi('/api/v1/stores') && isOpen && (
            <StoreChoice stores={panel.stores} onChange={(stores) => onChange({ stores })} />
          )}
        </Stack>
      </Popover.Dropdown>
    </Popover>
  );
}

function StoreChoice({
  stores,
  onChange,
}: {
  readonly stores: readonly string[];
  readonly onChange: (stores: readonly string[]) => void;
}): ReactNode {
  const [filter, setFilter] = useState('');
  const answer = useQuery({
    queryKey: ['stores'],
    queryFn: ({ signal }) =>
      callApi<Record<string, readonly { readonly name?: string }[] | null>>('stores', { signal }),
  });
  const known = Object.entries(answer.data?.data ?? {}).flatMap(([kind, list]) =>
    (list ?? []).flatMap(({ name }) => (typeof name === 'string' ? [{ name, kind }] : [])),
  );
  // A link may name stores that are not here any more.
  const gone = stores
    .filter((name) => !known.some((one) => one.name === name))
    .map((name) => ({ name, kind: 'not here' }));
  const shown = [...gone, ...known].filter(({ name }) => name.includes(filter));
  return (
    <fieldset className="store-choice">
      <legend>Ask only these stores</legend>
      {answer.isError && <FailureLine failure={answer.error} />}
      {known.length > 10 && (
        <TextInput
          size="xs"
          aria-label="Find a store"
          placeholder="Find a store"
          value={filter}
          onChange={(event) => setFilter(event.currentTarget.value)}
        />
      )}
      <Stack gap={6} className="store-choice-list">
        {shown.slice(0, 200).map(({ name, kind }) => (
          <Checkbox
            key={name}
            size="xs"
            label={`${name} (${kind})`}
            checked={stores.includes(name)}
            onChange={(event) =>
              onChange(event.currentTarget.checked ? [...stores, name] : stores.filter((one) => one !== name))
            }
          />
        ))}
      </Stack>
      {stores.length > 0 && (
        <Button size="compact-xs" variant="subtle" onClick={() => onChange([])}>
          Ask all stores
        </Button>
      )}
    </fieldset>
  );
}

interface TypedInputProps {
  readonly label: string;
  readonly showsLabel?: boolean;
  readonly value: string;
  readonly placeholder?: string;
  readonly width?: number;
  readonly list?: string;
  /** What to do with a text when typing is over; undefined when the text is not valid. */
  readonly parse: (text: string) => (() => void) | undefined;
}

/** A field that takes effect on Enter or when it is left, Escape takes the change back. */
function TypedInput({ label, showsLabel, value, placeholder, width, list, parse }: TypedInputProps): ReactNode {
  const [draft, setDraft] = useState(value);
  useEffect(() => setDraft(value), [value]);
  const change = parse(draft);
  const commit = (): void => {
    if (draft !== value) change?.();
  };
  return (
    <TextInput
      size="xs"
      {...(showsLabel === true ? { label } : { 'aria-label': label })}
      {...(width === undefined ? {} : { w: width })}
      list={list}
      placeholder={placeholder}
      value={draft}
      error={change === undefined}
      autoComplete="off"
      onChange={(event) => setDraft(event.currentTarget.value)}
      onBlur={commit}
      onKeyDown={(event) => {
        if (event.key === 'Enter') commit();
        else if (event.key === 'Escape') setDraft(value);
      }}
    />
  );
}
