// What stands around every page: the name, the navigation, light and dark, a notice, and what is shown when a page fails.

import { ActionIcon, Alert, Container, Group, Loader, Tooltip, useMantineColorScheme } from '@mantine/core';
import { Component, type ReactNode, Suspense, useEffect } from 'react';
import { facts } from './facts.ts';
import { offeredPages, type Page, pageAt } from './pages.ts';
import { ClockIcon, MoonIcon, SunIcon } from './parts/icons.tsx';
import { linkTo, onLinkClick, usePlace } from './router.ts';
import { useSettings } from './settings.ts';

export function Shell(): ReactNode {
  const { path } = usePlace();
  const page = pageAt(path);
  useEffect(() => {
    document.title = page === undefined ? 'Tributary' : `${page.title} · Tributary`;
  }, [page]);
  return (
    <>
      <button type="button" className="skip-link" onClick={focusMain}>
        Skip to the page
      </button>
      <header className="top">
        <Container fluid className="top-inner">
          <a className="brand" href={linkTo('')} onClick={onLinkClick('')} aria-label="Tributary, start page">
            <img src="./favicon.svg" alt="" width={22} height={22} />
            <span>Tributary</span>
            <span className="component">{facts.component}</span>
          </a>
          <nav aria-label="Pages">
            {offeredPages.map((one) => (
              <a
                key={one.path}
                href={linkTo(one.path)}
                onClick={onLinkClick(one.path)}
                {...(one === page ? { 'aria-current': 'page' as const } : {})}
              >
                {one.title}
              </a>
            ))}
          </nav>
          <Group gap={4} className="top-tools">
            <TimeZoneToggle />
            <SchemeToggle />
          </Group>
        </Container>
      </header>
      <Container fluid component="main" id="main" tabIndex={-1} className="main">
        <Notice />
        <Shown key={page?.path ?? path} page={page} />
      </Container>
    </>
  );
}

function Shown({ page }: { readonly page: Page | undefined }): ReactNode {
  if (page === undefined) {
    return (
      <Alert color="yellow" title="There is no such page here">
        This process is a {facts.component}; it serves{' '}
        {offeredPages.length === 0 ? 'no page' : offeredPages.map((one) => one.title).join(', ')}.
      </Alert>
    );
  }
  return (
    <PageGuard>
      <Suspense fallback={<Loader aria-label="Loading the page" size="sm" m="md" />}>
        <page.View />
      </Suspense>
    </PageGuard>
  );
}

/** A page that breaks leaves the others usable. */
class PageGuard extends Component<{ readonly children: ReactNode }, { readonly failure: string | undefined }> {
  override state: { readonly failure: string | undefined } = { failure: undefined };

  static getDerivedStateFromError(thrown: unknown): { readonly failure: string } {
    return { failure: thrown instanceof Error ? thrown.message : String(thrown) };
  }

  override render(): ReactNode {
    if (this.state.failure === undefined) return this.props.children;
    return (
      <Alert color="red" title="This page failed">
        {this.state.failure}. Load it again to go on.
      </Alert>
    );
  }
}

function Notice(): ReactNode {
  const [settings, change] = useSettings();
  if (facts.notice === '' || settings.dismissedNotice === facts.notice) return null;
  return (
    <Alert
      className="notice"
      color="cyan"
      variant="light"
      withCloseButton
      closeButtonLabel="Dismiss the notice"
      onClose={() => change({ dismissedNotice: facts.notice })}
    >
      {facts.notice}
    </Alert>
  );
}

function SchemeToggle(): ReactNode {
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const next = colorScheme === 'auto' ? 'light' : colorScheme === 'light' ? 'dark' : 'auto';
  const label = `Colours: ${colorScheme === 'auto' ? 'as the system' : colorScheme}. Change to ${next === 'auto' ? 'as the system' : next}`;
  return (
    <Tooltip label={label}>
      <ActionIcon variant="subtle" color="gray" aria-label={label} onClick={() => setColorScheme(next)}>
        {colorScheme === 'dark' ? <MoonIcon /> : colorScheme === 'light' ? <SunIcon /> : <HalfIcon />}
      </ActionIcon>
    </Tooltip>
  );
}

function HalfIcon(): ReactNode {
  return (
    <svg width="16" height="16" viewBox="0 0 16 16" aria-hidden="true">
      <circle cx="8" cy="8" r="6" fill="none" stroke="currentColor" strokeWidth="1.5" />
      <path d="M8 2a6 6 0 0 1 0 12z" fill="currentColor" />
    </svg>
  );
}

function TimeZoneToggle(): ReactNode {
  const [{ localTime }, change] = useSettings();
  const label = `Times are in ${localTime ? "this browser's zone" : 'UTC'}. Change to ${localTime ? 'UTC' : "this browser's zone"}`;
  return (
    <Tooltip label={label}>
      <button type="button" className="zone" aria-label={label} onClick={() => change({ localTime: !localTime })}>
        <ClockIcon /> {localTime ? 'local' : 'UTC'}
      </button>
    </Tooltip>
  );
}

/** A link to `#main` would lead elsewhere: the document has a base. */
function focusMain(): void {
  document.getElementById('main')?.focus();
}
