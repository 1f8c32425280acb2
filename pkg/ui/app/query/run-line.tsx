// How a query goes, or went: time, series, samples, size; which data answered; downloads.

import { Button, Loader, Menu } from '@mantine/core';
import { type ReactNode, useEffect, useState } from 'react';
import { DownloadIcon } from '../parts/icons.tsx';
import { byteText, shortNumber, tookText } from '../parts/text.ts';
import { downloadCsv, downloadJson } from './download.ts';
import type { RunState } from './use-run.ts';

/** Queries that answer at once would only make this flicker. */
const SHOW_AFTER_MS = 250;

export function RunLine({ run, onCancel }: { readonly run: RunState; readonly onCancel: () => void }): ReactNode {
  if (run.isRunning) return <RunningLine run={run} onCancel={onCancel} />;
  if (run.done === undefined) return <div className="run-line" />;
  const { answer, tookMs } = run.done;
  const { result } = answer;
  const points = result.times.length + (result.histograms?.reduce((sum, list) => sum + list.length, 0) ?? 0);
  const resolution = resolutionText(answer.stats);
  return (
    <div className="run-line">
      <span role="status">
        {result.labels.length.toLocaleString('en')} series · {points.toLocaleString('en')}{' '}
        {points === 1 ? 'point' : 'points'} · {tookText(tookMs)} · {byteText(answer.raw.size)}
      </span>
      {resolution !== '' && <span className="resolution">{resolution}</span>}
      <Menu position="bottom-end" shadow="md">
        <Menu.Target>
          <Button size="compact-xs" variant="subtle" color="gray" leftSection={<DownloadIcon />}>
            Download
          </Button>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item onClick={() => downloadCsv(answer)}>CSV, a row for each sample</Menu.Item>
          <Menu.Item onClick={() => downloadJson(answer)}>JSON, as the server sent it</Menu.Item>
        </Menu.Dropdown>
      </Menu>
    </div>
  );
}

function RunningLine({ run, onCancel }: { readonly run: RunState; readonly onCancel: () => void }): ReactNode {
  const [nowMs, setNowMs] = useState(() => performance.now());
  useEffect(() => {
    const timer = setInterval(() => setNowMs(performance.now()), 100);
    return () => clearInterval(timer);
  }, []);
  const forMs = nowMs - run.startedMs;
  if (forMs < SHOW_AFTER_MS) return <div className="run-line" />;
  const { state, series, samples, receivedBytes } = run.progress;
  const parts = [
    state === 'waiting' ? 'waiting for a turn' : 'running',
    `${(forMs / 1000).toFixed(1)} s`,
    ...(series > 0 ? [`${series.toLocaleString('en')} series read`] : []),
    ...(samples > 0 ? [`${shortNumber(samples)} samples read`] : []),
    ...(receivedBytes > 0 ? [`${byteText(receivedBytes)} received`] : []),
  ];
  return (
    <div className="run-line is-running">
      <Loader size={14} aria-hidden />
      <span>{parts.join(' · ')}</span>
      <Button size="compact-xs" variant="light" color="red" onClick={onCancel}>
        Cancel
      </Button>
    </div>
  );
}

/** Which data were read, where not all of it was raw. */
function resolutionText(stats: unknown): string {
  const list = (stats as { resolutions?: unknown } | undefined)?.resolutions;
  if (!Array.isArray(list) || !list.some((one) => one !== 'raw')) return '';
  return `answered from ${list.join(' and ')} data`;
}
