// Warnings and infos of an answer: a line each, warnings first, more on demand.

import { type ReactNode, useState } from 'react';
import { NoteLine } from '../parts/failure-line.tsx';

const FIRST = 5;

export function Notes({
  warnings,
  infos,
}: {
  readonly warnings: readonly string[];
  readonly infos: readonly string[];
}): ReactNode {
  return (
    <>
      <NoteList kind="warning" texts={warnings} />
      <NoteList kind="info" texts={infos} />
    </>
  );
}

function NoteList({
  kind,
  texts,
}: {
  readonly kind: 'warning' | 'info';
  readonly texts: readonly string[];
}): ReactNode {
  const [showsAll, setShowsAll] = useState(false);
  if (texts.length === 0) return null;
  const shown = showsAll ? texts : texts.slice(0, FIRST);
  return (
    <div className="notes">
      {shown.map((text) => (
        <NoteLine key={text} kind={kind}>
          {text.replace(/^PromQL (?:warning|info): /, '')}
        </NoteLine>
      ))}
      {texts.length > shown.length && (
        <button type="button" className="plain-button" onClick={() => setShowsAll(true)}>
          {texts.length - shown.length} more {kind}s
        </button>
      )}
    </div>
  );
}
