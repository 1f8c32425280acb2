// Metric names go away when values stop being what the name says. Two series that differed only in that then collide.

import { Fault } from '../../errors/fault.ts';
import { type Labels, METRIC_NAME } from '../../model/labels.ts';
import { type StepColumn, setHistogram } from '../functions/step-column.ts';
import { inBatches } from './batches.ts';
import type { Batches, SeriesColumn } from './operator.ts';

/** The labels that describe the metric and go together with its name. */
const metadataNames: ReadonlySet<string> = new Set([METRIC_NAME, '__type__', '__unit__']);

/** The labels without the metric's name and what else says which metric it is. */
export function withoutName(labels: Labels): Labels {
  return labels.without(metadataNames);
}

/** What is thrown when two series of a result would have the same labels. */
export function sameLabelset(): Fault {
  return new Fault('execution', 'vector cannot contain metrics with the same labelset');
}

/**
 * How series that became equal are treated. `merge`: they are one series as long as no step has both. `refuse`: they are
 * a failure, whatever their steps.
 */
export type Collisions = 'merge' | 'refuse';

/** Makes label sets unique again. Merging over several steps keeps all columns until the input has ended. */
export async function* unique(input: Batches, collisions: Collisions, stepCount: number): Batches {
  if (collisions === 'refuse' || stepCount === 1) {
    const seen = new Set<string>();
    for await (const batch of input) {
      for (const { labels } of batch) {
        if (seen.has(labels.key)) throw sameLabelset();
        seen.add(labels.key);
      }
      yield batch;
    }
    return;
  }
  const merged = new UniqueColumns();
  for await (const batch of input) for (const series of batch) merged.add(series);
  yield* inBatches(merged.series());
}

/** Series by labels; equal ones become one, unless both have a value at some step. */
export class UniqueColumns {
  readonly #byKey = new Map<string, SeriesColumn>();

  /** Takes the column over. Throws `execution` when a step would have two values. */
  add(series: SeriesColumn): void {
    const earlier = this.#byKey.get(series.labels.key);
    if (earlier === undefined) this.#byKey.set(series.labels.key, series);
    else mergeInto(earlier.column, series.column);
  }

  /** In order of their first appearance. */
  series(): Iterable<SeriesColumn> {
    return this.#byKey.values();
  }
}

function mergeInto(target: StepColumn, source: StepColumn): void {
  for (let k = 0; k < source.present.length; k++) {
    if (source.present[k] === 0) continue;
    if (target.present[k] === 1) throw sameLabelset();
    target.present[k] = 1;
    target.values[k] = source.values[k];
    const histogram = source.histograms?.[k];
    if (histogram !== undefined) setHistogram(target, k, histogram);
    else if (target.histograms !== undefined) target.histograms[k] = undefined;
  }
}

/** Any text that is UTF-8 and not empty. The parser turns bytes that are not UTF-8 into lone surrogates. */
export function isLabelName(name: string): boolean {
  return name !== '' && !/\p{Surrogate}/u.test(name);
}
