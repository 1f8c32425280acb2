import assert from 'node:assert/strict';
import { describe, test } from 'vitest';
import { Labels } from '../model/labels.ts';
import { Sharder, sharderOf } from './shard.ts';

describe('sharding', () => {
  for (const [what, by, labels, record, hash] of [
    ['by a label', true, ['pod'], { pod: 'nginx' }, 16940197174540583416n],
    ['without a label', false, ['pod'], { __name__: 'up', pod: 'anything' }, 2581902663846753688n],
    ['by a label that is missing', true, ['nowhere'], { pod: 'nginx' }, 17241709254077376921n],
  ] as const) {
    test(`${what} hashes as the reference does`, () => {
      const sharder = new Sharder({ shardIndex: Number(hash % 3n), totalShards: 3, by, labels });
      assert.equal(sharder.hash(Labels.of(record)), hash);
      assert.ok(sharder.matches(Labels.of(record)));
    });
  }

  test('long and non-ASCII labels fit, and each series is in exactly one shard', () => {
    for (const labels of [Labels.of({ a: '界'.repeat(2000), b: 'x' }), Labels.of({ é: 'ü' }), Labels.empty]) {
      const homes = [0, 1, 2, 3].filter((shardIndex) =>
        new Sharder({ shardIndex, totalShards: 4, by: false, labels: [] }).matches(labels),
      );
      assert.equal(homes.length, 1);
    }
  });

  test('fewer than one shard is no sharding', () => {
    assert.equal(sharderOf(undefined), undefined);
    assert.equal(sharderOf({ shardIndex: 0, totalShards: 0, by: true, labels: [] }), undefined);
  });
});
