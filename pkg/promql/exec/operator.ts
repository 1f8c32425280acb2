// The whole contract of an operator: it yields the series of an expression, each as one column over all steps.
//
// - Batches hold some hundreds of series. Nothing happens before the first pull; a consumer that leaves early closes what
//   lies below it, because every stage is an async generator that cleans up in `finally`.
// - A series comes once: no label set appears twice (with delayed name removal, the pending removal set aside).
// - Columns belong to whoever received them: they may be changed in place, and nobody else looks at them again. Who says
//   that they only pass by has them until the next batch is pulled: their memory may be that of later columns then.
// - A series has a value at one step or more.
// - A scalar expression yields exactly one series, without labels, with a value at every step.
// - The order is that in which the storage gave the series, carried through; operators that reorder say so.

import type { ByteAccount } from '../../async/byte-budget.ts';
import type { RequestContext } from '../../async/request.ts';
import type { Labels } from '../../model/labels.ts';
import type { Queryable } from '../../storage/querier.ts';
import type { Annotations } from '../annotations.ts';
import type { StepColumn } from '../functions/step-column.ts';
import type { PlanNode } from '../plan/node.ts';
import type { OperatorMeter, Profile } from '../profile.ts';
import type { Steps } from '../query-spec.ts';
import type { SampleCounter, SelectMeter } from '../query-stats.ts';
import type { SharedSelects } from './shared-select.ts';

export interface SeriesColumn {
  readonly labels: Labels;
  readonly column: StepColumn;
  /** The metric name is still there but goes away when the answer is made (delayed name removal). */
  readonly dropName: boolean;
}

export type Batches = AsyncIterable<readonly SeriesColumn[]>;

/** What a receiver does with columns: keeps them, or is done with a batch when it pulls the next. */
export type ColumnUse = 'kept' | 'passing';

/** Called once for an operator; a second call would select again. Columns may be kept unless said otherwise. */
export interface Operator {
  run(use?: ColumnUse): Batches;
}

/** Makes the operator of a plan node for some steps. */
export type Build = (node: PlanNode, steps: Steps, evaluation: Evaluation) => Operator;

/** What every operator of one query shares. */
export interface Evaluation {
  readonly request: RequestContext;
  readonly queryable: Queryable;
  readonly lookbackMs: number;
  readonly samples: SampleCounter;
  /** Bytes that operators keep: columns of joins, groups, answers. Throws `limit` when they are too many. */
  readonly bytes: ByteAccount;
  /** Fetches that several selectors share. */
  readonly shared: SharedSelects;
  /** What was read for each selector so far. */
  readonly selects: SelectMeter[];
  /** Where operators are measured; absent when nobody asked. */
  readonly profile: Profile | undefined;
  /** That of the operator that sees this evaluation, where there is a profile. */
  readonly meter: OperatorMeter | undefined;
  readonly annotations: Annotations;
  /** Storage warnings, filled as selects end. */
  readonly warnings: Set<string>;
  /** Asked for storage remarks at the end of the query. */
  readonly infos: Set<() => readonly string[]>;
  /** Names are removed at the end of the query and not by each operator. */
  readonly delayedNameRemoval: boolean;
  /** Resets of counters are also told by the start timestamps of samples. */
  readonly startTimestamps: boolean;
  /**
   * Called between batches: throws `timeout` or `canceled` when the query has to stop, and now and then returns a promise
   * to wait for, so that timers and sockets get their turn while columns are computed.
   */
  pace(): Promise<void> | undefined;
}
