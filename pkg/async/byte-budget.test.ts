import assert from 'node:assert/strict';
import { describe, test } from 'vitest';
import { Fault, kindOf } from '../errors/fault.ts';
import { ByteBudget, budgetScopeOf, CountedBytes } from './byte-budget.ts';

function thrownBy(work: () => void): unknown {
  try {
    work();
  } catch (thrown) {
    return thrown;
  }
  return undefined;
}

const never = (why: Fault): void => assert.fail(`ended: ${why.message}`);

describe('a budget of bytes', () => {
  test('counts what is taken and given, and the most held', () => {
    const budget = new ByteBudget({ totalBytes: 100, shareBytes: 60 });
    const account = budget.open(never);
    account.take(50);
    account.give(20);
    account.take(10);
    assert.deepEqual([account.usedBytes, account.peakBytes, budget.usedBytes], [40, 50, 40]);
    account.close();
    account.close();
    assert.equal(budget.usedBytes, 0);
  });

  test('refuses one account more than its share, and says which limit it was', () => {
    const account = new ByteBudget({ totalBytes: 100, shareBytes: 60 }).open(never);
    account.take(60);
    const thrown = thrownBy(() => account.take(1));
    assert.equal(kindOf(thrown), 'limit');
    assert.equal(budgetScopeOf(thrown), 'share');
    assert.deepEqual((thrown as Fault).facts, { budget: 'share', usedBytes: 61, limitBytes: 60 });
  });

  test('ends the largest when all together hold too much, and lets the small one that asked go on', () => {
    const budget = new ByteBudget({ totalBytes: 100, shareBytes: 0 });
    const ended: string[] = [];
    const large = budget.open((why) => ended.push(`large: ${budgetScopeOf(why)}`));
    const small = budget.open(never);
    large.take(90);
    small.take(8);
    small.take(8);
    small.take(8);
    assert.deepEqual(ended, ['large: total']);
    large.close();
    assert.equal(budget.usedBytes, 24);
  });

  test('throws to the one that asks when that one holds most', () => {
    const budget = new ByteBudget({ totalBytes: 100, shareBytes: 0 });
    const small = budget.open(never);
    const large = budget.open(never);
    small.take(10);
    large.take(80);
    assert.equal(budgetScopeOf(thrownBy(() => large.take(20))), 'total');
  });

  test('with limits of 0 refuses nothing', () => {
    const account = new ByteBudget({ totalBytes: 0, shareBytes: 0 }).open(never);
    account.take(Number.MAX_SAFE_INTEGER);
    assert.equal(account.usedBytes, Number.MAX_SAFE_INTEGER);
  });
});

test('a part counts for itself and for the whole', () => {
  const whole = new CountedBytes();
  const part = new CountedBytes(whole);
  whole.take(5);
  part.take(7);
  part.give(3);
  assert.deepEqual([part.usedBytes, part.peakBytes, whole.usedBytes, whole.peakBytes], [4, 7, 9, 12]);
});

test('other failures are no spent budget', () => {
  assert.equal(budgetScopeOf(new Fault('limit', 'of series')), undefined);
  assert.equal(budgetScopeOf(new Error('x')), undefined);
});
