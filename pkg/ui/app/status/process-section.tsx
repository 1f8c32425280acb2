// Build and runtime.

import type { ReactNode } from 'react';
import { byteText, timeText } from '../parts/text.ts';
import { spanText } from '../parts/time-axis.ts';
import { useSettings } from '../settings.ts';
import { Section } from './section.tsx';
import { recordOf } from './status.ts';

const REFRESH_MS = 10_000;

export function ProcessSection(): ReactNode {
  return (
    <div className="status-columns">
      <Section id="runtime" title="Runtime" api="status/runtimeinfo" refreshMs={REFRESH_MS}>
        {(data) => <Runtime info={recordOf(data)} />}
      </Section>
      <Section id="build" title="Build" api="status/buildinfo">
        {(data) => (
          <Facts facts={Object.entries(recordOf(data)).map(([name, value]) => [BUILD[name] ?? name, String(value)])} />
        )}
      </Section>
    </div>
  );
}

const BUILD: Readonly<Record<string, string>> = {
  version: 'Version',
  revision: 'Revision',
  branch: 'Branch',
  buildUser: 'Built by',
  buildDate: 'Built at',
  nodeVersion: 'Node.js',
};

function Runtime({ info }: { readonly info: Readonly<Record<string, unknown>> }): ReactNode {
  const [{ localTime }] = useSettings();
  const bytes = (name: string): string => (typeof info[name] === 'number' ? byteText(info[name]) : '');
  const text = (name: string): string => (info[name] === undefined ? '' : String(info[name]));
  const started = Date.parse(text('startTime'));
  const served = Date.parse(text('serverTime')) || Date.now();
  const skewMs = Math.abs(Date.now() - served);
  return (
    <Facts
      facts={[
        [
          'Started',
          Number.isNaN(started)
            ? ''
            : `${timeText(Math.round(started / 1000) * 1000, localTime)}, ${spanText(served - started)} ago`,
        ],
        ['Clock', skewMs > 5000 ? `differs from this browser's by ${spanText(skewMs)}` : ''],
        ['Host', [text('hostname'), text('platform')].filter(Boolean).join(', ')],
        ['Process', text('processId')],
        ['Directory', text('CWD')],
        ['Processors', text('GOMAXPROCS')],
        ['Processor time', typeof info['cpuSeconds'] === 'number' ? spanText(info['cpuSeconds'] * 1000) : ''],
        ['Resident memory', bytes('residentBytes')],
        ['Heap in use', bytes('heapUsedBytes')],
        ['Heap limit', bytes('GOMEMLIMIT')],
        ['Buffers', bytes('arrayBufferBytes')],
      ]}
    />
  );
}

function Facts({ facts }: { readonly facts: readonly (readonly [string, string])[] }): ReactNode {
  return (
    <dl className="status-facts">
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
