// Pass: what one side of a binary operation says of a matching label holds for the series of the other side that can have a
// match, so the other side need not fetch the rest: `a{namespace="x"} / b` fetches `b{namespace="x"}`.
//
// The answer stays as it is only where nothing else comes of the series left out. So the side that must be unique has to be
// so by its shape (else its duplicates are a failure that the rest may hold), and functions that remark on what they read
// are left alone.

import { METRIC_NAME } from '../../model/labels.ts';
import type { Matcher } from '../../model/matcher.ts';
import type { VectorMatching } from '../parser/ast.ts';
import { mapChildren, type PlanNode, type Select } from './node.ts';

/** `hidden`: labels that selectors may speak of and that series do not have, such as those of replicas. */
export function propagateMatchers(node: PlanNode, hidden: ReadonlySet<string>): PlanNode {
  const inner = mapChildren(node, (child) => propagateMatchers(child, hidden));
  if (inner.kind !== 'vector-vector' && inner.kind !== 'set') return inner;
  const { matching } = inner;
  if (inner.op === 'or' || matching.fill !== undefined) return inner;
  const left = sideOf(inner.left);
  const right = sideOf(inner.right);
  if (left === undefined || right === undefined) return inner;
  if (inner.kind === 'vector-vector' && !isUnique(matching.card === 'one-to-many' ? left : right, matching))
    return inner;
  const shared = (name: string): boolean =>
    name !== METRIC_NAME && !hidden.has(name) && isMatched(name, matching) && left.carries(name) && right.carries(name);
  const toRight = left.select.matchers.filter(({ name }) => shared(name));
  // What `unless` leaves out is decided by the right side; what it may be decides nothing about the left.
  const toLeft = inner.op === 'unless' ? [] : right.select.matchers.filter(({ name }) => shared(name));
  return { ...inner, left: narrowed(inner.left, toLeft), right: narrowed(inner.right, toRight) };
}

/** An operand that is one select with the labels of its series, all or some, carried through. */
interface Side {
  readonly select: Select;
  carries(name: string): boolean;
  /** The labels by which its series differ; undefined for all but the name. */
  readonly differBy: readonly string[] | undefined;
}

function sideOf(node: PlanNode): Side | undefined {
  switch (node.kind) {
    case 'select':
      return hasName(node.select) ? { select: node.select, carries: () => true, differBy: undefined } : undefined;
    case 'window': {
      const { source } = node;
      if (source.kind !== 'selector' || !hasName(source.select) || !isSilent(node.func, source.select))
        return undefined;
      return { select: source.select, carries: () => true, differBy: undefined };
    }
    case 'fold': {
      const below = sideOf(node.operand);
      const { labels, without } = node.grouping;
      if (below === undefined || without || node.parameter !== undefined) return undefined;
      const names = new Set(labels);
      return { select: below.select, carries: (name) => names.has(name) && below.carries(name), differBy: labels };
    }
    default:
      return undefined;
  }
}

/** Whether the series of a select can differ in more than their name. */
function hasName({ matchers }: Select): boolean {
  return matchers.some(({ name, op, value }) => name === METRIC_NAME && op === '=' && value !== '');
}

/** Functions that say nothing about what they read, given the name of a counter where they want one. */
function isSilent(func: string, { matchers, edge }: Select): boolean {
  if (edge !== undefined) return false;
  if (silent.has(func)) return true;
  if (func !== 'rate' && func !== 'increase') return false;
  return matchers.some(
    ({ name, op, value }) => name === METRIC_NAME && op === '=' && /_(total|bucket|count|sum)$/.test(value),
  );
}

const silent: ReadonlySet<string> = new Set([
  'last_over_time',
  'count_over_time',
  'present_over_time',
  'changes',
  'resets',
]);

function isMatched(name: string, { on, labels }: VectorMatching): boolean {
  return labels.includes(name) === on;
}

/** Whether no two series of a side can be in one match group. */
function isUnique({ differBy }: Side, matching: VectorMatching): boolean {
  if (differBy !== undefined) return differBy.every((name) => isMatched(name, matching));
  return !matching.on && matching.labels.length === 0;
}

/** The operand with these matchers in its select, as far as it has not got them. */
function narrowed(node: PlanNode, matchers: readonly Matcher[]): PlanNode {
  if (matchers.length === 0) return node;
  switch (node.kind) {
    case 'select':
      return { ...node, select: withMatchers(node.select, matchers) };
    case 'window':
      if (node.source.kind !== 'selector') return node;
      return { ...node, source: { ...node.source, select: withMatchers(node.source.select, matchers) } };
    default:
      return mapChildren(node, (child) => narrowed(child, matchers));
  }
}

function withMatchers(select: Select, matchers: readonly Matcher[]): Select {
  const present = new Set(select.matchers.map(String));
  const more = matchers.filter((matcher) => !present.has(String(matcher)));
  return more.length === 0 ? select : { ...select, matchers: [...select.matchers, ...more] };
}
