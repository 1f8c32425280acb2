// One panel: the editor with its buttons, the tabs, and what the chosen tab shows.

import { ActionIcon, Button, Group, Menu, Paper, Tabs, Tooltip, useComputedColorScheme } from '@mantine/core';
import { lazy, type ReactNode, Suspense, useCallback, useEffect, useRef, useState } from 'react';
import { callApi } from '../api.ts';
import { hasApi } from '../facts.ts';
import { ApiError } from '../fetch-answer.ts';
import { FailureLine } from '../parts/failure-line.tsx';
import { CloseIcon, CopyIcon, FormatIcon, HistoryIcon } from '../parts/icons.tsx';
import { useSettings } from '../settings.ts';
import { checkExpression } from './check-expression.ts';
import { ExplainTab } from './explain-tab.tsx';
import { noteFailure } from './failed-runs.ts';
import { GraphTab } from './graph-tab.tsx';
import { remember, remembered } from './history.ts';
import type { Panel, PanelTab } from './panel.ts';
import { StoreControls } from './panel-settings.tsx';
import { TableTab } from './table-tab.tsx';

// The editor is a third of this page's code: it comes while the rest is drawn, and is asked for at once.
const editor = import('./expression-input.tsx');
const ExpressionInput = lazy(async () => ({ default: (await editor).ExpressionInput }));

export interface PanelViewProps {
  readonly panel: Panel;
  readonly index: number;
  readonly isOnly: boolean;
  readonly onChange: (changes: Partial<Panel>) => void;
  readonly onRemove: () => void;
  readonly onCopy: () => void;
}

export function PanelView({ panel, index, isOnly, onChange, onRemove, onCopy }: PanelViewProps): ReactNode {
  const isDark = useComputedColorScheme('light', { getInitialValueInEffect: false }) === 'dark';
  const [{ localTime: isLocal }] = useSettings();
  const [draft, setDraft] = useState(panel.expr);
  const [runCount, setRunCount] = useState(0);
  const [formatFailure, setFormatFailure] = useState<ApiError>();
  const [lintKey, setLintKey] = useState<string>();
  // The link may change under us: back, forward, another link.
  useEffect(() => setDraft(panel.expr), [panel.expr]);
  const latest = useRef(panel);
  latest.current = panel;
  const run = (expr: string): void => {
    const text = expr.trim();
    remember(text);
    setFormatFailure(undefined);
    setRunCount((count) => count + 1);
    if (text !== panel.expr) onChange({ expr: text, picked: [] });
  };
  const format = async (): Promise<void> => {
    try {
      const problem = await checkExpression(draft);
      if (problem !== undefined) throw new ApiError('bad_data', problem);
      const { data } = await callApi<string>('format_query', { method: 'POST', parameters: { query: draft } });
      setDraft(data);
      setFormatFailure(undefined);
    } catch (thrown) {
      setFormatFailure(thrown instanceof ApiError ? thrown : new ApiError('unknown', String(thrown)));
    }
  };
  const onFailure = useCallback((message: string) => {
    noteFailure(latest.current.expr, message);
    setLintKey(message);
  }, []);
  const window = useCallback(() => {
    const endMs = latest.current.endMs ?? Date.now();
    return { startMs: endMs - latest.current.rangeMs, endMs };
  }, []);
  const runKey = panel.expr === '' ? '' : JSON.stringify([runCount, ...queried(panel)]);
  const tab = { panel, runKey, isDark, isLocal, onChange, onFailure };
  const name = `Panel ${index + 1}`;
  return (
    <Paper component="section" withBorder className="panel" aria-label={name}>
      <div className="panel-top">
        <Suspense fallback={<div className="expression is-loading mono">{draft}</div>}>
          <ExpressionInput
            value={draft}
            label={`Expression of panel ${index + 1}`}
            isDark={isDark}
            window={window}
            lintKey={lintKey}
            startsFocused={isOnly && panel.expr === ''}
            onChange={setDraft}
            onRun={() => run(draft)}
          />
        </Suspense>
        <Group gap={6} wrap="nowrap" className="panel-buttons">
          <HistoryMenu
            onChoose={(expr) => {
              setDraft(expr);
              run(expr);
            }}
          />
          {hasApi('/api/v1/format_query') && (
            <IconButton label="Format the expression" onClick={() => void format()}>
              <FormatIcon />
            </IconButton>
          )}
          <IconButton label="Copy this panel below" onClick={onCopy}>
            <CopyIcon />
          </IconButton>
          {!isOnly && (
            <IconButton label={`Remove panel ${index + 1}`} onClick={onRemove}>
              <CloseIcon />
            </IconButton>
          )}
          <Button size="compact-md" onClick={() => run(draft)}>
            Run
          </Button>
        </Group>
      </div>
      {formatFailure !== undefined && <FailureLine failure={formatFailure} />}
      <Tabs
        value={panel.tab}
        onChange={(value) => onChange({ tab: (value ?? 'graph') as PanelTab })}
        keepMounted={false}
      >
        <div className="panel-bar">
          <Tabs.List className="panel-tabs" aria-label={`${name}, views`}>
            <Tabs.Tab value="graph">Graph</Tabs.Tab>
            <Tabs.Tab value="table">Table</Tabs.Tab>
            <Tabs.Tab value="explain">Explain</Tabs.Tab>
          </Tabs.List>
          <div className="store-controls">
            <StoreControls panel={panel} isLocal={isLocal} onChange={onChange} />
          </div>
        </div>
        <Tabs.Panel value="graph">
          <GraphTab {...tab} />
        </Tabs.Panel>
        <Tabs.Panel value="table">
          <TableTab {...tab} />
        </Tabs.Panel>
        <Tabs.Panel value="explain">
          <ExplainTab panel={panel} runKey={runKey} />
        </Tabs.Panel>
      </Tabs>
    </Paper>
  );
}

/** What decides the answer: when one of these changes, the query is run again. */
function queried(panel: Panel): readonly unknown[] {
  const { expr, tab, rangeMs, endMs, step, dedup, partialResponse, maxResolution, stores, replicaLabels, lookback } =
    panel;
  const window = tab === 'table' ? [endMs] : [rangeMs, endMs, step];
  return [expr, ...window, dedup, partialResponse, maxResolution, stores, replicaLabels, lookback];
}

function HistoryMenu({ onChoose }: { readonly onChoose: (expr: string) => void }): ReactNode {
  const [list, setList] = useState<readonly string[]>([]);
  return (
    <Menu position="bottom-end" shadow="md" width={460} onOpen={() => setList(remembered())}>
      <Menu.Target>
        <ActionIcon variant="default" size={30} aria-label="History" title="History">
          <HistoryIcon />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown className="history">
        {list.length === 0 && <Menu.Label>What you run is listed here</Menu.Label>}
        {list.map((expr) => (
          <Menu.Item key={expr} onClick={() => onChoose(expr)}>
            <span className="mono history-text">{expr}</span>
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}

function IconButton({
  label,
  onClick,
  children,
}: {
  readonly label: string;
  readonly onClick: () => void;
  readonly children: ReactNode;
}): ReactNode {
  return (
    <Tooltip label={label}>
      <ActionIcon variant="default" size={30} aria-label={label} onClick={onClick}>
        {children}
      </ActionIcon>
    </Tooltip>
  );
}
