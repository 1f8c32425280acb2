// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these templates are Go's.

import assert from 'node:assert/strict';
import { test } from 'vitest';
import { compileReplacement } from './replacement.ts';

for (const [pattern, template, value, expected] of [
  ['(.*):.*', '$1', '10.0.0.1:9090', '10.0.0.1'],
  ['(.*):(.*)', '$2-$1', 'a:b', 'b-a'],
  ['(.*)', '$1x', 'a', ''],
  ['(.*)', '${1}x', 'a', 'ax'],
  ['(?P<first>.)(.*)', '${first}_$2_$first', 'abc', 'a_a'],
  ['a', '$$1 $', 'a', '$1 $'],
  ['a', '$7${nope}.', 'a', '.'],
  ['a(b)?', '[$1]', 'a', '[]'],
  ['b', 'x', 'abc', undefined],
  ['a.c', 'x', 'a\nc', 'x'],
  ['', 'x', '', 'x'],
] as const) {
  test(`${pattern} with ${template} makes ${expected} of ${JSON.stringify(value)}`, () => {
    assert.equal(compileReplacement(pattern, template)!(value), expected);
  });
}

test('what is no RE2 expression is refused', () => {
  assert.equal(compileReplacement('(', 'x'), undefined);
  assert.equal(compileReplacement('(?=a)', 'x'), undefined);
});
