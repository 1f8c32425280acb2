import assert from 'node:assert/strict';
import { test } from 'vitest';
import { during, Fault, stackOf } from './fault.ts';

function deep(): Fault {
  return new Fault('corrupt', 'broken', { facts: { block: 'b' } });
}

test('what is added to a failure keeps its kind, its facts and where it came from', () => {
  const limit = Error.stackTraceLimit;
  const failure = during('sync', during('read', deep(), { object: 'o' }));
  assert.deepEqual([failure.kind, failure.message], ['corrupt', 'sync: read: broken']);
  assert.deepEqual(failure.facts, { block: 'b', object: 'o' });
  assert.match(stackOf(failure), /broken\n +at deep /);
  assert.equal(Error.stackTraceLimit, limit);
});

test('where a mistake of ours came from is told, whatever was added', () => {
  const mistake = (): never => {
    throw new TypeError('no function');
  };
  try {
    mistake();
  } catch (thrown) {
    assert.match(stackOf(during('a', during('b', thrown))), /^TypeError: no function\n +at mistake /);
  }
  assert.equal(stackOf('text'), '');
});

test('of what the system reports, where we met it is told', () => {
  const reported = Object.assign(new Error('ENOENT'), { code: 'ENOENT', stack: 'Error: ENOENT' });
  const failure = during('open', reported);
  assert.equal(failure.kind, 'not-found');
  assert.match(stackOf(during('read', failure)), /open: ENOENT\n +at /);
});
