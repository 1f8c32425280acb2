// Pass: series that several selectors of a query want are fetched once. Selectors share when they want the same times and
// the same of the storage, and the later one, in order of evaluation, wants the same series or some of them:
// `rate(x{code="500"}[5m]) / rate(x[5m])` fetches `x`.

import { METRIC_NAME } from '../../model/labels.ts';
import type { Matcher } from '../../model/matcher.ts';
import { childrenOf, mapChildren, type PlanNode, type Select } from './node.ts';

/** `hidden`: labels that selectors may speak of and that series do not have: by those nothing can be picked out here. */
export function mergeSelects(plan: PlanNode, hidden: ReadonlySet<string>): PlanNode {
  const groups: Select[][] = [];
  for (const select of inOrder(plan)) {
    const group = groups.find(([first]) => isWithin(select, first, hidden));
    if (group === undefined) groups.push([select]);
    else group.push(select);
  }
  const shared = new Map<Select, Select>();
  groups.forEach((members, number) => {
    if (members.length === 1) return;
    const [{ matchers: fetched }] = members;
    for (const select of members) shared.set(select, { ...select, shared: { number, matchers: fetched } });
  });
  return shared.size === 0 ? plan : replaced(plan, shared);
}

/** The selects of a plan, those read first before the others. */
function inOrder(node: PlanNode): readonly Select[] {
  const own = selectOf(node);
  const children = [...childrenOf(node)];
  // Joins read the side that must be unique first; `and` and `unless` read what decides.
  const isRightFirst =
    (node.kind === 'vector-vector' && node.matching.card !== 'one-to-many') ||
    (node.kind === 'set' && node.op !== 'or');
  if (isRightFirst) children.reverse();
  return [...(own === undefined ? [] : [own]), ...children.flatMap(inOrder)];
}

function selectOf(node: PlanNode): Select | undefined {
  if (node.kind === 'select') return node.select;
  if ('source' in node && typeof node.source === 'object' && node.source.kind === 'selector') return node.source.select;
  return undefined;
}

/** Whether everything that `select` wants is among what `wide` fetches, and can be told apart there. */
function isWithin(select: Select, wide: Select, hidden: ReadonlySet<string>): boolean {
  if (!sameHints(select, wide) || !isNamed(wide)) return false;
  const own = new Set(select.matchers.map(String));
  if (!wide.matchers.every((matcher) => own.has(String(matcher)))) return false;
  return extraMatchers(select, wide.matchers).every(({ name }) => !hidden.has(name));
}

/** Without a name a select is no part of anything one would share by chance. */
function isNamed({ matchers }: Select): boolean {
  return matchers.some(({ name, op, value }) => name === METRIC_NAME && op === '=' && value !== '');
}

/** What a select asks beyond what is fetched for it. */
export function extraMatchers({ matchers }: Pick<Select, 'matchers'>, fetched: readonly Matcher[]): readonly Matcher[] {
  const known = new Set(fetched.map(String));
  return matchers.filter((matcher) => !known.has(String(matcher)));
}

function sameHints({ hints: a }: Select, { hints: b }: Select): boolean {
  return (
    a.minTime === b.minTime &&
    a.maxTime === b.maxTime &&
    a.stepMs === b.stepMs &&
    a.func === b.func &&
    a.rangeMs === b.rangeMs &&
    a.by === b.by &&
    a.grouping.length === b.grouping.length &&
    a.grouping.every((name, i) => name === b.grouping[i])
  );
}

/** The selects of a plan that share what they fetch. */
export function sharingSelects(plan: PlanNode): readonly Select[] {
  return inOrder(plan).filter(({ shared }) => shared !== undefined);
}

function replaced(node: PlanNode, shared: ReadonlyMap<Select, Select>): PlanNode {
  const inner = mapChildren(node, (child) => replaced(child, shared));
  const now = shared.get(selectOf(inner) as Select);
  if (now === undefined) return inner;
  if (inner.kind === 'select') return { ...inner, select: now };
  if ('source' in inner && typeof inner.source === 'object' && inner.source.kind === 'selector') {
    return { ...inner, source: { ...inner.source, select: now } } as PlanNode;
  }
  return inner;
}
