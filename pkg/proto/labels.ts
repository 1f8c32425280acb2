// Labels and matchers between the wire and the model. The matcher numbers are the same in StoreAPI and remote read.

import { Fault } from '../errors/fault.ts';
import { Labels } from '../model/labels.ts';
import { Matcher, type MatcherOp } from '../model/matcher.ts';
import type { Init } from './codec.ts';
import type { Label, LabelMatcher } from './store-service.ts';

const ops: readonly MatcherOp[] = ['=', '!=', '=~', '!~'];

/** Throws `invalid` for an unknown type or an expression that is not RE2, in the reference's words. */
export function matchersOf(messages: readonly LabelMatcher[]): Matcher[] {
  return messages.map(({ type, name, value }) => {
    const op = ops[type];
    if (op === undefined) throw new Fault('invalid', `unrecognized label matcher type ${type}`);
    return new Matcher(op, name, value);
  });
}

/** Matchers as messages, in their order; defaults are left out, as the encoder would. */
export function matcherMessages(matchers: readonly Matcher[]): Init<LabelMatcher>[] {
  return matchers.map(({ op, name, value }) => ({
    type: ops.indexOf(op) || undefined,
    name,
    value: value || undefined,
  }));
}

/** Sorted and cleaned of empty values, whatever the order on the wire. */
export function labelsOf(messages: readonly Label[]): Labels {
  return Labels.from(messages.map(({ name, value }) => [name, value] as const));
}

/** Labels as messages, in their order. */
export function labelMessages(labels: Labels): Init<Label>[] {
  return [...labels].map(([name, value]) => ({ name, value }));
}
