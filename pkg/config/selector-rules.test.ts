import assert from 'node:assert/strict';
import { describe, test } from 'vitest';
import { Labels } from '../model/labels.ts';
import { isSelected, printRules } from '../model/relabel.ts';
import { parseSelectorRules } from './selector-rules.ts';

/** Label sets whose selection by these rules the reference printed (`thanos tools bucket ls`). */
const blocks = [1, 2, 3, 4].map((i) =>
  Labels.of({ region: `r${i}`, n: String(i % 2), __block_id: `01J0000000000000000000000${i}` }),
);

function selected(rules: string): number[] {
  const parsed = parseSelectorRules(rules);
  return blocks.flatMap((labels, i) => (isSelected(labels, parsed) ? [i + 1] : []));
}

describe('rules select the blocks that the reference selects', () => {
  for (const [rules, expected] of [
    ['', [1, 2, 3, 4]],
    ['[]', [1, 2, 3, 4]],
    ['[{action: keep, source_labels: [n], regex: "1"}]', [1, 3]],
    ['[{action: KEEP, source_labels: [n], regex: "1"}]', [1, 3]],
    ['[{action: keep, source_labels: [n], regex: 1}]', [1, 3]],
    ['[{action: keep, source_labels: [n], target_label: x, regex: 1}]', [1, 3]],
    ['[{action: drop, source_labels: [n, region], regex: "1;r.*"}]', [2, 4]],
    ['[{action: keep, source_labels: [n, region], separator: "", regex: 1r1}]', [1]],
    ['[{action: keep, source_labels: [n, region], separator: , regex: 1;r1}]', [1]],
    ['[{action: keep, source_labels: [__block_id], regex: "01J00000000000000000000001"}]', [1]],
    ['[{action: drop, source_labels: [nope], regex: ""}]', []],
    ['[{action: keep, source_labels: ["a-b"], regex: ""}]', [1, 2, 3, 4]],
    ['[{action: keep, source_label: [n]}]', [1, 2, 3, 4]],
    [
      '[{action: hashmod, source_labels: [region], target_label: shard, modulus: 2},' +
        '{action: keep, source_labels: [shard], regex: "0"}]',
      [1, 2, 3],
    ],
    [
      '[{action: hashmod, source_labels: [region], target_label: shard, modulus: 18446744073709551615},' +
        '{action: keep, source_labels: [shard], regex: "[0-9]{18,}"}]',
      [1, 2, 3, 4],
    ],
    [
      '[{action: hashmod, target_label: "a b", modulus: 2}, {action: keep, source_labels: ["a b"], regex: "0"}]',
      [1, 2, 3, 4],
    ],
  ] as const) {
    test(rules === '' ? 'no text' : rules, () => assert.deepEqual(selected(rules), expected));
  }
});

test('rules that select nothing themselves, or are wrong, are refused by their place', () => {
  for (const [rules, message] of [
    ['[{source_labels: [n], target_label: x}]', /rule 1: action: only keep, drop and hashmod choose: "replace"/],
    ['[{action: keep}, {action: keepequal, target_label: n}]', /rule 2: action: only keep.*"keepequal"/],
    ['[{action: nope}]', /rule 1: action: there is no such action: "nope"/],
    ['[{action: hashmod, target_label: x}]', /rule 1: modulus: must be a whole number from 1: "0"/],
    ['[{action: hashmod, target_label: x, modulus: -2}]', /modulus.*"-2"/],
    ['[{action: hashmod, target_label: x, modulus: 18446744073709551616}]', /modulus/],
    ['[{action: hashmod, modulus: 2}]', /rule 1: target_label: is required for hashmod/],
    ['[{action: keep, regex: "("}]', /rule 1: error parsing regexp/],
    ['[{action: keep, source_labels: n}]', /0\.source_labels/],
    ['{action: keep}', /expected array/],
    ['[null]', /0: /],
    ['hello', /expected array/],
  ] as const) {
    assert.throws(() => parseSelectorRules(rules), { kind: 'invalid', message }, rules);
  }
});

test('equal rules print alike and others do not', () => {
  const print = (rules: string): string => printRules(parseSelectorRules(rules));
  assert.equal(
    print('[{action: Keep, source_labels: [n]}]'),
    print('[{action: keep, source_labels: [n], regex: (.*)}]'),
  );
  const shard = (number: number): string => `[{action: hashmod, target_label: x, modulus: ${number}}]`;
  assert.notEqual(print(shard(2)), print(shard(3)));
});
