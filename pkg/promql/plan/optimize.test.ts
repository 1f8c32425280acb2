import assert from 'node:assert/strict';
import { describe, test } from 'vitest';
import { parse } from '../parser/parse.ts';
import { planOf } from './from-ast.ts';
import type { PlanNode } from './node.ts';
import { optimize } from './optimize.ts';

const times = { startMs: 0, endMs: 600_000, stepMs: 60_000, lookbackMs: 300_000, defaultSubqueryStepMs: 60_000 };

function planned(expression: string, stepCount = 11): PlanNode {
  return optimize(planOf(parse(expression), times), { stepCount });
}

/** The kinds of a plan, as a nested list. */
function shape(node: PlanNode): string {
  const inside: string[] = [];
  for (const value of Object.values(node)) {
    for (const child of Array.isArray(value) ? value : [value]) {
      if (isNode(child)) inside.push(shape(child));
      else if (isNode(child?.operand)) inside.push(`${child.kind}(${shape(child.operand)})`);
    }
  }
  return inside.length === 0 ? node.kind : `${node.kind}(${inside.join(', ')})`;
}

function isNode(value: unknown): value is PlanNode {
  const kind = (value as PlanNode | undefined)?.kind as string | undefined;
  return typeof kind === 'string' && kind !== 'selector' && kind !== 'subquery' && typeof value === 'object';
}

describe('constants', () => {
  for (const [expression, value] of [
    ['1 + 2 * 3', 7],
    ['-(2 ^ 3)', -8],
    ['2 ^ 3 ^ 2', 512],
    ['1 > bool 2', 0],
    ['2 > bool 1', 1],
    ['-1 % 0', Number.NaN],
    ['1 / -0', Number.NEGATIVE_INFINITY],
  ] as const) {
    test(`${expression} is folded`, () => assert.deepEqual(planned(expression), { kind: 'number', value }));
  }

  test('what depends on time is not folded', () => {
    assert.equal(shape(planned('1 + time()')), 'scalar-scalar(number, time)');
  });
});

describe('step-invariant parts', () => {
  for (const [expression, expected] of [
    ['m @ 60', 'once(select)'],
    ['sum(m @ start()) + 1', 'once(vector-scalar(fold(select), number))'],
    ['sum(rate(m[5m] @ end())) / m', 'vector-vector(once(fold(window)), select)'],
    ['m + 1', 'vector-scalar(select, number)'],
    ['timestamp(m @ 60)', 'once(select)'],
    ['timestamp(abs(m @ 60))', 'step-time(once(pointwise(select)))'],
    ['predict_linear(m[5m] @ 60, 60)', 'window(number)'],
    ['m @ 60 * time()', 'vector-scalar(once(select), time)'],
    ['max_over_time(m[5m:1m] @ 60)', 'once(window(subquery(select)))'],
    ['max_over_time((m @ 60)[5m:1m])', 'window(subquery(once(select)))'],
  ] as const) {
    test(`${expression} becomes ${expected}`, () => assert.equal(shape(planned(expression)), expected));
  }

  test('with one step there is nothing to repeat', () => assert.equal(shape(planned('m @ 60', 1)), 'select'));
});
