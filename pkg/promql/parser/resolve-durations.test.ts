import assert from 'node:assert/strict';
import { describe, test } from 'vitest';
import { parse } from './parse.ts';
import { resolveDurations } from './resolve-durations.ts';

const range = { stepMs: 15_000, rangeMs: 600_000 };
const instant = { stepMs: 0, rangeMs: 0 };

describe('resolveDurations', () => {
  for (const [text, rangeMs, offsetMs] of [
    ['x[5m]', 300_000, 0],
    ['x[5m * 2] offset (1m + 30)', 600_000, 90_000],
    ['x[step() * 4] offset -step()', 60_000, -15_000],
    ['x[range() / 2]', 300_000, 0],
    ['x[min_of(step(), 10s) + max_of(1, 2)]', 12_000, 0],
    ['x[2 ^ 3 ^ 2]', 512_000, 0],
    ['x[10 - 3 - 2]', 5_000, 0],
    ['x[(1h % 7m)]', 240_000, 0],
    ['x[-5m + 35m] offset -(1m)', 1_800_000, -60_000],
    ['x[1.0005 * 2]', 2_001, 0],
  ] as const)
    test(`${text} is a range of ${rangeMs} ms, moved by ${offsetMs} ms`, () => {
      const tree = resolveDurations(parse(text), range);
      assert.ok(tree.kind === 'matrix-selector');
      assert.deepEqual([tree.rangeMs, tree.selector.offsetMs], [rangeMs, offsetMs]);
    });

  test('reaches every part of a tree', () => {
    const text = 'sum by (a) (-last_over_time(rate(x[step()])[1s + range():step() + 1] offset (step()))) + 1';
    const tree = resolveDurations(parse(text), range);
    assert.match(JSON.stringify(tree), /"rangeMs":15000.*"rangeMs":601000.*"stepMs":16000.*"offsetMs":15000/s);
  });

  // As Prometheus words them: the place is that of the first byte and the one behind the last.
  for (const [text, message] of [
    ['x[step()]', '2:8: duration must be greater than 0'],
    ['x[5m:step() - 1]', '5:15: duration must be greater than 0'],
    ['x[1 - 2]', '2:7: duration must be greater than 0'],
    ['x[5m / (1 - 1)]', '2:13: division by zero'],
    ['x[5m % (1 - 1)]', '2:13: modulo by zero'],
    ['x[292y * 200]', '2:12: duration is out of range'],
    ['x offset (-292y * 2)', '10:19: duration is out of range'],
  ] as const)
    test(`${text} is refused in an instant query`, () => {
      assert.throws(() => resolveDurations(parse(text), instant), { kind: 'invalid', message });
    });
});
