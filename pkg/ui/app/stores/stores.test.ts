import { assert, describe, test } from 'vitest';
import { streamsOf, wholeRange } from './coverage.ts';
import { labelFindings } from './hygiene.ts';
import { type StoreEntry, storesOf } from './stores.ts';

const HOUR = 3_600_000;
const NOW = Date.UTC(2026, 0, 31);

function entry(name: string, fields: Readonly<Record<string, unknown>>): StoreEntry {
  const { component = 'store', ...rest } = fields;
  return storesOf({ [String(component)]: [{ name, lastError: null, state: 'up', ...rest }] })[0];
}

describe('an answer of the stores API', () => {
  for (const [what, data] of [
    ['null', null],
    ['a list', []],
    ['a component that is no list', { store: 7 }],
  ]) {
    test(`that is ${what} has no endpoints`, () => assert.deepEqual(storesOf(data), []));
  }

  test('of the reference, without our members, says as much as it can', () => {
    const [down, up] = storesOf({
      sidecar: [
        {
          name: 'a:1',
          lastCheck: '2026-01-01T00:00:00Z',
          lastError: null,
          labelSets: [{ a: '1' }],
          minTime: 5,
          maxTime: 9,
        },
        {
          name: 'b:1',
          lastCheck: '0001-01-01T00:00:00Z',
          lastError: 'refused',
          labelSets: null,
          minTime: 0,
          maxTime: 1,
        },
      ],
    });
    assert.deepEqual([down.name, down.state, down.lastCheckMs, down.labelSets], ['b:1', 'down', undefined, []]);
    assert.deepEqual(
      [up.state, up.hasStore, up.ranges],
      ['up', true, [{ labels: { a: '1' }, minTime: 5, maxTime: 9 }]],
    );
  });

  test('with odd members still is a list', () => {
    const [one] = storesOf({ store: [null] });
    assert.deepEqual([one.name, one.state, one.ranges.length], ['', 'up', 1]);
  });
});

describe('coverage', () => {
  const ranges = (...list: readonly (readonly [Record<string, string>, number, number])[]) => ({
    ranges: list.map(([labels, minTime, maxTime]) => ({ labels, minTime, maxTime })),
  });

  test('puts replicas into one stream and finds the hole between them', () => {
    const stores = [
      entry('a', ranges([{ cluster: 'eu', replica: 'a' }, NOW - 10 * HOUR, NOW - 6 * HOUR])),
      entry('b', ranges([{ replica: 'b', cluster: 'eu' }, NOW - 4 * HOUR, NOW])),
    ];
    const [stream, ...others] = streamsOf(stores, ['replica'], wholeRange(stores, NOW));
    assert.strictEqual(others.length, 0);
    assert.strictEqual(stream.key, '{cluster="eu"}');
    assert.deepEqual(stream.holes, [{ from: NOW - 6 * HOUR, to: NOW - 4 * HOUR }]);
  });

  test('does not count endpoints that are down, nor gaps of minutes', () => {
    const stores = [
      entry('a', ranges([{ c: 'x' }, NOW - 10 * HOUR, NOW - 60_000])),
      entry('b', { ...ranges([{ c: 'x' }, NOW - 20 * HOUR, NOW]), state: 'down' }),
    ];
    const [{ holes }] = streamsOf(stores, [], wholeRange(stores, NOW));
    assert.deepEqual(holes, [{ from: NOW - 20 * HOUR, to: NOW - 10 * HOUR }]);
  });

  test('takes no limit for a claim that proves nothing and hides nothing', () => {
    const stores = [
      entry('sidecar', ranges([{ c: 'x' }, -62_167_219_200_000, 2 ** 63])),
      entry('empty', ranges([{ c: 'y' }, 2 ** 63, -(2 ** 63)])),
    ];
    const whole = wholeRange(stores, NOW);
    assert.deepEqual(whole, { from: NOW - 24 * HOUR, to: NOW });
    const [x, y] = streamsOf(stores, [], whole);
    assert.deepEqual([x.parts[0].isOpen, x.covered, x.holes], [true, [whole], []]);
    assert.deepEqual([y.covered, y.holes], [[], []]);
  });
});

describe('what is wrong with labels', () => {
  const sidecar = (name: string, labels: Record<string, string>): StoreEntry =>
    entry(name, { component: 'sidecar', labelSets: [labels] });

  for (const [what, stores, replicaLabels, wanted] of [
    ['nothing', [sidecar('a', { c: 'x', replica: '0' }), sidecar('b', { c: 'x', replica: '1' })], ['replica'], []],
    ['no labels', [sidecar('a', {})], [], [/a announces no external labels/]],
    ['the same labels', [sidecar('a', { c: 'x' }), sidecar('b', { c: 'x' })], [], [/a and b announce the same labels/]],
    [
      'a replica label nobody declared',
      [sidecar('a', { c: 'x', replica: '0' }), sidecar('b', { c: 'x', replica: '1' })],
      [],
      [/--query.replica-label=replica/],
    ],
    ['a replica label nobody has', [sidecar('a', { c: 'x' })], ['rep'], [/no endpoint has the replica label rep/]],
    ['a store gateway beside its sidecar', [sidecar('a', { c: 'x' }), entry('s', { labelSets: [{ c: 'x' }] })], [], []],
  ] as const) {
    test(`is told: ${what}`, () => {
      const findings = labelFindings(stores, replicaLabels);
      assert.strictEqual(findings.length, wanted.length, findings.join('\n'));
      for (const [i, pattern] of wanted.entries()) assert.match(findings[i], pattern);
    });
  }
});
