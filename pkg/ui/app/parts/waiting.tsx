// What is shown while an answer is awaited: at once that it is, and after a while that it takes long.

import { Loader } from '@mantine/core';
import { type ReactNode, useEffect, useState } from 'react';
import './page.css';

const LONG_MS = 4_000;

export function Waiting({ isPending, what }: { readonly isPending: boolean; readonly what: string }): ReactNode {
  const [isLong, setLong] = useState(false);
  useEffect(() => {
    setLong(false);
    if (!isPending) return;
    const timer = setTimeout(() => setLong(true), LONG_MS);
    return () => clearTimeout(timer);
  }, [isPending]);
  if (!isPending) return null;
  return (
    <div className="waiting" role="status">
      <Loader size="xs" aria-hidden="true" />
      {isLong ? `The server takes long to give ${what}; the page waits.` : `Asking for ${what}`}
    </div>
  );
}
