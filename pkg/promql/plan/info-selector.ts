// What info() selects besides its first argument.

import { METRIC_NAME } from '../../model/labels.ts';
import { Matcher } from '../../model/matcher.ts';
import type { Call, Expression, VectorSelector } from '../parser/ast.ts';

export interface InfoSelector {
  /** Info series, looked at when the samples they are for were read. */
  readonly selector: VectorSelector;
  /** The matchers about labels that are wanted of them. */
  readonly labels: readonly Matcher[];
}

/** `target_info` unless names are given; where only names not wanted are given, those that end in `_info`. */
export function infoSelector({ args, span }: Call): InfoSelector {
  const given = args.length > 1 && args[1].kind === 'vector-selector' ? args[1].matchers : [];
  const names = given.filter(({ name }) => name === METRIC_NAME);
  const labels = given.filter(({ name }) => name !== METRIC_NAME);
  if (names.length === 0) names.push(new Matcher('=', METRIC_NAME, 'target_info'));
  else if (names.every(({ op }) => op === '!=' || op === '!~')) names.push(new Matcher('=~', METRIC_NAME, '.+_info'));
  const { at, offsetMs } = timeOfFirst(args[0]) ?? { at: undefined, offsetMs: 0 };
  const selector: VectorSelector = {
    kind: 'vector-selector',
    name: '',
    matchers: [...names, ...labels],
    offsetMs,
    at,
    span: args[1]?.span ?? span,
  };
  return { selector, labels };
}

/** When the first selector below a node reads its samples. A subquery with `@` makes what is outside of it irrelevant. */
function timeOfFirst(node: Expression): Pick<VectorSelector, 'at' | 'offsetMs'> | undefined {
  switch (node.kind) {
    case 'number':
    case 'string':
      return undefined;
    case 'vector-selector':
      return node;
    case 'matrix-selector':
      return node.selector;
    case 'paren':
      return timeOfFirst(node.expression);
    case 'unary':
      return timeOfFirst(node.operand);
    case 'aggregation':
      return timeOfFirst(node.expression);
    case 'binary':
      return timeOfFirst(node.left) ?? timeOfFirst(node.right);
    case 'call':
      for (const arg of node.args) {
        const found = timeOfFirst(arg);
        if (found !== undefined) return found;
      }
      return undefined;
    case 'subquery': {
      const inner = timeOfFirst(node.expression);
      if (inner === undefined || inner.at !== undefined) return inner;
      return { at: node.at, offsetMs: node.offsetMs + inner.offsetMs };
    }
  }
}
