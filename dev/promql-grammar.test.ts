// Our parser and the official grammar package, which editors use, take the same texts for expressions. The package knows no
// types, so it is only asked about texts that parse; what it does not know yet is listed.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parser } from '@prometheus-io/lezer-promql';
import { describe, test } from 'vitest';
import { messageOf } from '../pkg/errors/fault.ts';
import { parse } from '../pkg/promql/parser/parse.ts';
import { RandomText } from '../pkg/promql/parser/random-text.ts';
import { treeJson } from '../pkg/promql/parser/tree-json.ts';
import { projectRoot } from './golden.ts';

/** What Prometheus takes and the package does not: by the text, or by our tree of it. */
const KNOWN_GAPS: readonly (readonly [what: string, example: string, has: (text: string, tree: string) => boolean])[] =
  [
    ['`offset` as the name of a metric', 'offset', (_, tree) => tree.includes('"name":"offset"')],
    ['min_of and max_of outside of durations', 'min_of(1, 2)', (_, tree) => /"name":"(?:min|max)_of"/.test(tree)],
    ['a number that ends in a point', '2. + x', (text) => /\d\.(?!\d)/.test(text)],
  ];

const everything = { experimental: true, extendedRangeSelectors: true, fillModifiers: true };

function isTakenByPackage(text: string): boolean {
  let isTaken = true;
  parser.parse(text).iterate({
    enter(node) {
      if (node.type.isError) isTaken = false;
    },
  });
  return isTaken;
}

/** Whether it parses: an operator behind an offset in parentheses goes on with the offset, which makes some texts none. */
function isExpression(text: string): boolean {
  try {
    parse(text, everything);
    return true;
  } catch {
    return false;
  }
}

function recordedTexts(): string[] {
  const path = join(projectRoot(), 'pkg/promql/parser/testdata/prints.json');
  return (JSON.parse(readFileSync(path, 'utf8')) as [string, string][]).map(([text]) => text);
}

describe('the official grammar', () => {
  const random = new RandomText(9);
  const drawn = Array.from({ length: 1500 }, () => random.expression());
  const texts = [...recordedTexts(), ...drawn.filter((text) => isExpression(text))];

  test('takes what our parser takes, but for the gaps we know', () => {
    const refused: string[] = [];
    let compared = 0;
    for (const text of texts) {
      const tree = JSON.stringify(treeJson(parse(text, everything)));
      if (KNOWN_GAPS.some(([, , has]) => has(text, tree))) continue;
      compared++;
      if (!isTakenByPackage(text)) refused.push(text);
    }
    assert.deepEqual(refused, []);
    assert.ok(compared > 1000, `${compared}`);
  });

  for (const [what, example] of KNOWN_GAPS)
    test(`still does not know ${what}`, () => {
      parse(example, everything);
      assert.ok(!isTakenByPackage(example));
    });

  test('refuses what our parser refuses for its form', () => {
    const broken = new RandomText(10);
    const taken: string[] = [];
    for (let i = 0; i < 1500; i++) {
      const text = broken.broken();
      try {
        parse(text, everything);
      } catch (thrown) {
        const message = messageOf(thrown);
        // Forms that only the reference's parser looks into: it is stricter about what stands inside tokens.
        if (/: parse error: unexpected <(?:op|aggr):/.test(message) && isTakenByPackage(text)) taken.push(text);
      }
    }
    assert.deepEqual(taken, []);
  });
});
