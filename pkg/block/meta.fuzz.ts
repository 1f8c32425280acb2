import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'vitest';
import { damageTimeoutMs, isSoak } from '../bytes/damage-fixture.ts';
import { kindOf } from '../errors/fault.ts';
import { parseMark } from './marks.ts';
import { parseMeta, printMeta } from './meta.ts';

/** Small and repeatable. */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

const CASES = isSoak ? 50_000 : 1500;
const good = readFileSync(join(import.meta.dirname, 'testdata', 'metas', '01M8251EPPED459ER7YFSFFC64.json'));
const pieces = ['{', '}', '[', ']', 'null', '-1', '1e999', '"', ':', ',', 'true', '9007199254740993', '""', '{}'];

test('a damaged meta.json is refused as such, or read into something that prints and reads again', {
  timeout: damageTimeoutMs,
}, () => {
  const random = randomOf(7);
  for (let i = 0; i < CASES; i++) {
    const text = good.toString('utf8');
    const at = Math.floor(random() * text.length);
    const cut = Math.floor(random() * 12);
    const piece = pieces[Math.floor(random() * pieces.length)];
    const damaged = text.slice(0, at) + (random() < 0.7 ? piece : '') + text.slice(at + cut);
    try {
      const meta = parseMeta(Buffer.from(damaged));
      assert.deepEqual(parseMeta(Buffer.from(printMeta(meta))), meta);
    } catch (thrown) {
      assert.ok(['corrupt', 'unsupported'].includes(kindOf(thrown)), `${thrown}\n${damaged.slice(at - 40, at + 40)}`);
    }
  }
});

test('a damaged mark is refused as such or read', { timeout: damageTimeoutMs }, () => {
  const random = randomOf(11);
  const text = '{"id":"01M82516GKV8ZXQ9N470A4TTP0","version":1,"details":"golden data","deletion_time":1795369770}';
  for (let i = 0; i < CASES; i++) {
    const at = Math.floor(random() * text.length);
    const piece = pieces[Math.floor(random() * pieces.length)];
    const damaged = text.slice(0, at) + piece + text.slice(at + Math.floor(random() * 5));
    try {
      assert.equal(parseMark('deletion', damaged).version, 1);
    } catch (thrown) {
      assert.ok(['corrupt', 'unsupported'].includes(kindOf(thrown)), `${thrown}`);
    }
  }
});
