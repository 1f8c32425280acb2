// One line for something that went wrong or is worth knowing: a failed call, a warning, an info.

import type { ReactNode } from 'react';
import { ApiError } from '../fetch-answer.ts';
import { InfoIcon, WarningIcon } from './icons.tsx';

export type NoteKind = 'error' | 'warning' | 'info';

/** A note of one kind. Long texts wrap; what is in them is text, whatever it looks like. */
export function NoteLine({ kind, children }: { readonly kind: NoteKind; readonly children: ReactNode }): ReactNode {
  return (
    <div className={`note note-${kind}`} role={kind === 'error' ? 'alert' : 'status'}>
      {kind === 'info' ? <InfoIcon /> : <WarningIcon />}
      <span>{children}</span>
    </div>
  );
}

/** What a failed call says, with its kind. */
export function FailureLine({ failure }: { readonly failure: unknown }): ReactNode {
  if (failure instanceof ApiError) {
    const kind = KINDS[failure.kind] ?? failure.kind;
    return (
      <NoteLine kind="error">
        <b>{kind}</b> {failure.message}
      </NoteLine>
    );
  }
  return <NoteLine kind="error">{failure instanceof Error ? failure.message : String(failure)}</NoteLine>;
}

const KINDS: Readonly<Record<string, string>> = {
  bad_data: 'Not valid:',
  execution: 'Failed:',
  timeout: 'Too slow:',
  canceled: 'Canceled:',
  internal: 'Failed inside the server:',
  unavailable: 'Not available:',
  not_found: 'Not found:',
  network: 'No answer:',
  'too-large': 'Too large:',
  'not-json': 'Not understood:',
  unknown: 'Failed:',
};
