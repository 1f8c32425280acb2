// The beginning of the page.

import '@mantine/core/styles.css';
import './style.css';
import { MantineProvider } from '@mantine/core';
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { facts } from './facts.ts';
import { Shell } from './shell.tsx';
import { theme } from './theme.ts';

// Where a library makes styles of its own, this is where it looks for the nonce that allows them.
(globalThis as { __webpack_nonce__?: string }).__webpack_nonce__ = facts.nonce;

const client = new QueryClient({
  defaultOptions: {
    queries: { retry: false, refetchOnWindowFocus: false, staleTime: 5_000, networkMode: 'always' },
  },
});

createRoot(document.getElementById('root')!).render(
  <StrictMode>
    <MantineProvider theme={theme} defaultColorScheme="auto" getStyleNonce={() => facts.nonce}>
      <QueryClientProvider client={client}>
        <Shell />
      </QueryClientProvider>
    </MantineProvider>
  </StrictMode>,
);
