import assert from 'node:assert/strict';
import { test } from 'vitest';
import { LoopTurn } from './loop-turn.ts';

/** Keeps the processor for about a millisecond. */
function piece(): void {
  const end = performance.now() + 1;
  while (performance.now() < end);
}

test('a loop of pieces without a wait lets the rest of the process in, again and again', async () => {
  const turn = new LoopTurn();
  let ticks = 0;
  const timer = setInterval(() => ticks++, 1);
  try {
    for (let i = 0; i < 200; i++) {
      await turn.share();
      piece();
    }
    assert.ok(ticks >= 4, `${ticks} turns`);
  } finally {
    clearInterval(timer);
  }
});

test('loops side by side share the turns', async () => {
  const turn = new LoopTurn();
  let ticks = 0;
  const timer = setInterval(() => ticks++, 1);
  const loop = async (): Promise<void> => {
    for (let i = 0; i < 50; i++) {
      await turn.share();
      piece();
    }
  };
  try {
    await Promise.all(Array.from({ length: 8 }, loop));
    assert.ok(ticks >= 8, `${ticks} turns`);
  } finally {
    clearInterval(timer);
  }
});

test('a single piece waits for nothing', () => {
  assert.equal(new LoopTurn().share(), undefined);
});
