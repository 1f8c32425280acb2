// What each operator of one query did, by the plan node it was made for. Filled only when somebody asked for it: measuring
// reads the clock twice a batch.

import type { CountedBytes } from '../async/byte-budget.ts';
import type { EndpointReport } from '../storage/series.ts';
import type { PlanNode } from './plan/node.ts';
import type { SampleCounter, SelectMeter } from './query-stats.ts';

/** One operator. Times and samples include those of the operators below. */
export class OperatorMeter {
  totalMs = 0;
  seriesCount = 0;
  batchCount = 0;
  /** What was read from the storage, on operators that do. */
  select: SelectMeter | undefined;
  endpoints: readonly EndpointReport[] = [];
  samples: SampleCounter | undefined;
  bytes: CountedBytes | undefined;
}

/** The meters of one query. */
export class Profile {
  readonly #byNode = new Map<PlanNode, OperatorMeter>();

  /** The node's meter; made when it is asked for first. */
  meter(node: PlanNode): OperatorMeter {
    let meter = this.#byNode.get(node);
    if (meter === undefined) this.#byNode.set(node, (meter = new OperatorMeter()));
    return meter;
  }

  /** The node's meter, if its operator was ever made. */
  found(node: PlanNode): OperatorMeter | undefined {
    return this.#byNode.get(node);
  }
}
