// The query page: panels, all of which are in the link.

import './query.css';
import { Button } from '@mantine/core';
import { type ReactNode, useMemo, useRef } from 'react';
import { facts } from '../facts.ts';
import { PlusIcon } from '../parts/icons.tsx';
import { go, usePlace } from '../router.ts';
import { parseLink, printLink } from './link.ts';
import { newPanel, type Panel } from './panel.ts';
import { PanelView } from './panel-view.tsx';

export function QueryPage(): ReactNode {
  const { search } = usePlace();
  const panels = useMemo(() => parseLink(search === '' ? facts.startLink : search, facts.query), [search]);
  const ids = usePanelIds(panels.length);
  const latest = useRef(panels);
  latest.current = panels;
  const show = (next: readonly Panel[], replace = false): void => {
    latest.current = next;
    go(`graph?${printLink(next, facts.query)}`, { replace });
  };
  const change = (index: number, changes: Partial<Panel>): void => {
    // What is only typed while looking leaves no steps behind to go back through.
    const isSmall = Object.keys(changes).every((name) => name === 'filter' || name === 'sort' || name === 'picked');
    show(
      latest.current.map((panel, i) => (i === index ? { ...panel, ...changes } : panel)),
      isSmall,
    );
  };
  const add = (index: number, panel: Panel): void => {
    ids.insert(index);
    show(latest.current.toSpliced(index, 0, panel));
  };
  return (
    <>
      <h1 className="visually-hidden">Query</h1>
      {panels.map((panel, index) => (
        <PanelView
          key={ids.at(index)}
          panel={panel}
          index={index}
          isOnly={panels.length === 1}
          onChange={(changes) => change(index, changes)}
          onRemove={() => {
            ids.remove(index);
            show(latest.current.toSpliced(index, 1));
          }}
          onCopy={() => add(index + 1, panel)}
        />
      ))}
      <Button
        variant="default"
        size="compact-md"
        leftSection={<PlusIcon />}
        onClick={() => add(panels.length, newPanel(facts.query))}
      >
        Add panel
      </Button>
    </>
  );
}

/** Names for panels that stay with them when others come and go. */
function usePanelIds(count: number) {
  const ids = useRef<number[]>([]);
  const next = useRef(0);
  while (ids.current.length < count) ids.current.push(next.current++);
  ids.current.length = count;
  return {
    at: (index: number) => ids.current[index],
    insert: (index: number) => void ids.current.splice(index, 0, next.current++),
    remove: (index: number) => void ids.current.splice(index, 1),
  };
}
