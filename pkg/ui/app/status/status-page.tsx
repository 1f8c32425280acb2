// The status page: what this process is, what it does now, and with which flags it was started.

import { Stack } from '@mantine/core';
import { type ReactNode, useEffect } from 'react';
import { facts, hasApi } from '../facts.ts';
import { usePlace } from '../router.ts';
import { ActiveQueriesSection } from './active-queries-section.tsx';
import { CardinalitySection } from './cardinality-section.tsx';
import { FlagsSection } from './flags-section.tsx';
import { ProcessSection } from './process-section.tsx';
import './status.css';

/** Paths of the reference's page, and where what they are about stands on this one. */
const PLACES: Readonly<Record<string, string>> = {
  '/flags': 'flags',
  '/config': 'flags',
  '/tsdb-status': 'cardinality',
};

export function StatusPage(): ReactNode {
  const { path } = usePlace();
  const anchor = PLACES[path];
  useEffect(() => {
    if (anchor !== undefined) document.getElementById(anchor)?.scrollIntoView();
  }, [anchor]);
  return (
    <Stack gap="lg">
      <div className="page-head">
        <h1>Status</h1>
        <span className="muted">
          {facts.component} {facts.version}
        </span>
      </div>
      {hasApi('/api/v1/status/active_queries') && <ActiveQueriesSection />}
      <ProcessSection />
      {hasApi('/api/v1/status/tsdb') && <CardinalitySection />}
      {hasApi('/api/v1/status/flags') && <FlagsSection />}
    </Stack>
  );
}
