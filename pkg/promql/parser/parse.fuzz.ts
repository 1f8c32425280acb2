// Whatever the text, parsing ends with a tree that prints and parses again, or with an `invalid` Fault.

import assert from 'node:assert/strict';
import { test } from 'vitest';
import { kindOf } from '../../errors/fault.ts';
import { parse } from './parse.ts';
import { print } from './print.ts';

const fragments =
  'up|foo{a="b"}|x[5m]|sum|by|(|)|{|}|[|]|,|offset|@|5m|1|1h30m|"s"|on|ignoring|group_left|bool|and|or|unless|==|=~|!~|<|+|-|*|/|^|rate|(x[1m])|start()|a:b|NaN|0x1f|.5|#c\n|without (a)|:|!|=|é|$|"\\n"|`r`|topk|time()|1_0|[1h:5m]|@ 10|{"a b"="c"}|step|anchored|\\|"|`|😀|\u0000|\ud800'.split(
    '|',
  );

test('any mix of fragments is a tree or an invalid expression', () => {
  let seed = 1;
  const random = (limit: number): number => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) | 0;
    return (seed >>> 8) % limit;
  };
  let trees = 0;
  for (let round = 0; round < 20_000; round++) {
    const text = Array.from({ length: 1 + random(8) }, () => fragments[random(fragments.length)]).join(
      random(2) ? ' ' : '',
    );
    try {
      const printed = print(parse(text, { experimental: true }));
      assert.equal(print(parse(printed, { experimental: true })), printed, text);
      trees++;
    } catch (thrown) {
      assert.equal(kindOf(thrown), 'invalid', `${JSON.stringify(text)}: ${String(thrown)}`);
    }
  }
  assert.ok(trees > 500, `${trees} trees`);
});
