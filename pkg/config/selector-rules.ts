// The rules of `--selector.relabel-config`: which blocks a process takes, by their external labels.
//
//   - action: hashmod              # keep, drop or hashmod; the other actions of relabelling choose nothing
//     source_labels: [cluster]
//     target_label: shard
//     modulus: 3
//   - action: keep
//     source_labels: [shard]
//     regex: 1                     # anchored
//
// Keys that mean nothing here are ignored, as the reference does.

import { during, Fault } from '../errors/fault.ts';
import { compileAnchored } from '../model/regexp.ts';
import type { SelectorRule } from '../model/relabel.ts';
import { loose, parseShape, z } from './shape.ts';
import { parseYaml } from './yaml.ts';

const MOST_MODULUS = 2n ** 64n - 1n;
/** Relabelling has these too; they change labels, which a choice has no use for. */
const otherActions = [
  'replace',
  'keepequal',
  'dropequal',
  'labelmap',
  'labeldrop',
  'labelkeep',
  'lowercase',
  'uppercase',
];

const text = z.string().nullish();
const ruleShape = loose({
  action: text,
  source_labels: z.array(z.string()).nullish(),
  separator: text,
  regex: text,
  modulus: text,
  target_label: text,
});

/** Throws `invalid` with the place of the rule that is wrong. No text, no rules. */
export function parseSelectorRules(yamlText: string): readonly SelectorRule[] {
  const value = parseYaml(yamlText, { keepsText: true });
  if (value === undefined) return [];
  return parseShape(z.array(ruleShape), value).map((given, i) => {
    try {
      return ruleOf(given);
    } catch (thrown) {
      throw during(`rule ${i + 1}`, thrown);
    }
  });
}

function ruleOf(given: z.output<typeof ruleShape>): SelectorRule {
  const source = { sourceLabels: given.source_labels ?? [], separator: given.separator ?? ';' };
  const regexp = compileAnchored(given.regex ?? '(.*)');
  const name = given.action ?? 'replace';
  const action = name.toLowerCase();
  if (action === 'keep' || action === 'drop') return { ...source, action, regexp };
  if (action === 'hashmod') {
    const modulus = modulusOf(given.modulus ?? '0');
    const targetLabel = given.target_label ?? '';
    if (targetLabel === '') throw new Fault('invalid', 'target_label: is required for hashmod');
    return { ...source, action, modulus, targetLabel };
  }
  const reason = otherActions.includes(action) ? 'only keep, drop and hashmod choose' : 'there is no such action';
  throw new Fault('invalid', `action: ${reason}: ${JSON.stringify(name)}`);
}

function modulusOf(digits: string): bigint {
  const modulus = /^\d+$/.test(digits) ? BigInt(digits) : undefined;
  if (modulus === undefined || modulus === 0n || modulus > MOST_MODULUS) {
    throw new Fault('invalid', `modulus: must be a whole number from 1: ${JSON.stringify(digits)}`);
  }
  return modulus;
}
