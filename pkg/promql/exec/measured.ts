// Time, series and batches around any operator. Only queries that are analyzed have them.

import { CountedBytes } from '../../async/byte-budget.ts';
import type { PlanNode } from '../plan/node.ts';
import type { OperatorMeter } from '../profile.ts';
import { SampleCounter } from '../query-stats.ts';
import type { Batches, Evaluation, Operator } from './operator.ts';

/** The evaluation as the operator of a node sees it: what it counts is counted for the node, and for those above. */
export function evaluationOf(node: PlanNode, evaluation: Evaluation): Evaluation {
  const { profile } = evaluation;
  if (profile === undefined) return evaluation;
  const meter = profile.meter(node);
  meter.samples ??= new SampleCounter(evaluation.samples);
  meter.bytes ??= new CountedBytes(evaluation.bytes);
  return { ...evaluation, pace: () => evaluation.pace(), samples: meter.samples, bytes: meter.bytes, meter };
}

/** The operator of a node, with its time and its series counted. */
export function measured(operator: Operator, node: PlanNode, { profile }: Evaluation): Operator {
  if (profile === undefined) return operator;
  const meter = profile.meter(node);
  return { run: (use) => timed(operator.run(use), meter) };
}

async function* timed(batches: Batches, meter: OperatorMeter): Batches {
  const iterator = batches[Symbol.asyncIterator]();
  try {
    for (;;) {
      const since = performance.now();
      const next = await iterator.next();
      meter.totalMs += performance.now() - since;
      if (next.done === true) return;
      meter.batchCount++;
      meter.seriesCount += next.value.length;
      yield next.value;
    }
  } finally {
    await iterator.return?.();
  }
}
