// Tree to the JSON of `parse_query`: the shape pages for building queries expect. Durations and times are integers in ms.

import { must } from '../../errors/assert.ts';
import type { DurationExpression, Expression, Subquery, VectorSelector } from './ast.ts';
import { signatureOf } from './functions.ts';
import { printNumber } from './print.ts';

/** A value of JSON.stringify. Infinite and NaN fill values, which the reference cannot answer, are texts. */
export type TreeJson = { readonly type: string; readonly [field: string]: unknown };

/** The tree with every field the reference gives. */
export function treeJson(node: Expression): TreeJson {
  switch (node.kind) {
    case 'number':
      return { type: 'numberLiteral', val: printNumber(node.value) };
    case 'string':
      return { type: 'stringLiteral', val: node.value };
    case 'vector-selector':
      return { type: 'vectorSelector', ...selectorFields(node) };
    case 'matrix-selector':
      return {
        type: 'matrixSelector',
        ...selectorFields(node.selector),
        range: node.rangeMs,
        rangeExpr: durationJson(node.rangeExpression),
      };
    case 'subquery':
      return {
        type: 'subquery',
        expr: treeJson(node.expression),
        range: node.rangeMs,
        rangeExpr: durationJson(node.rangeExpression),
        step: node.stepMs,
        stepExpr: durationJson(node.stepExpression),
        ...timeFields(node),
      };
    case 'unary':
      return { type: 'unaryExpr', op: node.op, expr: treeJson(node.operand) };
    case 'paren':
      return { type: 'parenExpr', expr: treeJson(node.expression) };
    case 'aggregation':
      return {
        type: 'aggregation',
        op: node.op,
        expr: treeJson(node.expression),
        param: node.parameter === undefined ? null : treeJson(node.parameter),
        grouping: node.grouping,
        without: node.without,
      };
    case 'call': {
      const { name, args, variadic, returns } = must(signatureOf(node.func), `function ${node.func}`);
      return {
        type: 'call',
        func: { name, argTypes: args, variadic, returnType: returns },
        args: node.args.map(treeJson),
      };
    }
    case 'binary': {
      const { matching } = node;
      return {
        type: 'binaryExpr',
        op: node.op,
        lhs: treeJson(node.left),
        rhs: treeJson(node.right),
        matching:
          matching === undefined
            ? null
            : {
                card: matching.card,
                labels: matching.labels,
                on: matching.on,
                include: matching.include,
                fillValues: { lhs: fillJson(matching.fill?.left), rhs: fillJson(matching.fill?.right) },
              },
        bool: node.bool,
      };
    }
  }
}

function fillJson(value: number | undefined): number | string | null {
  if (value === undefined) return null;
  return Number.isFinite(value) ? value : printNumber(value);
}

function selectorFields(node: VectorSelector): object {
  return {
    name: node.name,
    matchers: node.matchers.map(({ name, op, value }) => ({ name, value, type: op })),
    ...timeFields(node),
    anchored: node.edge === 'anchored',
    smoothed: node.edge === 'smoothed',
  };
}

function timeFields({ offsetMs, offsetExpression, at }: VectorSelector | Subquery): object {
  return {
    offset: offsetMs,
    offsetExpr: durationJson(offsetExpression),
    timestamp: at?.kind === 'time' ? at.timeMs : null,
    startOrEnd: at === undefined || at.kind === 'time' ? null : at.kind,
  };
}

function durationJson(node: DurationExpression | undefined): TreeJson | null {
  if (node === undefined) return null;
  switch (node.kind) {
    case 'number':
      return { type: 'numberLiteral', val: printNumber(node.value), duration: node.duration };
    case 'query':
      return durationNode(node.what, undefined, undefined, node.wrapped);
    case 'sign':
      return durationNode(node.op, undefined, node.operand, node.wrapped);
    case 'binary':
      return durationNode(node.op, node.left, node.right, node.wrapped);
  }
}

function durationNode(
  op: string,
  left: DurationExpression | undefined,
  right: DurationExpression | undefined,
  wrapped: boolean,
): TreeJson {
  return { type: 'durationExpr', op, lhs: durationJson(left), rhs: durationJson(right), wrapped };
}
