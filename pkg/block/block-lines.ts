// Blocks as one line each, for `tools bucket ls`.

import { goDurationText, secondsText } from './block-text.ts';
import { type BlockMeta, printMeta } from './meta.ts';

/** '' = identifiers; `wide` = times, level, resolution and source; `json` = meta.json as it is stored. */
export const blockLineForms = ['', 'wide', 'json'] as const;
export type BlockLineForm = (typeof blockLineForms)[number];

/** The text of one block with its final newline. */
export function blockLine(meta: BlockMeta, form: BlockLineForm): string {
  if (form === '') return `${meta.ulid}\n`;
  if (form === 'json') return printMeta(meta);
  // Whole seconds here, also for the difference: as the reference prints it.
  const [from, until] = [meta.minTime, meta.maxTime].map((timeMs) => Math.trunc(timeMs / 1000) * 1000);
  const { resolutionMs, source } = meta.thanos;
  return (
    `${meta.ulid} -- ${secondsText(from)} - ${secondsText(until)} Diff: ${goDurationText(until - from)}, ` +
    `Compaction: ${meta.compaction.level}, Downsample: ${resolutionMs}, Source: ${source}\n`
  );
}
