import assert from 'node:assert/strict';
import { describe, test } from 'vitest';
import { kindOf } from '../../errors/fault.ts';
import { ByteBudget } from './byte-budget.ts';

const signal = new AbortController().signal;

describe('a byte budget', () => {
  test('lets in what fits, and the rest in order of arrival as bytes come back', async () => {
    const budget = new ByteBudget(100);
    const order: string[] = [];
    await budget.take(signal, 80);
    const large = budget.take(signal, 60).then(() => order.push('large'));
    // It would fit, but the larger one came first.
    const small = budget.take(signal, 10).then(() => order.push('small'));
    await Promise.resolve();
    assert.deepEqual(order, []);
    budget.give(80);
    await Promise.all([large, small]);
    assert.deepEqual(order, ['large', 'small']);
    assert.equal(budget.usedBytes, 70);
  });

  test('fails with limit when the wait is too long, and at once for what can never fit', async () => {
    const budget = new ByteBudget(100, 1);
    await assert.rejects(budget.take(signal, 101), (thrown) => kindOf(thrown) === 'limit');
    await budget.take(signal, 100);
    await assert.rejects(budget.take(signal, 1), (thrown) => kindOf(thrown) === 'limit');
    budget.give(100);
    await budget.take(signal, 100);
  });

  test('a caller that leaves makes way for those behind it', async () => {
    const budget = new ByteBudget(100);
    await budget.take(signal, 50);
    const leaver = new AbortController();
    const left = assert.rejects(budget.take(leaver.signal, 90), (thrown) => kindOf(thrown) === 'canceled');
    const behind = budget.take(signal, 50);
    leaver.abort();
    await left;
    await behind;
    assert.equal(budget.usedBytes, 100);
  });
});
