// The compiled posting list decoder against the plain one.

import assert from 'node:assert/strict';
import { describe, test } from 'vitest';
import { isSoak, randomFrom } from '../../bytes/damage-fixture.ts';
import { kindOf, messageOf } from '../../errors/fault.ts';
import { readPostingBody, readPostingBodyPlainly } from './posting-list.ts';

const random = randomFrom(3);
const times = isSoak ? 100 : 1;

function list(size: number): Uint32Array {
  const ids = new Uint32Array(size);
  const step = 1 + random(20);
  for (let i = 0, id = random(1000); i < size; i++) ids[i] = id += 1 + random(step);
  return ids;
}

function bodyOf(ids: Uint32Array): DataView {
  const view = new DataView(new ArrayBuffer(4 + ids.length * 4 + random(8)));
  view.setUint32(0, ids.length);
  for (let i = 0; i < ids.length; i++) view.setUint32(4 + 4 * i, ids[i]);
  return view;
}

describe('posting lists', () => {
  test('of any size decode as the plain decoder does', () => {
    for (let i = 0; i < 300 * times; i++) {
      const ids = list(i % 100 === 0 ? 262_144 * 2 + random(9) : random(3000));
      if (i % 3 === 0 && ids.length > 0) ids[ids.length - 1] = 0xffffffff;
      const view = bodyOf(ids);
      assert.deepEqual(readPostingBody(view, 0, 4 + ids.length * 4), ids);
      assert.deepEqual(readPostingBodyPlainly(view, 0, 4 + ids.length * 4), ids);
    }
  });

  test('out of order anywhere are refused in the same words', () => {
    for (let i = 0; i < 300 * times; i++) {
      const ids = list(i % 100 === 0 ? 262_144 + 100 : 2 + random(3000));
      const at = i % 100 === 0 ? 262_144 : 1 + random(ids.length - 1);
      ids[at] = random(2) === 0 ? ids[at - 1] : random(ids[at - 1] + 1);
      const view = bodyOf(ids);
      const said = [readPostingBody, readPostingBodyPlainly].map((read) => {
        try {
          read(view, 0, 4 + ids.length * 4);
          return 'nothing';
        } catch (thrown) {
          return `${kindOf(thrown)} ${messageOf(thrown)}`;
        }
      });
      assert.equal(said[0], said[1]);
      assert.match(said[0], /^corrupt .*not ascending/);
    }
  });
});
