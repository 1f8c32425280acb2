// A query that needs too much, in words that help: which selector reads most, what the limit is, what was used, and what
// would make the query smaller.

import { budgetScopeOf } from '../async/byte-budget.ts';
import { Fault } from '../errors/fault.ts';
import type { QueryProgress } from './query-stats.ts';

/** The failure with that told; any other failure as it is. */
export function overBudget(thrown: unknown, { selects }: QueryProgress): unknown {
  if (!(thrown instanceof Fault) || thrown.kind !== 'limit') return thrown;
  const scope = budgetScopeOf(thrown);
  const { usedBytes, limitBytes, samples, maxSamples } = thrown.facts;
  let text: string;
  if (scope === 'share') {
    text = `query needs too much memory: it holds ${size(usedBytes)}, and one query may hold ${size(limitBytes)}`;
  } else if (scope === 'total') {
    text =
      `query was ended for memory: all queries together may hold ${size(limitBytes)}, that is spent, ` +
      `and this one holds most, ${size(usedBytes)}`;
  } else if (maxSamples !== undefined) {
    text = `${thrown.message}: it holds ${samples}, and may hold ${maxSamples}`;
  } else return thrown;
  let largest = selects[0];
  for (const select of selects) if (select.sampleCount > largest.sampleCount) largest = select;
  if (largest !== undefined) {
    text += `. Most is read by ${shortened(largest.selector)}: ${largest.seriesCount} series, ${largest.sampleCount} samples so far`;
  }
  text += '. To narrow it: add matchers, ask for less time or a larger step, or aggregate away more labels';
  return new Fault('limit', text, { cause: thrown, facts: thrown.facts });
}

/** Selectors may be as long as the query was. */
function shortened(selector: string): string {
  return selector.length <= 300 ? selector : `${selector.slice(0, 300)}...`;
}

function size(bytes: unknown): string {
  if (typeof bytes !== 'number') return String(bytes);
  for (const [unit, factor] of [
    ['GiB', 2 ** 30],
    ['MiB', 2 ** 20],
    ['KiB', 2 ** 10],
  ] as const) {
    if (bytes >= factor) return `${(bytes / factor).toFixed(1)} ${unit}`;
  }
  return `${bytes} bytes`;
}
