// Relabel rules that choose: which label sets to keep, and in which shard one falls.

import { md5 } from '../bytes/md5.ts';
import { encodeUtf8 } from '../bytes/utf8.ts';
import { Labels } from './labels.ts';
import type { AnchoredRegexp } from './regexp.ts';

/** What a rule looks at: the values of these labels, '' for one that is not there, with `separator` between them. */
export interface RuleSource {
  readonly sourceLabels: readonly string[];
  readonly separator: string;
}

export type SelectorRule =
  /** Keeps, or drops, label sets whose source matches. */
  | (RuleSource & { readonly action: 'keep' | 'drop'; readonly regexp: AnchoredRegexp })
  /** Sets `targetLabel` to the source's hash modulo `modulus`, for a later rule to look at. */
  | (RuleSource & { readonly action: 'hashmod'; readonly modulus: bigint; readonly targetLabel: string });

/** Whether the rules, applied in their order, keep that label set. No rules keep everything. */
export function isSelected(labels: Labels, rules: readonly SelectorRule[]): boolean {
  let current = labels;
  for (const rule of rules) {
    const source = rule.sourceLabels.map((name) => current.get(name)).join(rule.separator);
    if (rule.action === 'hashmod') {
      current = current.with(Labels.of({ [rule.targetLabel]: String(hash(source) % rule.modulus) }));
    } else if (rule.regexp.test(source) !== (rule.action === 'keep')) {
      return false;
    }
  }
  return true;
}

/** A text equal for equal rules and for no others. */
export function printRules(rules: readonly SelectorRule[]): string {
  const parts = rules.map((rule) => {
    const { action, sourceLabels, separator } = rule;
    const rest = action === 'hashmod' ? [String(rule.modulus), rule.targetLabel] : [rule.regexp.source];
    return [action, sourceLabels, separator, ...rest];
  });
  return JSON.stringify(parts);
}

/** The last eight bytes of the MD5, as one number. */
function hash(text: string): bigint {
  const digest = md5(encodeUtf8(text));
  return new DataView(digest.buffer).getBigUint64(8);
}
