// What a pass would do, as text: one line an action, with when and why. Nothing is changed.

import type { BlockMeta } from '../block/meta.ts';
import { printRfc3339 } from '../model/time.ts';
import { dueDeletions } from './cleaner.ts';
import type { CompactorConfig } from './config.ts';
import { taskResult } from './downsample/tasks.ts';
import { describeDownsampling, outlookOfDownsampling } from './downsampler.ts';
import { outlook, recordedSize } from './progress.ts';
import { expiredBlocks } from './retention.ts';
import type { BucketState } from './syncer.ts';

/** In the order of a pass. `duePartials` are the partial uploads that would be deleted. */
export function describePass(
  state: BucketState,
  duePartials: readonly string[],
  config: CompactorConfig,
  nowMs: number,
): readonly string[] {
  const lines: string[] = [];
  const due = new Set(dueDeletions(state.deletionMarks, config.deleteDelayMs, nowMs));
  for (const [ulid, mark] of state.deletionMarks) {
    const at = printRfc3339(mark.timeSeconds * 1000 + config.deleteDelayMs);
    lines.push(due.has(ulid) ? `delete ${ulid}: marked, ${mark.details}` : `wait ${ulid}: is deleted after ${at}`);
  }
  for (const ulid of state.duplicates) {
    if (!state.deletionMarks.has(ulid)) lines.push(`mark for deletion ${ulid}: its samples are all in another block`);
  }
  const { compactions, exclusions, blocks, forbiddenOverlaps } = outlook(state, config.planner);
  for (const { ulid, reason, details } of exclusions) lines.push(`mark no-compact ${ulid}: ${reason}, ${details}`);
  for (const { groupId, blocks } of forbiddenOverlaps) {
    lines.push(`leave alone in ${groupId}: blocks overlap and merging overlaps is not enabled: ${names(blocks)}`);
  }
  for (const { groupId, plan } of compactions) {
    const start = Math.min(...plan.blocks.map(({ minTime }) => minTime));
    const end = Math.max(...plan.blocks.map(({ maxTime }) => maxTime));
    const bytes = plan.blocks.reduce((sum, block) => sum + recordedSize(block), 0);
    const what = plan.isVertical ? 'merge overlapping' : 'compact';
    lines.push(
      `${what} ${groupId} ${printRfc3339(start)} - ${printRfc3339(end)}, ${bytes} bytes: ${names(plan.blocks)}`,
    );
  }
  // Retention comes last, and sees what was made until then.
  const outcome = [...blocks];
  if (config.downsample !== undefined) {
    lines.push(...describeDownsampling(blocks, state));
    outcome.push(...outlookOfDownsampling(blocks, state).map(taskResult));
  }
  for (const { ulid, details } of expiredBlocks(outcome, config.retention, nowMs)) {
    if (!state.deletionMarks.has(ulid)) lines.push(`mark for deletion ${nameOf(ulid)}: ${details}`);
  }
  for (const ulid of duePartials) lines.push(`delete ${ulid}: upload that never ended`);
  return lines;
}

/** Of a block that is there, or of one that will be made: `A+B@5m` is made from the merger of A and B. */
function nameOf(ulid: string): string {
  const [name, ...resolutions] = ulid.split('@');
  const made = name.includes('+') ? `the merger of ${name.replaceAll('+', ' ')}` : name;
  return resolutions.length === 0 ? made : `${resolutions.at(-1)} of ${made}`;
}

function names(blocks: readonly BlockMeta[]): string {
  return blocks.map(({ ulid }) => ulid).join(' ');
}
