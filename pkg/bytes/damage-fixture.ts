// Tests: damaged input for decoders. Whatever the bytes, a decoder answers or says what is wrong, soon.

import assert from 'node:assert/strict';
import { kindOf } from '../errors/fault.ts';

/** Ends a case: damage that is told by its kind. */
const REFUSALS: ReadonlySet<string> = new Set(['corrupt', 'unsupported', 'limit']);
const LONGEST_CASE_MS = 5000;

/** Whether the long lists are wanted. */
export const isSoak = process.env['TRIBUTARY_SOAK'] === '1';
/** For tests that run `checkDamaged`. */
export const damageTimeoutMs = isSoak ? 1_800_000 : 30_000;

/** Numbers below a bound, the same ones in every run. */
export type Random = (below: number) => number;

export function randomFrom(seed: number): Random {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** A copy with some bytes or bits changed, stretches moved, doubled or cut out, or the end cut off. */
export function damaged(bytes: Uint8Array, random: Random): Uint8Array {
  let copy: Uint8Array = bytes.slice();
  for (let n = 1 + random(4); n > 0 && copy.length > 0; n--) {
    const at = random(copy.length);
    const stretch = random(Math.min(20, copy.length - at)) + 1;
    switch (random(8)) {
      case 0:
      case 1:
        copy[at] = random(256);
        break;
      case 2:
      case 3:
        copy[at] ^= 1 << random(8);
        break;
      case 4:
        copy.fill([0, 0x7f, 0x80, 0xff][random(4)], at, at + stretch);
        break;
      case 5:
        copy.copyWithin(at, random(copy.length), random(copy.length + 1));
        break;
      case 6:
        copy = joined(copy.subarray(0, at + stretch), copy.subarray(at));
        break;
      default:
        copy = random(2) === 0 ? copy.slice(0, at) : joined(copy.subarray(0, at), copy.subarray(at + stretch));
    }
  }
  return copy;
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
  const all = new Uint8Array(a.length + b.length);
  all.set(a);
  all.set(b, a.length);
  return all;
}

export interface DamageCheck {
  /** Good input. */
  readonly inputs: readonly Uint8Array[];
  readonly decode: (bytes: Uint8Array) => void;
  /** Makes checksums right again, so that damage gets behind them; done for two cases of three. */
  readonly reseal?: (bytes: Uint8Array) => void;
  /** How many cases; a soak has a hundred times as many. */
  readonly cases: number;
}

/**
 * Runs the decoder over damaged copies. Fails on anything thrown that is no refusal, and when a case takes seconds. The
 * good input must be read, and some of the damage must be seen, or the check would check nothing.
 */
export function checkDamaged({ inputs, decode, reseal, cases }: DamageCheck): void {
  for (const input of inputs) decode(input);
  const random = randomFrom(inputs.length * 7919 + cases);
  let refused = 0;
  const wanted = isSoak ? cases * 100 : cases;
  for (let i = 0; i < wanted; i++) {
    const bytes = damaged(inputs[i % inputs.length], random);
    if (reseal !== undefined && i % 3 > 0) reseal(bytes);
    const startMs = performance.now();
    try {
      decode(bytes);
    } catch (thrown) {
      const hex = Buffer.from(bytes.subarray(0, 4096)).toString('hex');
      assert.ok(REFUSALS.has(kindOf(thrown)), `case ${i}: ${(thrown as Error).stack}\n${hex}`);
      refused++;
    }
    const tookMs = performance.now() - startMs;
    assert.ok(tookMs < LONGEST_CASE_MS, `case ${i} took ${tookMs} ms: ${Buffer.from(bytes).toString('hex')}`);
  }
  assert.ok(refused > wanted / 100, `${refused} of ${wanted} refused`);
}
