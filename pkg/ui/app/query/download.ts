// Hands an answer to the browser as a file.

import { csvOf } from './csv.ts';
import type { DecodedAnswer } from './query.worker.ts';

/** The answer as the server sent it. */
export function downloadJson(answer: DecodedAnswer): void {
  save(answer.raw, 'query.json');
}

/** The answer's samples, a row each. */
export function downloadCsv(answer: DecodedAnswer): void {
  save(new Blob([...csvOf(answer.result)], { type: 'text/csv;charset=utf-8' }), 'query.csv');
}

function save(blob: Blob, name: string): void {
  const url = URL.createObjectURL(blob);
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  // The download has begun by then.
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
