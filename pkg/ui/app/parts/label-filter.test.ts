import { assert, describe, test } from 'vitest';
import { labelText, parseLabelFilter } from './label-filter.ts';
import { changedSearch, numberOf } from './link-search.ts';

const labels = { cluster: 'eu', replica: 'a', path: 'a "b"' };
const text = '10.0.0.1:10901 sidecar refused Connection';

describe('a filter', () => {
  for (const [typed, wanted] of [
    ['', true],
    ['   ', true],
    ['REFUSED', true],
    ['"refused connection"', true],
    ['refused absent', false],
    ['cluster=eu', true],
    ['cluster="eu"', true],
    ['{cluster="eu", replica="b"}', false],
    ['cluster!=us', true],
    ['cluster=~"e.|us"', true],
    ['cluster=~"e"', false],
    ['cluster!~"us.*"', true],
    ['absent=""', true],
    ['constructor=""', true],
    ['path="a \\"b\\""', true],
    ['10.0.0.1:10901', true],
  ] as const) {
    test(`${JSON.stringify(typed)} ${wanted ? 'fits' : 'does not fit'}`, () => {
      const filter = parseLabelFilter(typed);
      assert.strictEqual(filter.error, undefined);
      assert.strictEqual(filter.matches(labels, text), wanted);
    });
  }

  test('with half an expression says so and hides nothing', () => {
    const filter = parseLabelFilter('cluster=~"("');
    assert.match(filter.error ?? '', /not a regular expression/);
    assert.ok(filter.matches(labels, text));
  });
});

test('labels are written as PromQL writes them', () => {
  assert.strictEqual(labelText(labels), '{cluster="eu", replica="a", path="a \\"b\\""}');
});

test('a link keeps what is not changed', () => {
  assert.strictEqual(changedSearch('q=a&from=1&x=%20', { q: 'b', from: undefined, to: '5' }), 'q=b&x=+&to=5');
  assert.strictEqual(changedSearch('q=a', { q: '' }), '');
});

test('numbers of a link are whole ones', () => {
  assert.deepEqual(['12', '-3', '1.5', 'x', '', null].map(numberOf), [
    12,
    -3,
    undefined,
    undefined,
    undefined,
    undefined,
  ]);
});
