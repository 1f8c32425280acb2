// The flags the process was started with.

import { TextInput } from '@mantine/core';
import { type ReactNode, useState } from 'react';
import { type Column, DataTable } from '../parts/data-table.tsx';
import { Section } from './section.tsx';
import { flagsOf } from './status.ts';

type Flag = ReturnType<typeof flagsOf>[number];

const columns: readonly Column<Flag>[] = [
  {
    key: 'name',
    title: 'Flag',
    width: 'minmax(220px, 1fr)',
    cell: ({ name }) => <span className="mono">--{name}</span>,
    sortBy: ({ name }) => name,
  },
  {
    key: 'value',
    title: 'Value',
    width: 'minmax(200px, 2fr)',
    cell: ({ value }) => value,
    sortBy: ({ value }) => value,
  },
];

export function FlagsSection(): ReactNode {
  const [typed, setTyped] = useState('');
  const words = typed.toLowerCase();
  return (
    <Section
      id="flags"
      title="Flags"
      api="status/flags"
      tools={
        <TextInput
          size="xs"
          aria-label="Filter the flags"
          placeholder="filter"
          value={typed}
          onChange={(event) => setTyped(event.currentTarget.value)}
        />
      }
    >
      {(data) => (
        <DataTable
          title="Flags"
          rows={flagsOf(data).filter(({ name, value }) => `--${name}=${value}`.toLowerCase().includes(words))}
          columns={columns}
          keyOf={({ name }) => name}
          empty="No flag fits the filter."
        />
      )}
    </Section>
  );
}
